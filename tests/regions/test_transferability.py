"""How well frozen features tell labels."""

import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.regions.transferability import h_score, log_me, probe_scores

SCORES = {
    "log_me": lambda features, targets: log_me(features, targets, 3),
    "h_score": h_score,
    "probe": lambda features, targets: -probe_scores(features, targets, 3).loss,
}


@pytest.fixture
def targets():
    """Give labels of three classes of unequal size."""
    return np.repeat([0, 1, 2], [30, 20, 10])


@pytest.fixture
def features(rng, targets):
    """Give features in which the classes lie apart, and most directions are noise."""
    means = 1.5 * rng.standard_normal((3, 8)) * (np.arange(8) < 2)
    return rng.standard_normal((60, 8)) + means[targets]


def rotation(rng, width):
    """Return a random rotation."""
    return np.linalg.qr(rng.standard_normal((width, width)))[0]


@pytest.mark.parametrize("name", ["log_me", "h_score"])
def test_a_rotated_space_scores_alike(rng, features, targets, name):
    """The axes of a feature space are arbitrary."""
    turned = features @ rotation(rng, 8)

    assert SCORES[name](turned, targets) == pytest.approx(SCORES[name](features, targets), rel=1e-6)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_features_does_not_matter(features, targets, name, factor):
    """A scaled feature space tells the same."""
    score = SCORES[name]

    assert score(factor * features, targets) == pytest.approx(score(features, targets), rel=1e-4)


def test_a_shift_matters_to_the_evidence_alone(features, targets):
    """The H-score looks at covariances; the linear model of LogME has no intercept."""
    moved = features + 3.0

    assert h_score(moved, targets) == pytest.approx(h_score(features, targets))
    assert log_me(moved, targets, 3) != pytest.approx(log_me(features, targets, 3), abs=1e-3)


@pytest.mark.parametrize("name", ["log_me", "h_score"])
def test_names_of_labels_and_order_of_examples_do_not_matter(rng, features, targets, name):
    """Labels are numbered, and examples listed, in any order."""
    order = rng.permutation(60)
    renamed = np.array([2, 0, 1])[targets]
    score = SCORES[name]

    assert score(features, renamed) == pytest.approx(score(features, targets))
    assert score(features[order], targets[order]) == pytest.approx(score(features, targets))


@pytest.mark.parametrize("name", SCORES)
def test_features_that_tell_the_labels_score_higher(rng, features, targets, name):
    """Separate classes score above the same features dealt out at random."""
    dealt = rng.permutation(targets)

    assert SCORES[name](features, targets) > SCORES[name](features, dealt) + 0.05


@pytest.mark.parametrize("width", [1, 8, 29, 45])
@pytest.mark.parametrize("told", [0.0, 1.0])
def test_the_evidence_is_that_of_the_dense_normal(rng, width, told):
    """The search finds the largest density of the labels under their joint normal."""
    targets = np.repeat([0, 1, 2], [15, 10, 5])
    features = rng.standard_normal((30, width)) / np.sqrt(width) + told * targets[:, None]
    grid = np.exp(np.stack(np.meshgrid(np.linspace(-12, 6, 91), np.linspace(-9, 1, 51)), -1))
    priors, noises = grid.reshape(-1, 2)[:, :, None, None].transpose(1, 0, 2, 3)
    joint = priors * (features @ features.T) + noises * np.eye(30)
    inverse, (_, volume) = np.linalg.inv(joint), np.linalg.slogdet(joint)
    best = [
        -0.5 * (30 * np.log(2 * np.pi) + volume + np.einsum("i,kij,j->k", y, inverse, y)).min()
        for y in (targets == np.arange(3)[:, None]).astype(float)
    ]

    assert -1e-6 < log_me(features, targets, 3) - np.mean(best) / 30 < 5e-3  # the grid is coarse


def test_a_class_without_examples_is_left_out(features, targets):
    """The mean is over the classes that occur."""
    assert log_me(features, targets, 7) == log_me(features, targets, 3)


def test_without_shrinkage_the_h_score_is_that_of_the_covariances(rng):
    """On many examples of few dimensions the shrunk score is the plain formula."""
    targets = np.tile([0, 1, 2], 4_000)
    features = rng.standard_normal((12_000, 4)) * [1, 2, 3, 4] + targets[:, None]
    means = np.array([features[targets == label].mean(axis=0) for label in range(3)])
    plain = np.trace(np.linalg.solve(np.cov(features.T, bias=True), np.cov(means.T, bias=True)))

    assert h_score(features, targets) == pytest.approx(plain, rel=0.02)


def test_many_dimensions_of_noise_are_no_perfect_fit(rng):
    """With more dimensions than examples the unshrunk score would be 1, its largest value."""
    targets = np.tile([0, 1], 50)

    assert h_score(rng.standard_normal((100, 400)), targets) < 0.3


def test_labels_that_features_give_exactly_have_a_finite_score(rng, targets):
    """A perfect fit, and features that tell nothing, end the fixed point in numbers."""
    exact = np.eye(3)[targets]

    assert np.isfinite(log_me(exact, targets, 3))
    assert np.isfinite(log_me(np.ones((60, 2)), targets, 3))


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(features, targets, name, value):
    """A broken encoder has no score."""
    features[3, 1] = value

    with pytest.raises(DataError, match="not finite"):
        SCORES[name](features, targets)


@pytest.mark.parametrize("name", SCORES)
def test_one_label_is_refused(features, name):
    """Nothing is to be told where all labels are the same."""
    with pytest.raises(DataError, match=r"label"):
        SCORES[name](features, np.zeros(60, np.int64))


@pytest.mark.parametrize(("name", "fill"), [("log_me", 0.0), ("h_score", 0.1)])
def test_features_without_any_variation_are_refused(targets, name, fill):
    """An encoder that says nothing is told by name, not scored."""
    with pytest.raises(DataError, match="feature"):
        SCORES[name](np.full((60, 3), fill), targets)


def test_a_probe_scores_the_half_that_it_has_not_seen(features, targets):
    """Loss and accuracy are of held-out examples, the same for a seed."""
    one = probe_scores(features, targets, 3, seed=1)

    assert one == probe_scores(features, targets, 3, seed=1)
    assert one != probe_scores(features, targets, 3, seed=2)
    assert one.loss > 0
    assert 0 <= one.metric <= 1
