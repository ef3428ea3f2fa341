"""Toy models of every supported family, and checkpoints and examples for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from wsgeo.evaluation.hf import HuggingFaceBackend
from wsgeo.evaluation.losses import AbstractBackends
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.weights.layout import Layout, Weights
from wsgeo.zoo.checkpoints import Checkpoint

VOCABULARY, PAD, MASK = 60, 1, 4

FAMILIES = {
    "bert": {"type_vocab_size": 2, "pad_token_id": PAD},
    "roberta": {"type_vocab_size": 1, "pad_token_id": PAD, "max_position_embeddings": 40},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "pad_token_id": PAD},
    "electra": {"embedding_size": 16, "type_vocab_size": 2, "pad_token_id": PAD},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 48, "n_positions": 40},
    "llama": {"num_key_value_heads": 2, "pad_token_id": None},
    "t5": {
        "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4,
        "pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 2,
    },
}  # fmt: skip

COMMON = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
    "vocab_size": VOCABULARY, "max_position_embeddings": 40, "num_labels": 3,
}  # fmt: skip

AUTO = {
    Objective.CLASSIFICATION: "AutoModelForSequenceClassification",
    Objective.MASKED_LM: "AutoModelForMaskedLM",
    Objective.CAUSAL_LM: "AutoModelForCausalLM",
    Objective.SEQ2SEQ: "AutoModelForSeq2SeqLM",
}


def build(family, objective, seed=0, **options):
    """Return a model with random weights, wide enough that answers differ."""
    import torch
    import transformers

    settings = {**COMMON, **FAMILIES[family], **options}
    config = transformers.AutoConfig.for_model(family, **settings)
    torch.manual_seed(seed)
    model = getattr(transformers, AUTO[objective]).from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
    return model


def weights_of(model):
    """Return the model's weights with each tied group under the name that sorts first."""
    groups = {}
    for name, tensor in sorted(model.state_dict(keep_vars=True).items()):
        groups.setdefault(id(tensor), (name, tensor.detach().numpy()))
    tensors = dict(groups.values())
    names = tuple(sorted(tensors))
    layout = Layout(names, tuple(tensors[name].shape for name in names))
    return Weights(layout, np.concatenate([tensors[name].ravel() for name in names]))


def heads_of(model):
    """Return the names of the tensors outside the encoder or decoder."""
    prefix = f"{model.base_model_prefix}."
    return frozenset(n for n in weights_of(model).layout.names if not n.startswith(prefix))


def backend_of(model, **options):
    """Return a backend for a copy of the model's class, and the model's weights."""
    import copy

    weights, heads = weights_of(model), heads_of(model)
    return HuggingFaceBackend(copy.deepcopy(model), weights.layout, heads, **options), weights


def classification(n=24, seed=0, n_labels=3, class_map=None, pad=PAD, end=None):
    """Return examples of unequal length with random labels."""
    rng = np.random.default_rng(seed)
    arrays = _texts(rng, n, pad, end)
    arrays["targets"] = rng.integers(n_labels, size=n)
    arrays["targets"][:n_labels] = np.arange(n_labels)
    class_map = class_map or tuple((i,) for i in range(n_labels))
    labels = tuple("abcdef"[:n_labels])
    return EncodedExamples.of("toy", Objective.CLASSIFICATION, arrays, labels, class_map)


def language(objective, n=12, seed=0, pad=PAD):
    """Return examples for a language model, targets in the usual form."""
    rng = np.random.default_rng(seed)
    arrays = _texts(rng, n, pad, None)
    ids, mask = arrays["input_ids"], arrays["attention_mask"].astype(bool)
    if objective is Objective.CAUSAL_LM:
        scored = mask.copy()
        scored[:, 0] = False
        arrays["targets"] = np.where(scored, ids, -100)
    elif objective is Objective.MASKED_LM:
        scored = mask & (rng.random(ids.shape) < 0.3)
        scored[:, 1] = True
        arrays["targets"] = np.where(scored, ids, -100)
        arrays["input_ids"] = np.where(scored, MASK, ids)
    else:
        other = _texts(rng, n, 0, 2)
        kept = other["attention_mask"].astype(bool)
        arrays["targets"] = np.where(kept, other["input_ids"], -100)
    return EncodedExamples.of("text", objective, arrays)


def _texts(rng, n, pad, end):
    lengths = rng.integers(3, 20, size=n)
    lengths[0] = 25
    mask = np.arange(25) < lengths[:, None]
    ids = np.where(mask, rng.integers(5, VOCABULARY - 5, size=mask.shape), pad)
    types = np.where(mask, np.arange(25) > lengths[:, None] // 2, 0)
    if end is not None:
        ids[np.arange(n), lengths - 1] = end
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def write_checkpoint(model, folder: Path, name: str, **facts) -> Checkpoint:
    """Save a model and describe it as an accepted checkpoint."""
    import hashlib

    weights = weights_of(model)
    model.save_pretrained(folder)
    return Checkpoint(
        id=name,
        folder=folder,
        content_hash=hashlib.sha256(weights.vector.tobytes()).hexdigest(),
        config=json.loads((folder / "config.json").read_text()),
        model_class=type(model).__name__,
        tensors={},
        layout=weights.layout,
        labels=("a", "b", "c"),
        labels_named=True,
        tokenizer_folder=folder,
        tokenizer_hash="",
        geometry_group="g0",
        loss_group="g0.l0",
        **facts,
    )


def load(checkpoint: Checkpoint) -> Weights:
    """Read what `write_checkpoint` wrote."""
    from safetensors.numpy import load_file

    tensors = load_file(checkpoint.folder / "model.safetensors")
    parts = [tensors[name].ravel() for name in checkpoint.layout.names]
    return Weights(checkpoint.layout, np.concatenate(parts))


def head_names(checkpoint: Checkpoint) -> frozenset[str]:
    """Return the classifier's tensors."""
    return frozenset(name for name in checkpoint.layout.names if name.startswith("classifier"))


class ToyBackends(AbstractBackends):
    """The unchanged modules of toy checkpoints, whose names are not quite those of a zoo."""

    def precision_of(self, format_):
        """Return the number format."""
        return format_

    def packed(self, checkpoint, weights):
        """Return the weights as they are."""
        return weights

    def make(self, checkpoint: Checkpoint, token_budget: int):
        """Build the checkpoint's architecture."""
        import transformers

        config = transformers.AutoConfig.from_pretrained(checkpoint.folder)
        model = getattr(transformers, checkpoint.model_class)(config)
        heads = head_names(checkpoint)
        return HuggingFaceBackend(model, checkpoint.layout, heads, token_budget=token_budget)


def one_by_one(model, examples):
    """Return loss and logits of the unchanged model: batches of one, no padding, its own loss."""
    import torch

    losses, answers = [], []
    wants_types = getattr(model.config, "type_vocab_size", 0) > 1
    for i, length in enumerate(examples.attention_mask.sum(1)):
        inputs = {"input_ids": torch.tensor(examples.input_ids[i : i + 1, :length]).long()}
        if wants_types:
            types = examples.token_type_ids[i : i + 1, :length]
            inputs["token_type_ids"] = torch.tensor(types).long()
        targets = examples.targets[i : i + 1]
        if examples.objective is Objective.SEQ2SEQ:
            targets = targets[:, : (targets != -100).sum()]
        elif examples.objective is not Objective.CLASSIFICATION:
            targets = targets[:, :length]
        with torch.no_grad():
            output = model(**inputs, labels=torch.tensor(targets))
        losses.append(float(output.loss))
        answers.append(output.logits[0].numpy())
    return np.array(losses), answers


def mean(outcome):
    """Return the mean loss of an outcome, in float64."""
    return outcome.loss.mean(dtype=np.float64)
