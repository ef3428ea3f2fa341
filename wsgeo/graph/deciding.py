"""Which labels to show: the best split if it stands out from noise, else one group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from wsgeo.graph import verdicts
from wsgeo.graph.clustering import MIN_MEMBERS, Clustering, Search, find_basins
from wsgeo.graph.guard import DistanceMatrix
from wsgeo.graph.merging import groups_at, walk
from wsgeo.graph.partitions import Matrix, compact
from wsgeo.graph.status import Tau, choose_tau

ONE_GROUP = "one_group"
"""Method name of the default labels where no split stands out: all members in one group."""

CONNECTED_SHARE = 0.95
"""Share of the gaps that must be at most tau for one basin."""

MANY = 150
"""Members from which the null draws end early once they can only give a large p-value."""

GIVE_UP = 30
"""Draws of one null that must reach the measured silhouette for that."""


@final
@dataclass(frozen=True)
class Decision:
    """The default labels and why.

    Parameters
    ----------
    default : Clustering
        The labels to show, of the placed members.
    search : Search or None
        Candidates and test; None where there was nothing to search.
    tau : Tau
        The threshold.
    verdict : str
        The answer in words.
    reasons : tuple of str
        What backs it.
    basins_found : bool
        Whether the labels are basins: a split that stands out, or one group of small gaps.
    """

    default: Clustering
    search: Search | None
    tau: Tau
    verdict: str
    reasons: tuple[str, ...]
    basins_found: bool = False


def decide(
    distances: DistanceMatrix,
    *,
    errors: Matrix | None,
    tau: Tau | None,
    chance_loss: float | None = None,
    noun: str,
    rng: np.random.Generator,
    n_draws: int,
) -> Decision:
    """Return the default labels of guarded distances.

    Parameters
    ----------
    distances : DistanceMatrix
        Distances of the placed members, in canonical order.
    errors : ndarray of float64, shape (n_members, n_members), or None
        Standard errors.
    tau : Tau or None
        A threshold set by the user; None chooses one.
    chance_loss : float, optional
        Sets a floor to a threshold that is chosen; see `wsgeo.graph.choose_tau`.
    noun : str
        ``basin`` or ``region``.
    rng : numpy.random.Generator
        Source of the null draws.
    n_draws : int
        Draws from each null.

    Returns
    -------
    Decision
        Labels, test and words.
    """
    values, n = distances.values, len(distances.ids)
    if n < MIN_MEMBERS or not values.any():
        tau = tau or choose_tau(values, errors, np.zeros(n, dtype=np.int64), chance_loss)
        return _without_search(distances, tau, noun)
    give_up = GIVE_UP if n >= MANY else None
    search = find_basins(values, rng=rng, n_draws=n_draws, errors=errors, give_up=give_up)
    stands_out = search.test.p_value <= verdicts.LEVEL
    one_group = Clustering(ONE_GROUP, {}, np.zeros(n, dtype=np.int64))
    default = search.candidates[search.best] if stands_out else one_group
    threshold = tau or choose_tau(values, errors, default.labels, chance_loss)
    small = _small(values, threshold)
    if stands_out:
        verdict = verdicts.several(default, search.test.p_value, noun)
    elif small:
        verdict = verdicts.single(noun, small, search.test)
    else:
        verdict = verdicts.unstructured(noun, search.test)
    chosen = default if stands_out else None
    reasons = verdicts.reasons(search, threshold, distances.notes, values=values, chosen=chosen)
    return Decision(default, search, threshold, verdict, reasons, stands_out or bool(small))


def _without_search(distances: DistanceMatrix, threshold: Tau, noun: str) -> Decision:
    """Return the decision for fewer than four members, or for members that all coincide."""
    values, n = distances.values, len(distances.ids)
    labels, parameters = np.zeros(n, dtype=np.int64), {}
    if n > 1 and threshold.value is not None:
        labels = compact(groups_at(walk(values[None]), threshold.value)[0])
        parameters = {"tau": threshold.value}
    default = Clustering("components" if parameters else ONE_GROUP, parameters, labels)
    if n >= MIN_MEMBERS:
        verdict = verdicts.single(noun, "all distances are zero", None)
    else:
        height = float(walk(values[None]).step[0, 1:].max()) if n > 1 else None
        verdict = verdicts.few(default.sizes, height, threshold)
    return Decision(default, None, threshold, verdict, distances.notes, n >= MIN_MEMBERS)


def _small(values: Matrix, tau: Tau) -> str:
    """Return why the gaps count as small, or nothing."""
    if tau.value is None:
        return ""
    gaps = values[np.triu_indices(len(values), 1)]
    share = float((gaps <= tau.value).mean())
    if share < CONNECTED_SHARE:
        return ""
    return f"{100 * share:.0f} % of the gaps are at most tau = {tau.value:.3g}"
