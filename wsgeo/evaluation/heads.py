"""What becomes of the head on the way between two checkpoints."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure, Losses, Outcome
from wsgeo.evaluation.points import REFIT


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

    Multinomial logistic regression with a ridge of 1 on standardised features: fitted to the
    optimum from zero, so equal features give equal losses. The halves depend on the targets and the
    seed alone: along a path all points are measured on the same examples.

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
    from sklearn.linear_model import LogisticRegression

    if not np.isfinite(features).all():
        return Failure("nonfinite", "the encoder's output is not finite")
    counts = np.bincount(targets, minlength=n_classes)
    if (counts == 1).any() or (counts > 0).sum() < 2:
        return Failure("failed", "a probe needs two labels with two examples each")
    train, test = halves(targets, seed)
    mean = features[train].mean(axis=0, dtype=np.float64)
    scale = features[train].std(axis=0, dtype=np.float64)
    x = (features - mean) / np.where(scale > 0, scale, 1.0)
    model = LogisticRegression(tol=1e-6, max_iter=10_000).fit(x[train], targets[train])
    scores = model.decision_function(x[test])
    if scores.ndim == 1:  # two labels: one score, for the second
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    chosen = np.searchsorted(model.classes_, targets[test])
    top = scores.max(axis=1)
    loss = (
        top
        + np.log(np.exp(scores - top[:, None]).sum(axis=1))
        - scores[np.arange(len(test)), chosen]
    )
    hit = scores.argmax(axis=1) == chosen
    return Losses(loss.astype(np.float32), hit.astype(np.float32))
