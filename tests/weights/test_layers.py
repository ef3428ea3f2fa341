"""Tensors are sorted into layers by their names."""

import pytest

from wsgeo.weights.layers import layers_of

CASES = {
    "bert": (
        ["bert.embeddings.LayerNorm.bias", "bert.encoder.layer.0.output.dense.weight",
         "bert.encoder.layer.10.output.dense.weight", "bert.encoder.layer.2.output.dense.weight",
         "bert.pooler.dense.weight"],
        ["embeddings", "layer 0", "layer 2", "layer 10", "rest"],
    ),
    "gpt2": (
        ["transformer.wte.weight", "transformer.h.0.attn.c_attn.weight", "transformer.ln_f.weight"],
        ["embeddings", "layer 0", "rest"],
    ),
    "llama": (
        ["model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight", "model.norm.weight"],
        ["embeddings", "layer 1", "rest"],
    ),
    "t5": (
        ["shared.weight", "decoder.block.0.layer.1.EncDecAttention.q.weight",
         "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
         "decoder.final_layer_norm.weight"],
        ["embeddings", "encoder 0", "decoder 0", "rest"],
    ),
    "bart": (
        ["model.encoder.layers.0.fc1.weight", "model.decoder.layers.0.fc1.weight",
         "model.encoder.embed_positions.weight"],
        ["embeddings", "encoder 0", "decoder 0"],
    ),
    "albert": (
        ["albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight",
         "albert.encoder.embedding_hidden_mapping_in.weight"],
        ["embeddings", "layer 0"],
    ),
    "alike": (["a.b.0.weight", "a.c.0.weight", "d.b.0.weight"], ["a.b 0", "a.c 0", "d.b 0"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_layers_in_the_order_of_the_model(case):
    """Embeddings come first, numbered layers by their numbers, all else last."""
    names, layers = CASES[case]

    assert list(dict.fromkeys(layers_of(names).values())) == layers


def test_every_tensor_has_one_layer():
    """No tensor is lost, and a name of its own makes no layer."""
    found = layers_of(["one", "two.weight", "x.3.weight"])

    assert found == {"x.3.weight": "layer 3", "one": "rest", "two.weight": "rest"}
