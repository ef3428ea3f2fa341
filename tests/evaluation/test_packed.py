"""The packed backend against the unchanged model."""

from __future__ import annotations

import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.evaluation import embeddings
from wsgeo.evaluation.families import blueprint_of
from wsgeo.evaluation.packed import PackedBackend, known_words, packing_of
from wsgeo.tasks.task import Objective

FAMILIES = ["bert", "roberta", "distilbert", "electra", "gpt2", "llama"]
LANGUAGE_MODELS = [
    ("bert", Objective.MASKED_LM),
    ("roberta", Objective.MASKED_LM),
    ("distilbert", Objective.MASKED_LM),
    ("electra", Objective.MASKED_LM),
    ("gpt2", Objective.CAUSAL_LM),
    ("llama", Objective.CAUSAL_LM),
]


def packed_of(model, examples, **options):
    """Return a packed backend of a model, and the model's packed weights."""
    weights = cases.weights_of(model)
    blueprint = blueprint_of(type(model).__name__, model.config.to_dict(), weights.layout)
    known = known_words([examples])
    packing = packing_of(blueprint, weights.layout, known)
    return PackedBackend(blueprint, packing, known, **options), packing.pack(weights)


@pytest.mark.parametrize("kernel", ["plain", "onednn"])
@pytest.mark.parametrize("family", FAMILIES)
def test_classes_are_those_of_the_module(family, kernel):
    """Losses, hits, logits and features are those of the unchanged module."""
    model = cases.build(family, Objective.CLASSIFICATION)
    examples = cases.classification()
    backend, weights = packed_of(model, examples, kernel=kernel)
    reference, whole = cases.backend_of(model)
    found = backend.losses(weights.vector, examples, logits=True)
    truth = reference.losses(whole.vector, examples, logits=True)
    assert found.logits == pytest.approx(truth.logits, abs=1e-5)
    assert found.loss == pytest.approx(truth.loss, abs=1e-5)
    assert np.array_equal(found.hit, truth.hit)
    features = backend.features(weights.vector, examples)
    assert features == pytest.approx(reference.features(whole.vector, examples), abs=1e-5)


@pytest.mark.parametrize(("family", "objective"), LANGUAGE_MODELS)
def test_tokens_are_those_of_the_module(family, objective):
    """Losses and hits over tokens are those of the unchanged module."""
    model = cases.build(family, objective)
    examples = cases.language(objective)
    backend, weights = packed_of(model, examples)
    reference, whole = cases.backend_of(model)
    found, truth = (
        b.losses(w.vector, examples) for b, w in ((backend, weights), (reference, whole))
    )
    assert found.loss == pytest.approx(truth.loss, rel=1e-5, abs=1e-5)
    assert found.hit == pytest.approx(truth.hit, abs=1e-6)


@pytest.mark.parametrize("kernel", ["plain", "onednn"])
@pytest.mark.parametrize("family", FAMILIES)
def test_classes_in_bfloat16_are_close(family, kernel):
    """In bfloat16 losses and logits are those of float32 up to a few of its roundings."""
    model = cases.build(family, Objective.CLASSIFICATION)
    examples = cases.classification(n=64)
    exact, weights = packed_of(model, examples)
    rounded, _ = packed_of(model, examples, kernel=kernel, precision="bf16")
    truth, found = (b.losses(weights.vector, examples, logits=True) for b in (exact, rounded))
    assert 0 < np.abs(found.logits - truth.logits).max() < 0.1
    assert found.mean == pytest.approx(truth.mean, abs=5e-3)


@pytest.mark.parametrize(("family", "objective"), LANGUAGE_MODELS)
def test_tokens_in_bfloat16_are_close(family, objective):
    """In bfloat16 mean losses of language models are those of float32 to a few thousandths."""
    model = cases.build(family, objective)
    examples = cases.language(objective)
    exact, weights = packed_of(model, examples)
    rounded, _ = packed_of(model, examples, precision="bf16")
    truth, found = (b.losses(weights.vector, examples) for b in (exact, rounded))
    assert found.mean == pytest.approx(truth.mean, rel=1e-2)
    assert not np.array_equal(found.loss, truth.loss)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_projected_parts_change_nothing(family, monkeypatch):
    """It is the same to project words and positions once as to project every token."""
    model = cases.build(family, Objective.CLASSIFICATION)
    examples = cases.classification(n=40)
    found = []
    for share in (0.0, 100.0):
        monkeypatch.setattr(embeddings, "_WORTHWHILE", share)
        backend, weights = packed_of(model, examples)
        found.append(backend.losses(weights.vector, examples, logits=True).logits)
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert not np.array_equal(*found)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_tensors_stay_on_their_device(family, precision):
    """A forward pass touches no tensor of another device than that of the weights."""
    import torch

    model = cases.build(family, Objective.CLASSIFICATION)
    examples = cases.classification()
    backend, _ = packed_of(model, examples, device="meta", precision=precision)
    texts = backend._texts(examples)
    with torch.inference_mode():
        features = [each for _, each in backend._features(texts, exact=True)]
        scores = [backend._model.scores(each) for each in features]
    assert {each.device.type for each in (*features, *scores)} == {"meta"}
    assert sum(len(each) for each in scores) == len(examples)


def test_a_tensor_is_taken_like_an_array():
    """Weights may be given as a tensor of the backend's device."""
    import torch

    model = cases.build("bert", Objective.CLASSIFICATION)
    examples = cases.classification()
    backend, weights = packed_of(model, examples)
    found = [
        backend.losses(vector, examples).loss
        for vector in (weights.vector, torch.from_numpy(weights.vector))
    ]
    assert np.array_equal(*found)
