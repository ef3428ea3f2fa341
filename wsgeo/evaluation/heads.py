"""What becomes of the head on the way between two checkpoints."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import REFIT, Failure, Losses, Outcome

RIDGES: Final = (1e4, 1e3, 1e2, 1e1, 1.0)
"""Strengths of a probe's ridge that are tried, the strongest first."""

_FOLDS: Final = 4

Rows: TypeAlias = NDArray[np.float64]


class HeadPolicy(StrEnum):
    """Whose head a point on a path has; recorded with each result.

    References
    ----------
    Papers choose differently: the head moves with the rest [juneja2022]_, it belongs to the task
    that is evaluated [qin2022]_, one start is shared, or a probe is fitted on the frozen encoder.
    """

    INTERPOLATE = "interpolate"
    """The head moves with the path."""
    OWN = "own"
    """The head of the end point whose task is evaluated."""
    SOURCE = "source"
    """The head of one end throughout."""
    REFIT = "refit"
    """A linear probe, fitted on half of the examples and measured on the other half."""


def head_for(policy: HeadPolicy, owner: str, seed: int = 0) -> str | None:
    """Return what `Point.head` says under a policy.

    Parameters
    ----------
    policy : HeadPolicy
        The policy.
    owner : str
        Content hash of the checkpoint whose head serves, for ``own`` and ``source``.
    seed : int, default 0
        Seed of the split, for ``refit``.

    Returns
    -------
    str or None
        A content hash, ``refit:SEED``, or None.

    Examples
    --------
    >>> [head_for(policy, "a") for policy in HeadPolicy]
    [None, 'a', 'a', 'refit:0']
    """
    if policy is HeadPolicy.INTERPOLATE:
        return None
    return f"{REFIT}{seed}" if policy is HeadPolicy.REFIT else owner


def halves(targets: NDArray[np.int64], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split examples into halves, class by class.

    Parameters
    ----------
    targets : ndarray of int64, shape (n_examples,)
        Class of each example.
    seed : int
        Seed of the split.

    Returns
    -------
    train, test : ndarray of int
        Positions, in order; an odd example of a class goes to ``train``.

    Examples
    --------
    >>> train, test = halves(np.array([0, 0, 1, 1, 1]), seed=0)
    >>> len(train), len(test)
    (3, 2)
    """
    rng = np.random.default_rng(seed)
    train = np.zeros(len(targets), bool)
    for label in np.unique(targets):
        members = rng.permutation(np.flatnonzero(targets == label))
        train[members[: (len(members) + 1) // 2]] = True
    return np.flatnonzero(train), np.flatnonzero(~train)


def probe(
    features: NDArray[np.float32], targets: NDArray[np.int64], n_classes: int, seed: int = 0
) -> Outcome:
    """Fit a linear probe on half of the examples and measure it on the other half.

    Multinomial logistic regression on standardised features, fitted to the optimum from zero, so
    equal features give equal losses. Its ridge is the one of `RIDGES` that does best on the training
    half in four folds: with fewer examples than features a fixed one fits the noise, and the loss
    would tell how many features an encoder has rather than how good they are. The halves depend on
    the targets and the seed alone: along a path all points are measured on the same examples.

    Parameters
    ----------
    features : ndarray of float32, shape (n_examples, width)
        Output of the frozen encoder.
    targets : ndarray of int64, shape (n_examples,)
        Class of each example.
    n_classes : int
        Number of labels of the task.
    seed : int
        Seed of the split.

    Returns
    -------
    Losses or Failure
        On the test half, in the order of the examples; a failure if a label is too rare to be in
        both halves, or a feature is not finite.
    """
    if not np.isfinite(features).all():
        return Failure("nonfinite", "the encoder's output is not finite")
    counts = np.bincount(targets, minlength=n_classes)
    if (counts == 1).any() or (counts > 0).sum() < 2:
        return Failure("failed", "a probe needs two labels with two examples each")
    train, test = halves(targets, seed)
    x, y = _standardised(features, train), targets[train]
    loss, hit = _losses(x[train], y, x[test], targets[test], _best_ridge(x[train], y, seed))
    return Losses(loss.astype(np.float32), hit.astype(np.float32))


def _standardised(features: NDArray[np.float32], train: NDArray[np.intp]) -> Rows:
    """Return features of mean 0 and variance 1 on the training half."""
    mean = features[train].mean(axis=0, dtype=np.float64)
    scale = features[train].std(axis=0, dtype=np.float64)
    # What hardly varies in one half is not blown up where it varies in the other.
    least = 1e-3 * np.sqrt(np.mean(scale**2))
    return np.asarray((features - mean) / np.maximum(scale, least if least > 0 else 1.0))


def _best_ridge(x: Rows, targets: NDArray[np.int64], seed: int) -> float:
    """Return the ridge with the least loss over four folds; the strongest among equals."""
    folds = _folds(targets, seed)
    parts = [(folds != k, folds == k) for k in range(_FOLDS)]
    # A label of one example is nowhere else to be learned from, and one label is no problem.
    parts = [(fit, held & np.isin(targets, targets[fit])) for fit, held in parts]
    parts = [(f, h) for f, h in parts if h.any() and len(np.unique(targets[f])) > 1]
    if not parts:
        return RIDGES[0]
    total = [
        sum(_losses(x[f], targets[f], x[h], targets[h], ridge)[0].sum() for f, h in parts)
        for ridge in RIDGES
    ]
    return RIDGES[int(np.argmin(total))]


def _folds(targets: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return a fold of each example, every label spread evenly over them."""
    order = np.random.default_rng([seed, 1]).permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    folds = np.empty(len(targets), np.int64)
    folds[order] = np.arange(len(targets)) % _FOLDS
    return folds


def _losses(
    x: Rows, y: NDArray[np.int64], test_x: Rows, test_y: NDArray[np.int64], ridge: float
) -> tuple[Rows, Rows]:
    """Return losses and hits on one part of the examples of a fit on another."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / ridge, tol=1e-6, max_iter=10_000).fit(x, y)
    scores = model.decision_function(test_x)
    if scores.ndim == 1:  # two labels: one score, for the second
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    chosen = np.searchsorted(model.classes_, test_y)
    top = scores.max(axis=1)
    total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return total - scores[np.arange(len(test_y)), chosen], scores.argmax(axis=1) == chosen
