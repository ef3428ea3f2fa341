"""Pre-training on pairs of texts."""

from __future__ import annotations

import dataclasses

import numpy as np

from wsgeo.training.pair_pretraining import pretrain_masked_lm


def weights(trained):
    """Return all weights as one vector."""
    return np.concatenate([p.detach().numpy().ravel() for p in trained.model.parameters()])


class TestPretrain:
    """Pre-training."""

    def test_is_the_same_to_the_last_bit_with_the_same_seed(self, workshop):
        """Two runs of one recipe give equal weights."""
        runs = [pretrain_masked_lm(workshop.pretraining) for _ in range(2)]

        assert np.array_equal(*map(weights, runs))

    def test_without_pairs_it_is_a_masked_language_model(self, workshop):
        """The pair objective is left out where its weight is 0."""
        plain = dataclasses.replace(workshop.pretraining, pair_weight=0.0)

        trained = pretrain_masked_lm(plain)

        assert type(trained.model).__name__ == "BertForMaskedLM"
        assert np.isfinite(trained.descended.train_loss)
