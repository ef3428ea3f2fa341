"""The packed backend against the unchanged model."""

from __future__ import annotations

import evaluation_cases as cases
import numpy as np
import pytest

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
    assert found.logits == pytest.approx(truth.logits, abs=2e-5)
    assert found.loss == pytest.approx(truth.loss, abs=2e-5)
    assert np.array_equal(found.hit, truth.hit)
    features = backend.features(weights.vector, examples)
    assert features == pytest.approx(reference.features(whole.vector, examples), abs=2e-5)


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
    assert found.loss == pytest.approx(truth.loss, abs=2e-5)
    assert found.hit == pytest.approx(truth.hit, abs=1e-6)
