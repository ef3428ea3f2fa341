"""The backend for unchanged transformers models, against the model itself, one example at a time."""

from __future__ import annotations

import evaluation_cases as cases
import numpy as np
import pytest
from evaluation_cases import mean, one_by_one

from wsgeo.tasks.task import Objective

CLASSIFIERS = ["bert", "roberta", "distilbert", "electra", "gpt2", "llama", "t5"]
LANGUAGE_MODELS = [
    ("bert", Objective.MASKED_LM),
    ("roberta", Objective.MASKED_LM),
    ("distilbert", Objective.MASKED_LM),
    ("electra", Objective.MASKED_LM),
    ("gpt2", Objective.CAUSAL_LM),
    ("llama", Objective.CAUSAL_LM),
    ("t5", Objective.SEQ2SEQ),
]


@pytest.mark.parametrize("family", CLASSIFIERS)
class TestClassification:
    """Cross-entropy of class logits."""

    def test_is_that_of_the_model(self, family):
        """Losses, hits and logits are those of the model called with one example at a time."""
        model = cases.build(family, Objective.CLASSIFICATION)
        examples = cases.classification(end=2 if family == "t5" else None)
        backend, weights = cases.backend_of(model, token_budget=64)
        expected, logits = one_by_one(model, examples)

        found = backend.losses(weights.vector, examples, logits=True)

        assert np.abs(found.loss - expected).max() < 2e-5
        assert np.abs(found.loss.mean(dtype=np.float64) - expected.mean()) < 1e-6
        assert np.abs(found.logits - np.stack(logits)).max() < 2e-5
        assert (found.hit == (np.stack(logits).argmax(1) == examples.targets)).all()

    def test_features_feed_the_last_layer(self, family):
        """The last layer of the head turns the features into the logits."""
        model = cases.build(family, Objective.CLASSIFICATION)
        examples = cases.classification(end=2 if family == "t5" else None)
        backend, weights = cases.backend_of(model, token_budget=64)
        names = {
            "gpt2": "score",
            "llama": "score",
            "bert": "classifier",
            "distilbert": "classifier",
        }
        name = names.get(family, "classifier.out_proj")
        if family == "t5":
            name = "classification_head.out_proj"
        layer = model.get_submodule(name)

        features = backend.features(weights.vector, examples)
        logits = features @ layer.weight.detach().numpy().T
        if layer.bias is not None:
            logits = logits + layer.bias.detach().numpy()

        expected = backend.losses(weights.vector, examples, logits=True).logits
        assert np.abs(logits - expected).max() < 2e-5


@pytest.mark.parametrize(("family", "objective"), LANGUAGE_MODELS)
class TestLanguage:
    """Cross-entropy of scored tokens, averaged per example."""

    @pytest.mark.parametrize("tied", [True, False])
    def test_is_that_of_the_model(self, family, objective, tied):
        """Losses are those of the model called with one example at a time, tied or not."""
        model = cases.build(family, objective, tie_word_embeddings=tied)
        examples = cases.language(objective)
        backend, weights = cases.backend_of(model, token_budget=64)
        expected, _ = one_by_one(model, examples)

        found = backend.losses(weights.vector, examples)

        assert np.abs(found.loss - expected).max() < 2e-5
        assert abs(mean(found) - expected.mean()) < 1e-6
        assert found.logits is None
        assert ((found.hit >= 0) & (found.hit <= 1)).all()

    def test_the_budget_changes_nothing(self, family, objective):
        """The mean loss is the same to 1e-6 whatever the batches."""
        model = cases.build(family, objective)
        examples = cases.language(objective)
        means = []
        for budget in (1, 60, 10_000):
            backend, weights = cases.backend_of(model, token_budget=budget)
            means.append(mean(backend.losses(weights.vector, examples)))

        assert np.ptp(means) < 1e-6
