"""Head policies and the probe."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.evaluation.heads import RIDGES, HeadPolicy, halves, head_for, probe
from wsgeo.evaluation.losses import Failure


class TestHeadFor:
    """What a point says of its head under each policy."""

    def test_the_head_that_moves_has_no_owner(self):
        """An interpolated head is nobody's."""
        assert head_for(HeadPolicy.INTERPOLATE, "a") is None

    @pytest.mark.parametrize("policy", [HeadPolicy.OWN, HeadPolicy.SOURCE])
    def test_one_end_owns_the_head(self, policy):
        """The head of one end is named by that end."""
        assert head_for(policy, "a", seed=3) == "a"

    def test_a_fitted_head_is_nobodys(self):
        """A fitted head depends on the seed of its split alone."""
        assert {head_for(HeadPolicy.REFIT, owner, seed=3) for owner in "ab"} == {"refit:3"}


class TestHalves:
    """The split for the probe."""

    def test_every_class_in_both(self):
        """The halves are disjoint, complete, and hold every class in equal parts."""
        targets = np.random.default_rng(0).integers(3, size=101)
        train, test = halves(targets, seed=5)

        assert sorted([*train, *test]) == list(range(101))
        counts = np.bincount(targets[train]) - np.bincount(targets[test])
        assert ((counts == 0) | (counts == 1)).all()

    def test_the_seed_decides(self):
        """The same seed gives the same halves, another seed others."""
        targets = np.arange(60) % 3

        assert (halves(targets, 1)[1] == halves(targets, 1)[1]).all()
        assert set(halves(targets, 1)[1]) != set(halves(targets, 2)[1])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=300)
    features = rng.normal(size=(300, 8)) + 2.0 * np.eye(3, 8)[targets]
    return features.astype(np.float32), targets


class TestProbe:
    """The linear probe."""

    def test_finds_what_is_linear(self, data):
        """Separated classes are found; the losses are those of the test half."""
        found = probe(*data, n_classes=3)

        assert found.metric > 0.7
        assert found.mean < 0.7
        assert len(found.loss) == len(halves(data[1], 0)[1])

    def test_scale_does_not_matter(self, data):
        """Shifted and scaled features give the same losses."""
        features, targets = data
        moved = (features * np.float32(100) + np.float32(7)).astype(np.float32)

        first, second = probe(features, targets, 3), probe(moved, targets, 3)
        assert np.abs(first.loss - second.loss).max() < 1e-3
        assert abs(first.mean - second.mean) < 1e-5

    def test_equal_features_equal_bits(self, data):
        """The probe is deterministic."""
        assert (probe(*data, n_classes=3).loss == probe(*data, n_classes=3).loss).all()

    def test_noise_is_chance(self):
        """On features without meaning the probe does not beat chance by much."""
        rng = np.random.default_rng(1)
        found = probe(rng.normal(size=(400, 2)).astype(np.float32), np.arange(400) % 2, 2)

        assert found.metric == pytest.approx(0.5, abs=0.12)

    def test_more_noise_than_examples(self):
        """With more features than examples, and none that means anything, the loss is that of chance."""
        rng = np.random.default_rng(2)
        found = probe(rng.normal(size=(200, 300)).astype(np.float32), np.arange(200) % 2, 2)

        assert found.mean == pytest.approx(np.log(2), abs=0.02)

    def test_the_best_of_the_ridges_is_near(self):
        """The loss is close to the least that any of the ridges would have had."""
        rng = np.random.default_rng(3)
        targets = rng.integers(3, size=400)
        features = rng.normal(size=(400, 100)) + 1.5 * np.eye(3, 100)[targets]
        train, test = halves(targets, 0)
        scale = features[train].std(axis=0)
        x = (features - features[train].mean(axis=0)) / scale

        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import log_loss

        fits = [LogisticRegression(C=1 / r).fit(x[train], targets[train]) for r in RIDGES]
        losses = [log_loss(targets[test], fit.predict_proba(x[test])) for fit in fits]
        found = probe(features.astype(np.float32), targets, 3)
        assert min(losses) - 1e-3 <= found.mean <= min(losses) + 0.02

    def test_a_label_of_three_examples(self):
        """A label too rare for every fold is learned all the same."""
        targets = np.array([0] * 40 + [1] * 40 + [2] * 3)
        features = np.eye(3)[targets] + np.random.default_rng(4).normal(size=(83, 3)) * 0.1

        found = probe(features.astype(np.float32), targets, 3)
        assert found.metric == 1.0

    def test_constant_features(self):
        """A feature that does not vary is harmless."""
        found = probe(np.ones((40, 3), np.float32), np.arange(40) % 2, 2)

        assert found.mean == pytest.approx(np.log(2), abs=1e-6)

    @pytest.mark.parametrize("targets", [[0, 0, 0, 0], [0, 0, 0, 1]])
    def test_too_few(self, targets):
        """A label that cannot be in both halves is a failure with its reason."""
        found = probe(np.ones((4, 2), np.float32), np.array(targets), 2)

        assert isinstance(found, Failure)
        assert "two labels" in found.reason

    def test_not_finite(self):
        """Features that are not finite are a failure."""
        found = probe(np.full((4, 2), np.nan, np.float32), np.array([0, 1, 0, 1]), 2)

        assert found.status == "nonfinite"
