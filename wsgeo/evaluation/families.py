"""The families of models that can be packed: from a configuration to a blueprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from wsgeo.evaluation.blueprints import Blueprint, HeadNames, LayerNames
from wsgeo.weights.layout import Layout

ACTIVATIONS: Final = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu", "silu": "silu", "swish": "silu", "tanh": "tanh",
}  # fmt: skip
"""Name in a configuration -> name of a kernel."""


def blueprint_of(model_class: str, config: Mapping[str, Any], layout: Layout) -> Blueprint | None:
    """Return how a model is built, if it is of a kind that can be packed.

    Parameters
    ----------
    model_class : str
        Class built into transformers.
    config : mapping
        Its configuration with all defaults filled in.
    layout : Layout
        Canonical names and shapes.

    Returns
    -------
    Blueprint or None
        None where class or configuration ask for what is not built here; whether a blueprint is
        right is for a comparison of outputs to say.
    """
    family = _FAMILIES.get(str(config.get("model_type")))
    if family is None:
        return None
    names, head = family[0], family[1].get(model_class)
    if head is None:
        return None
    found = names(config, head, layout)
    if found is None:
        return None
    found = _with_words(found, layout)
    return found if _complete(found, layout) else None


def _bert(config: Mapping[str, Any], head: HeadNames, layout: Layout) -> Blueprint | None:
    """Return BERT, RoBERTa or ELECTRA."""
    body = str(config["model_type"])
    activation = ACTIVATIONS.get(str(config["hidden_act"]))
    if activation is None or config.get("is_decoder") or config.get("add_cross_attention"):
        return None
    table, layer = f"{body}.embeddings", f"{body}.encoder.layer.{{}}"
    projection = f"{body}.embeddings_project"
    padding = config.get("pad_token_id")
    return Blueprint(
        words=f"{table}.word_embeddings.weight",
        positions=f"{table}.position_embeddings.weight",
        types=f"{table}.token_type_embeddings.weight",
        embedding_norm=f"{table}.LayerNorm",
        projection=projection if f"{projection}.weight" in layout.names else None,
        layers=tuple(_bert_layer(layer.format(i)) for i in range(config["num_hidden_layers"])),
        head=_with_activation(head, config["hidden_act"]),
        activation=activation,
        eps=float(config["layer_norm_eps"]),
        first_position=int(padding or 0) + 1 if body == "roberta" else 0,
        padding=padding,
        n_heads=config["num_attention_heads"],
        n_kv_heads=config["num_attention_heads"],
        head_width=config["hidden_size"] // config["num_attention_heads"],
    )


def _bert_layer(layer: str) -> LayerNames:
    attention = f"{layer}.attention"
    return LayerNames(
        qkv=tuple(f"{attention}.self.{part}" for part in ("query", "key", "value")),
        attended=f"{attention}.output.dense",
        attention_norm=f"{attention}.output.LayerNorm",
        up=(f"{layer}.intermediate.dense",),
        down=f"{layer}.output.dense",
        feed_norm=f"{layer}.output.LayerNorm",
    )


def _distilbert(config: Mapping[str, Any], head: HeadNames, _: Layout) -> Blueprint | None:
    activation = ACTIVATIONS.get(str(config["activation"]))
    if activation is None:
        return None
    table, layer = "distilbert.embeddings", "distilbert.transformer.layer.{}"
    return Blueprint(
        words=f"{table}.word_embeddings.weight",
        positions=f"{table}.position_embeddings.weight",
        embedding_norm=f"{table}.LayerNorm",
        layers=tuple(_distilbert_layer(layer.format(i)) for i in range(config["n_layers"])),
        head=_with_activation(head, config["activation"]),
        activation=activation,
        eps=1e-12,
        padding=config.get("pad_token_id"),
        n_heads=config["n_heads"],
        n_kv_heads=config["n_heads"],
        head_width=config["dim"] // config["n_heads"],
    )


def _distilbert_layer(layer: str) -> LayerNames:
    return LayerNames(
        qkv=tuple(f"{layer}.attention.{part}_lin" for part in "qkv"),
        attended=f"{layer}.attention.out_lin",
        attention_norm=f"{layer}.sa_layer_norm",
        up=(f"{layer}.ffn.lin1",),
        down=f"{layer}.ffn.lin2",
        feed_norm=f"{layer}.output_layer_norm",
    )


def _gpt2(config: Mapping[str, Any], head: HeadNames, _: Layout) -> Blueprint | None:
    activation = ACTIVATIONS.get(str(config["activation_function"]))
    unusual = ("scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention")
    if activation is None or not config["scale_attn_weights"] or any(map(config.get, unusual)):
        return None
    return Blueprint(
        words="transformer.wte.weight",
        positions="transformer.wpe.weight",
        layers=tuple(_gpt2_layer(f"transformer.h.{i}") for i in range(config["n_layer"])),
        final_norm="transformer.ln_f",
        head=head,
        activation=activation,
        eps=float(config["layer_norm_epsilon"]),
        norm_first=True,
        causal=True,
        transposed=True,
        padding=config.get("pad_token_id"),
        n_heads=config["n_head"],
        n_kv_heads=config["n_head"],
        head_width=config["n_embd"] // config["n_head"],
    )


def _gpt2_layer(layer: str) -> LayerNames:
    return LayerNames(
        qkv=(f"{layer}.attn.c_attn",),
        attended=f"{layer}.attn.c_proj",
        attention_norm=f"{layer}.ln_1",
        up=(f"{layer}.mlp.c_fc",),
        down=f"{layer}.mlp.c_proj",
        feed_norm=f"{layer}.ln_2",
    )


def _llama(config: Mapping[str, Any], head: HeadNames, _: Layout) -> Blueprint | None:
    activation = ACTIVATIONS.get(str(config["hidden_act"]))
    rotary = config.get("rope_parameters") or {}
    if activation is None or rotary.get("rope_type", "default") != "default":
        return None
    n_heads = int(config["num_attention_heads"])
    return Blueprint(
        words="model.embed_tokens.weight",
        layers=tuple(_llama_layer(f"model.layers.{i}") for i in range(config["num_hidden_layers"])),
        final_norm="model.norm",
        head=head,
        n_heads=n_heads,
        n_kv_heads=int(config.get("num_key_value_heads") or n_heads),
        head_width=int(config.get("head_dim") or config["hidden_size"] // n_heads),
        activation=activation,
        eps=float(config["rms_norm_eps"]),
        norm_first=True,
        rms=True,
        causal=True,
        rotary_base=float(rotary["rope_theta"]),
        padding=config.get("pad_token_id"),
    )


def _llama_layer(layer: str) -> LayerNames:
    return LayerNames(
        qkv=tuple(f"{layer}.self_attn.{part}_proj" for part in "qkv"),
        attended=f"{layer}.self_attn.o_proj",
        attention_norm=f"{layer}.input_layernorm",
        up=(f"{layer}.mlp.gate_proj", f"{layer}.mlp.up_proj"),
        down=f"{layer}.mlp.down_proj",
        feed_norm=f"{layer}.post_attention_layernorm",
    )


def _with_activation(head: HeadNames, name: str) -> HeadNames:
    """Return a head with the configuration's activation in place of ``own``."""
    if head.activation != "own":
        return head
    return replace(head, activation=ACTIVATIONS[name])


def _with_words(blueprint: Blueprint, layout: Layout) -> Blueprint:
    """Return a blueprint whose embedding table has the name under which a tied model has it."""
    tied = f"{blueprint.head.out}.weight"
    there = blueprint.words in layout.names or tied not in layout.names
    return blueprint if there else replace(blueprint, words=tied)


def _complete(blueprint: Blueprint, layout: Layout) -> bool:
    """Return whether a model has the tensors without which there is no forward pass."""
    linear = [
        name
        for layer in blueprint.layers
        for name in (*layer.qkv, layer.attended, layer.attention_norm, *layer.up, layer.down,
                     layer.feed_norm)
    ]  # fmt: skip
    needed = {blueprint.words, *(f"{name}.weight" for name in linear)}
    return bool(blueprint.layers) and needed <= set(layout.names)


_DENSE_OUT = HeadNames("classifier.out_proj", dense="classifier.dense", activation="tanh")

_FAMILIES: Final[Mapping[str, tuple[Any, Mapping[str, HeadNames]]]] = {
    "bert": (
        _bert,
        {
            "BertForSequenceClassification": HeadNames(
                "classifier", dense="bert.pooler.dense", activation="tanh"
            ),
            "BertForMaskedLM": HeadNames(
                "cls.predictions.decoder", "cls.predictions.transform.dense", "own",
                "cls.predictions.transform.LayerNorm", "cls.predictions.bias",
            ),
        },
    ),
    "roberta": (
        _bert,
        {
            "RobertaForSequenceClassification": _DENSE_OUT,
            "RobertaForMaskedLM": HeadNames(
                "lm_head.decoder", "lm_head.dense", "gelu", "lm_head.layer_norm", "lm_head.bias"
            ),
        },
    ),
    "electra": (
        _bert,
        {
            "ElectraForSequenceClassification": HeadNames(
                "classifier.out_proj", dense="classifier.dense", activation="gelu"
            ),
            "ElectraForMaskedLM": HeadNames(
                "generator_lm_head", "generator_predictions.dense", "gelu",
                "generator_predictions.LayerNorm",
            ),
        },
    ),
    "distilbert": (
        _distilbert,
        {
            "DistilBertForSequenceClassification": HeadNames(
                "classifier", dense="pre_classifier", activation="relu"
            ),
            "DistilBertForMaskedLM": HeadNames(
                "vocab_projector", "vocab_transform", "own", "vocab_layer_norm"
            ),
        },
    ),
    "gpt2": (
        _gpt2,
        {
            "GPT2ForSequenceClassification": HeadNames("score"),
            "GPT2LMHeadModel": HeadNames("lm_head"),
        },
    ),
    "llama": (
        _llama,
        {
            "LlamaForSequenceClassification": HeadNames("score"),
            "LlamaForCausalLM": HeadNames("lm_head"),
        },
    ),
}  # fmt: skip
