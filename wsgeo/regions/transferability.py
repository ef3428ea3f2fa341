"""How well frozen features tell the labels of a target: scores that need no fine-tuning."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.evaluation.heads import probe
from wsgeo.evaluation.losses import Failure

Features: TypeAlias = NDArray[np.floating[Any]]
Floats: TypeAlias = NDArray[np.float64]

_DECADES: Final = (
    12.0  # of the ratio of precisions about the features' mean square: beyond, nothing
)
_STEPS: Final = (0.5, 0.05, 0.005)  # in decades, of the search for the best ratio


class ProbeScores(NamedTuple):
    """What a linear probe makes of the examples that it was not fitted on.

    Parameters
    ----------
    loss : float
        Nats per example.
    metric : float
        Accuracy, a fraction in [0, 1].
    """

    loss: float
    metric: float


def log_me(features: Features, targets: NDArray[np.int64], n_classes: int) -> float:
    r"""Return the largest log evidence per example of a linear model of the labels.

    Each class is regressed, one against the rest, as :math:`y = F w + \epsilon` with
    :math:`w \sim N(0, \alpha^{-1} I)` and :math:`\epsilon \sim N(0, \beta^{-1} I)`, and

    .. math:: \frac1C \sum_c \max_{\alpha, \beta} \frac1n \log p(y_c \mid F, \alpha, \beta)

    Evidence, unlike the fit, falls with width that does not help, so it needs no held-out examples.
    One singular value decomposition serves all precisions. Their ratio is searched over its whole
    range, since the evidence may have several maxima, of which the paper's fixed point finds the
    one next to where it began; the noise is the best one for the ratio. The score does not change
    if features are rotated or scaled. It does change if they are shifted: the model has no
    intercept, as in the paper.

    Parameters
    ----------
    features : ndarray of float, shape (n_examples, width)
        Output of a frozen encoder.
    targets : ndarray of int64, shape (n_examples,)
        Class of each example.
    n_classes : int
        Number of labels of the task; those without an example are left out of the mean.

    Returns
    -------
    float
        Nats per example and class; larger is better. It may be above 0: labels are coded 0 and 1,
        and a density has no upper bound.

    Raises
    ------
    DataError
        If a feature is not finite, all are 0, or there are fewer than two classes.

    References
    ----------
    [you2021]_

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> targets = np.repeat([0, 1], 50)
    >>> noise = rng.standard_normal((100, 4))
    >>> log_me(noise, targets, 2) < log_me(noise + 3 * targets[:, None], targets, 2)
    True
    """
    x = _checked(features, targets)
    classes = [label for label in range(n_classes) if (targets == label).any()]
    one_hot = (targets[:, None] == np.array(classes)).astype(np.float64)
    left, singular, _ = np.linalg.svd(x, full_matrices=False)
    if not singular[0]:
        raise DataError("every feature is 0")
    projected = (left.T @ one_hot) ** 2
    rest = np.maximum((one_hot**2).sum(axis=0) - projected.sum(axis=0), 0.0)
    return float(_evidence(singular[:, None] ** 2, projected, rest, len(x)).mean())


def h_score(features: Features, targets: NDArray[np.int64]) -> float:
    r"""Return the H-score: how much of the features' covariance lies between the classes.

    .. math:: \operatorname{tr}\!\left(\Sigma_\delta^{-1} (1 - \delta) \Sigma_b\right), \quad
        \Sigma_\delta = (1 - \delta) \Sigma + \delta \frac{\operatorname{tr} \Sigma}{d} I

    with the covariance :math:`\Sigma_b` of the classes' means and the share :math:`\delta` of
    Ledoit and Wolf: without it the score of n examples in more than n dimensions is that of a
    perfect fit, whatever the features are.

    Parameters
    ----------
    features : ndarray of float, shape (n_examples, width)
        Output of a frozen encoder.
    targets : ndarray of int64, shape (n_examples,)
        Class of each example.

    Returns
    -------
    float
        From 0 to the number of classes less 1; larger is better. It does not change if features
        are rotated, scaled or shifted.

    Raises
    ------
    DataError
        If a feature is not finite, all examples are alike, or there are fewer than two classes.

    References
    ----------
    The score [bao2019]_ with a shrunk covariance [ibrahim2021]_.

    Examples
    --------
    >>> targets = np.array([0, 0, 1, 1])
    >>> round(h_score(np.array([[0.0], [0.0], [1.0], [1.0]]), targets), 6)
    1.0
    >>> round(h_score(np.array([[0.0], [1.0], [0.0], [1.0]]), targets), 6)
    0.0
    """
    from sklearn.covariance import ledoit_wolf

    x = _checked(features, targets)
    x = x - x.mean(axis=0)
    if not np.ptp(features, axis=0).any():
        raise DataError("the features of all examples are alike")
    x /= np.sqrt((x**2).mean())  # shrinkage squares the covariance: features of 1e-90 would vanish
    covariance, share = ledoit_wolf(x, assume_centered=True)
    _, places, counts = np.unique(targets, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, places, x)
    means = sums / np.sqrt(counts[:, None] * len(x))  # weighted by the root of the class's share
    inverse = np.linalg.pinv(covariance, hermitian=True)  # a share of 0 may leave it singular
    return float((1 - share) * np.einsum("ci,ij,cj->", means, inverse, means, optimize=True))


def probe_scores(
    features: Features, targets: NDArray[np.int64], n_classes: int, seed: int = 0
) -> ProbeScores:
    """Fit a linear probe on half of the examples and score it on the other half.

    Parameters
    ----------
    features : ndarray of float, shape (n_examples, width)
        Output of a frozen encoder.
    targets : ndarray of int64, shape (n_examples,)
        Class of each example.
    n_classes : int
        Number of labels of the task.
    seed : int, default 0
        Seed of the halves, which are the same for all features.

    Returns
    -------
    ProbeScores
        Loss and accuracy.

    Raises
    ------
    DataError
        If a feature is not finite, or a label has a single example.

    References
    ----------
    The loss of a frozen encoder in [gueta2023]_; see `wsgeo.evaluation.heads.probe`.

    Examples
    --------
    >>> targets = np.repeat([0, 1], 20)
    >>> probe_scores(targets[:, None].astype(float), targets, 2).metric
    1.0
    """
    outcome = probe(np.asarray(features, np.float32), targets, n_classes, seed)
    if isinstance(outcome, Failure):
        raise DataError(outcome.reason)
    return ProbeScores(outcome.mean, outcome.metric)


def _checked(features: Features, targets: NDArray[np.int64]) -> Floats:
    x = np.asarray(features, np.float64)
    if x.ndim != 2 or targets.shape != (len(x),):
        raise ValueError(f"Features {x.shape} and targets {targets.shape} are not aligned.")
    if not np.isfinite(x).all():
        raise DataError("the encoder's output is not finite")
    if len(np.unique(targets)) < 2:
        raise DataError("the labels are all the same, so features cannot tell them")
    return x


def _evidence(squares: Floats, projected: Floats, rest: Floats, n: int) -> Floats:
    """Return the log evidence per example of each class, shape (n_classes,)."""
    # `squares`, (rank, 1), are the squared singular values; `projected`, (rank, n_classes), the
    # squared parts of the labels along them, and `rest` what lies outside.
    best = np.full(len(rest), np.log10(squares.mean()))
    reach = _DECADES
    for step in _STEPS:
        places = best + np.arange(-reach, reach + step / 2, step)[:, None]
        found = [_evidence_at(10.0**place, squares, projected, rest, n) for place in places]
        best = np.take_along_axis(places, np.argmax(found, axis=0)[None], axis=0)[0]
        reach = step
    return np.asarray(np.max(found, axis=0), np.float64)


def _evidence_at(ratio: Floats, squares: Floats, projected: Floats, rest: Floats, n: int) -> Floats:
    """Return the log evidence per example for ratios alpha / beta and the best noise for them."""
    noise = ((projected * ratio / (ratio + squares)).sum(axis=0) + rest) / n
    spread = np.log1p(squares / ratio).sum(axis=0)
    return np.asarray(-0.5 * (np.log(2 * np.pi * noise) + 1 + spread / n), np.float64)
