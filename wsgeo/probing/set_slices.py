"""The slices of a diagnostic set, from its columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.probing.set_files import EVERYTHING
from wsgeo.tasks.declarations import Kind

Masks = dict[str, NDArray[np.bool_]]


def slices_of(
    examples: pl.DataFrame, kind: Kind, overlapping: pl.DataFrame | None, where: str
) -> Masks:
    """Return the rows of each slice.

    ``all`` first, then each slice, and ``slice/label`` where a slice has more than one label: a
    heuristic that answers in one way is right on one of them and wrong on the other. Where these
    have two or more subcases, each is a slice too: ``slice/label/subcase``, or ``slice/subcase`` if
    there is one label. A minimal pair lies whole in each of its slices, so these are not told apart
    by label.

    Parameters
    ----------
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    kind : Kind
        What is judged.
    overlapping : DataFrame or None
        Slices that share examples: one Boolean column each.
    where : str
        The set, for messages.

    Returns
    -------
    dict of str to ndarray of bool, shape (n_examples,)
        Masks by name.

    Raises
    ------
    DataError
        If two of them come to have one name.
    """
    labels, subcases = (examples[c].to_numpy() for c in ("label", "subcase"))
    if kind is Kind.MINIMAL_PAIRS:
        labels = np.full(len(labels), None)
    found = [(EVERYTHING, np.ones(len(labels), dtype=bool))]
    for name, own in own_slices(examples, overlapping).items():
        parts = _parts(name, own, labels)
        found += [(name, own), *parts] if name != EVERYTHING else parts
        for part, mask in parts or [(name, own)]:
            found += _parts(part, mask, subcases)
    return _by_name(found, where)


def own_slices(examples: pl.DataFrame, overlapping: pl.DataFrame | None) -> Masks:
    """Return the slices as they were named.

    Parameters
    ----------
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    overlapping : DataFrame or None
        Slices that share examples: one Boolean column each.

    Returns
    -------
    dict of str to ndarray of bool, shape (n_examples,)
        Masks, sorted by name.
    """
    if overlapping is not None:
        return {name: overlapping[name].to_numpy() for name in sorted(overlapping.columns)}
    names = examples["slice"].to_numpy()
    return dict(_each(names, np.ones(len(names), dtype=bool)))


def _parts(
    name: str, own: NDArray[np.bool_], values: NDArray[np.object_]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the parts of a slice by a column, if there are two or more."""
    parts = [(f"{name}/{value}", own & which) for value, which in _each(values, own)]
    return parts if len(parts) > 1 else []


def _by_name(
    found: Sequence[tuple[str, NDArray[np.bool_]]], where: str
) -> dict[str, NDArray[np.bool_]]:
    """Refuse slices of one name: one would silently stand for the other."""
    masks = dict(found)
    if len(masks) < len(found):
        names = [name for name, _ in found]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"two slices of the set come to be called {twice!r}",
            where=where,
            remedy="Rename the slice or subcase that has a '/' in its name.",
        )
    return masks


def _each(
    names: NDArray[np.object_], own: NDArray[np.bool_]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the names that occur in ``own``, sorted, each with the rows that have it."""
    there = sorted({name for name in names[own] if name is not None})
    return [(name, names == name) for name in there]
