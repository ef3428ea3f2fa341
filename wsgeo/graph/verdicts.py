"""The answer in words, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsgeo.graph.clustering import Clustering, Search, agreement
from wsgeo.graph.merging import bottlenecks
from wsgeo.graph.null_tests import NullTest
from wsgeo.graph.partitions import Labels, Matrix
from wsgeo.graph.status import Tau

LEVEL = 0.05
"""Largest p-value at which a split counts as basins."""

_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")

_AGAINST = {
    "independent": "gaps that know no members (the same gaps shuffled over the pairs)",
    "additive": "a few bad members (gaps made of member effects, no groups)",
    "cloud": "one cloud (distances within one cloud of the same shape)",
    "bowl": "one bowl (squared distances within one cloud of the same shape)",
    "errors": "errors of measurement (one common gap with the standard errors of the pairs)",
}


def several(clustering: Clustering, p_value: float, noun: str) -> str:
    """Return the verdict where a split stands out from noise.

    Parameters
    ----------
    clustering : Clustering
        The default clustering, at least two clusters.
    p_value : float
        Of the best-of-all silhouette.
    noun : str
        ``basin`` or ``region``.

    Returns
    -------
    str
        One sentence.
    """
    numbers = f"(p = {p_value:.2g}, silhouette {clustering.silhouette:.2f})"
    rest = f"; {_count(clustering.n_noise, 'member')} in none" if clustering.n_noise else ""
    plural = f"{_number(clustering.n_clusters)} {noun}s of {_and(clustering.sizes)} members"
    return f"{plural}{rest} {numbers}."


def single(noun: str, small: str, test: NullTest | None) -> str:
    """Return the verdict where all members lie together.

    Parameters
    ----------
    noun : str
        ``basin`` or ``region``.
    small : str
        Why the gaps count as small.
    test : NullTest or None
        The test that found no split, if one was made.

    Returns
    -------
    str
        One sentence.
    """
    tail = f", and no split stands out from noise (p = {test.p_value:.2g})" if test else ""
    return f"One {noun}: {small}{tail}."


def unstructured(noun: str, test: NullTest) -> str:
    """Return the verdict where gaps are not small and yet no split stands out.

    Parameters
    ----------
    noun : str
        ``basin`` or ``region``.
    test : NullTest
        The test that found no split.

    Returns
    -------
    str
        One sentence.
    """
    best = test.measured.max()
    return (
        f"No structure: no split into {noun}s stands out from noise "
        f"(p = {test.p_value:.2g}, best silhouette {best:.2f})."
    )


def few(sizes: Sequence[int], height: float | None, tau: Tau) -> str:
    """Return the verdict for fewer than four placed members.

    Parameters
    ----------
    sizes : sequence of int
        Members of each component at tau, largest first.
    height : float or None
        Largest step of the merge tree; None for a single member.
    tau : Tau
        The threshold.

    Returns
    -------
    str
        One or two sentences.
    """
    n = sum(sizes)
    if n == 0:
        return "No member could be placed: no pair has a valid distance."
    if height is None:
        return "One member: there is nothing to compare it with."
    few_ = f"{_number(n)} members are too few for a test"
    if tau.value is None:
        return f"{few_}, and {tau.origin}; they join at {height:.3g}."
    if len(sizes) == 1:
        return f"{few_}; they join at {height:.3g}, at most tau = {tau.value:.3g}: connected."
    return (
        f"{few_}; at tau = {tau.value:.3g} they form {len(sizes)} separate groups of "
        f"{_and(sizes)} members."
    )


def reasons(
    search: Search,
    tau: Tau,
    notes: Sequence[str],
    *,
    values: Matrix,
    chosen: Clustering | None = None,
) -> tuple[str, ...]:
    """Return the sentences that back a verdict.

    Parameters
    ----------
    search : Search
        The search and its test.
    tau : Tau
        The threshold.
    notes : sequence of str
        What the guard changed.
    values : ndarray of float64, shape (n_members, n_members)
        The distances.
    chosen : Clustering, optional
        The default clustering, where it has two clusters or more.

    Returns
    -------
    tuple of str
        Which noise was ruled out, whether the methods agree, which clusters a chain of members
        joins, what was changed.
    """
    sentences = []
    for null, p_value in search.test.p_by_null.items():
        word = "stands out from" if p_value <= LEVEL else "could come from"
        sentences.append(f"The best split {word} {_AGAINST[null]} (p = {p_value:.2g}).")
    shared = list(agreement(search).values())
    if shared:
        sentences.append(
            f"{_number(len(search.best_of))} methods split the members; their adjusted Rand index "
            f"is {min(shared):.2f} to {max(shared):.2f}."
        )
    if chosen is not None and tau.value is not None:
        sentences += _chains(chosen.labels, values, tau.value)
    if tau.value is not None:
        sentences.append(f"tau = {tau.value:.3g}: {tau.origin}.")
    return (*sentences, *notes)


def _chains(labels: Labels, values: Matrix, tau: float) -> list[str]:
    """Say which clusters hang together through members that are near one after another."""
    passes, sentences = bottlenecks(values), []
    for one in range(int(labels.max()) + 1):
        for two in range(one + 1, int(labels.max()) + 1):
            between = np.ix_(labels == one, labels == two)
            lowest = float(passes[between].min())
            if lowest <= tau:
                mean = float(values[between].mean())
                sentences.append(
                    f"A chain joins basins {one} and {two}: its largest step is {lowest:.3g}, "
                    f"while their mean distance is {mean:.3g}."
                )
    return sentences


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _and(sizes: Sequence[int]) -> str:
    words = [str(size) for size in sizes]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
