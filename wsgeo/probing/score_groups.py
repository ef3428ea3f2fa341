"""Groups of models made from their scores: profile groups.

A profile group is no basin: nothing is known of the weights. And what it was made from cannot test it:
on the same scores its members differ by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.graph import ClusterResult
from wsgeo.graph import cluster as clusters_of
from wsgeo.graph.clustering import MIN_MEMBERS
from wsgeo.graph.partitions import Labels
from wsgeo.probing.contrasts import contrast_basins
from wsgeo.probing.differences import LEAST_TOLD, listed
from wsgeo.probing.member_scores import MemberScores
from wsgeo.probing.set_files import EVERYTHING
from wsgeo.probing.tables import CONTRASTS

Floats = NDArray[np.float64]
Key = tuple[str, str]

UNTESTED: Final = "the groups were made from these scores, so they are described and not tested"
"""Why no p-value is given."""

MOST_TOLD: Final = 3
"""Most differences between profile groups that are told."""

_TESTS: Final = ("p_value", "p_adjusted", "exact", "detectable")


@final
@dataclass(frozen=True, eq=False)
class Profiles:
    """Scores of models on the finest slices, ready to be compared.

    Parameters
    ----------
    ids : tuple of str
        Models.
    keys : tuple of (str, str)
        Slices; none holds another, and each has a spread.
    values : ndarray of float64, shape (n_models, n_slices)
        In standard deviations from the mean of the slice; NaN where there is no score.
    """

    ids: tuple[str, ...]
    keys: tuple[Key, ...]
    values: Floats


@final
@dataclass(frozen=True)
class ProfileGroups:
    """Groups of models with like profiles.

    Parameters
    ----------
    labels : dict of str to int
        By model, -1 for none; all 0 where no split stands out.
    names : dict of int to str
        What each group is called.
    verdict : str
        What was found, in a sentence.
    found : ClusterResult or None
        The clustering; None where there was nothing to cluster.
    """

    labels: dict[str, int]
    names: dict[int, str]
    verdict: str
    found: ClusterResult | None = None


def profiles(scores: MemberScores, in_domain: str | None = None) -> Profiles:
    r"""Return the profiles of models over the finest slices.

    A slice that holds others (``slice`` beside ``slice/label``, and ``all``) would count their
    scores twice, and one without spread tells no models apart: both are left out. So is the models'
    own task: a profile is what a model does beyond it.

    .. math:: z_{ij} = (x_{ij} - \bar x_j) / s_j

    Parameters
    ----------
    scores : MemberScores
        All scores.
    in_domain : str, optional
        The set that is the models' own task.

    Returns
    -------
    Profiles
        Every slice with the same weight.
    """
    columns = [k for k, key in enumerate(scores.keys) if key[0] != in_domain]
    finest = finest_slices([scores.keys[k] for k in columns])
    columns = [k for k in columns if scores.keys[k] in finest]
    values = scores.values[:, columns]
    there = np.isfinite(values).sum(axis=0) > 1
    values, columns = values[:, there], [k for k, kept in zip(columns, there, strict=True) if kept]
    spread = np.nanstd(values, axis=0)
    varies = spread > 1e-9
    z = (values[:, varies] - np.nanmean(values[:, varies], axis=0)) / spread[varies]
    keys = [scores.keys[k] for k, kept in zip(columns, varies, strict=True) if kept]
    return Profiles(scores.ids, tuple(keys), z)


def finest_slices(keys: Sequence[Key]) -> set[Key]:
    """Return the slices that hold no other.

    Parameters
    ----------
    keys : sequence of (str, str)
        Sets and slices.

    Returns
    -------
    set of (str, str)
        Those whose parts are not among ``keys``.

    Examples
    --------
    >>> sorted(finest_slices([("h", "all"), ("h", "a"), ("h", "a/x"), ("h", "b"), ("p", "all")]))
    [('h', 'a/x'), ('h', 'b'), ('p', 'all')]
    """
    holding = {
        (name, part.rsplit("/", n)[0]) for name, part in keys for n in range(1, part.count("/") + 1)
    }
    holding |= {(name, EVERYTHING) for name, part in keys if part != EVERYTHING}
    return set(keys) - holding


def profile_distances(values: Floats) -> Floats:
    r"""Return Euclidean distances over the slices that two models have both, per slice.

    .. math:: d_{ab} = \sqrt{\frac{1}{p} \sum_j (z_{aj} - z_{bj})^2}

    Parameters
    ----------
    values : ndarray of float64, shape (n_models, n_slices)
        Profiles; NaN where there is no score.

    Returns
    -------
    ndarray of float64, shape (n_models, n_models)
        In standard deviations; NaN where two models share no slice.

    Examples
    --------
    >>> profile_distances(np.array([[0.0, 0.0], [2.0, np.nan]])).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    known = np.isfinite(values)
    z, there = np.where(known, values, 0.0), known.astype(np.float64)
    squares = z**2 @ there.T + there @ (z**2).T - 2 * z @ z.T
    shared = there @ there.T
    mean = np.divide(squares, shared, out=np.full_like(squares, np.nan), where=shared > 0)
    distances = np.sqrt(np.maximum(mean, 0.0))
    np.fill_diagonal(distances, 0.0)
    return np.asarray(distances)


def first_axis(values: Floats) -> tuple[Floats, float]:
    """Return where models lie on the first principal axis of their profiles.

    Parameters
    ----------
    values : ndarray of float64, shape (n_models, n_slices)
        Profiles; a missing score counts as the mean.

    Returns
    -------
    places : ndarray of float64, shape (n_models,)
        Higher for models that are right more often, on the whole.
    share : float
        Of the variance, a fraction in [0, 1].
    """
    z = np.nan_to_num(values)
    u, s, _ = np.linalg.svd(z, full_matrices=False)
    places = u[:, 0] * s[0]
    sign = 1.0 if float(places @ z.mean(axis=1)) >= 0 else -1.0
    return sign * places, float(s[0] ** 2 / (s**2).sum())


def profile_groups(given: Profiles, *, seed: int = 0, n_draws: int = 200) -> ProfileGroups:
    """Group models by their profiles, if a split stands out from noise.

    Parameters
    ----------
    given : Profiles
        Of all models.
    seed : int, default 0
        Of the null draws.
    n_draws : int, default 200
        Draws from each null.

    Returns
    -------
    ProfileGroups
        One group of all where no split stands out.
    """
    n = len(given.ids)
    together = dict.fromkeys(given.ids, 0)
    if n < MIN_MEMBERS:
        why = f"{counted(n, 'model')} {'is' if n == 1 else 'are'} too few to look for groups"
    elif not given.keys:
        why = "no slice beyond the models' own task tells models apart"
    else:
        found = clusters_of(
            profile_distances(given.values), given.ids, seed=seed, n_draws=n_draws, umap=False
        )
        if found.n_clusters > 1:
            labels = found.label_of()
            names = {k: f"profile group {k}" for k in range(found.n_clusters)}
            return ProfileGroups(labels, names, _several(found), found)
        return ProfileGroups(together, {0: "all models"}, _one(found), found)
    return ProfileGroups(together, {0: "all models"}, f"No profile groups: {why}.")


def described(
    scores: MemberScores, labels: Labels, names: Mapping[int, str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Describe how profile groups differ, without a test.

    Parameters
    ----------
    scores : MemberScores
        Of models that lie in groups.
    labels : ndarray of int64, shape (n_models,)
        Group of each.
    names : mapping of int to str
        Names of groups.

    Returns
    -------
    contrasts : DataFrame
        Schema `CONTRASTS` without p-values; empty with fewer than two groups of two models.
    sentences : tuple of str
        The largest differences on the finest slices.
    """
    places = np.full(len(labels), np.nan)
    # Its permutations are thrown away, so the seed does not matter.
    contrasts = contrast_basins(scores, labels, names, places, rng=np.random.default_rng(0))
    measures = dict(zip(scores.keys, scores.measures, strict=True))
    rows = [
        {**row, **dict.fromkeys(_TESTS), "sentence": _described(row, measures, names)}
        for row in contrasts.to_dicts()
    ]
    finest = finest_slices(scores.keys)
    large = [
        row for row in sorted(rows, key=lambda row: -row["difference"])
        if row["difference"] >= LEAST_TOLD and (row["set"], row["slice"]) in finest
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=CONTRASTS), tuple(row["sentence"] for row in large[:MOST_TOLD])


def _several(found: ClusterResult) -> str:
    sizes = np.bincount(found.labels[found.labels >= 0]).tolist()
    nowhere = int((found.labels < 0).sum())
    rest = f", {counted(nowhere, 'model')} in none" if nowhere else ""
    return (
        f"{counted(found.n_clusters, 'profile group')} of {listed([str(n) for n in sizes])} models{rest}: "
        f"the profiles split more clearly than noise does (p = {found.p_value:.2g}, silhouette "
        f"{found.silhouette:.2f})."
    )


def _one(found: ClusterResult) -> str:
    if found.p_value is None:
        return "No profile groups: all profiles are alike."
    return (
        "No profile groups: no split of the profiles stands out from noise "
        f"(p = {found.p_value:.2g})."
    )


def _described(
    row: Mapping[str, Any], measures: Mapping[Key, str], names: Mapping[int, str]
) -> str:
    """Say how two groups differ on a slice, without a test."""
    what = {
        "accuracy": "accuracy", "preference": "right preferences",
        "consistency": "pairs that are right on both texts", "invariance": "pairs answered alike",
    }[measures[row["set"], row["slice"]]]  # fmt: skip
    return (
        f"On {row['set']}, {row['slice']}: {what} {row['mean_a']:.0%} in {names[row['basin_a']]}, "
        f"{row['mean_b']:.0%} in {names[row['basin_b']]} (described, not tested)."
    )
