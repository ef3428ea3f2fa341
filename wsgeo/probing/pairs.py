"""Examples that belong together: which they are, and whether they fit the kind of their set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.labels import canonical

UNPAIRED = -1
"""Code of an example that is in no pair."""

_NEGATIONS = ("not", "non", "un", "in", "im", "no")


def better_label(labels: Sequence[str]) -> str:
    """Return the label of the better text of a minimal pair.

    Parameters
    ----------
    labels : sequence of str
        Two labels.

    Returns
    -------
    str
        The label that the other one negates, or the first if none does.

    Examples
    --------
    >>> better_label(["unacceptable", "acceptable"]), better_label(["good", "bad"])
    ('acceptable', 'good')
    """
    first, second = map(canonical, labels[:2])
    return labels[first in {f"{word}{second}" for word in _NEGATIONS}]


def pair_codes(examples: pl.DataFrame) -> NDArray[np.int64]:
    """Return which pair each example is in.

    Parameters
    ----------
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.

    Returns
    -------
    ndarray of int64, shape (n_examples,)
        Pairs numbered from 0 in the order in which they first occur; -1 for none.

    Examples
    --------
    >>> pair_codes(pl.DataFrame({"pair": ["b", None, "a", "b"]})).tolist()
    [0, -1, 1, 0]
    """
    names = examples["pair"].drop_nulls().unique(maintain_order=True)
    codes = examples["pair"].replace_strict(
        names, np.arange(len(names)), default=UNPAIRED, return_dtype=pl.Int64
    )
    return codes.to_numpy().copy()


def check_pairs(
    examples: pl.DataFrame, kind: Kind, labels: Sequence[str], where: str | None = None
) -> None:
    """Refuse examples whose pairs are not what their kind needs.

    Parameters
    ----------
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    kind : Kind
        What is judged.
    labels : sequence of str
        Labels of the set.
    where : str, optional
        Set or file, for messages.

    Raises
    ------
    DataError
        If there are no pairs, an example of minimal pairs or invariance is in none, a pair has one
        example, its labels are not those of the kind, or it lies in more than one slice.
    """
    if not kind.needs_pairs:
        return
    if kind is Kind.MINIMAL_PAIRS and len(labels) != 2:
        raise DataError(f"minimal pairs have two labels, not {len(labels)}", where=where)
    if examples["pair"].null_count() == examples.height:
        raise DataError(
            f"the kind is {kind}, but no examples are paired",
            where=where,
            remedy="Give templates a counterpart, or name the file's column: columns.pair.",
        )
    if kind is not Kind.COUNTERFACTUAL and examples["pair"].null_count():
        row = int(examples["pair"].is_null().arg_true()[0]) + 1
        raise DataError(f"the kind is {kind}, but example {row} is in no pair", where=where)
    for pair in _summary(examples).iter_rows(named=True):
        if what := _fault(pair, kind):
            raise DataError(f"the pair {pair['pair']!r} {what}", where=where)


def _summary(examples: pl.DataFrame) -> pl.DataFrame:
    """Count the examples, labels and slices of each pair."""
    return (
        examples.drop_nulls("pair")
        .group_by("pair", maintain_order=True)
        .agg(
            n=pl.len(),
            labels=pl.col("label").n_unique(),
            slices=pl.struct("slice", "subcase").n_unique(),
        )
    )


def _fault(pair: dict[str, Any], kind: Kind) -> str | None:
    """Say what keeps examples from being a pair of this kind."""
    if pair["n"] < 2:
        return "has one example"
    if kind is Kind.MINIMAL_PAIRS and (pair["n"], pair["labels"]) != (2, 2):
        return "has not one example of each label"
    if kind is Kind.INVARIANCE and pair["labels"] != 1:
        return "has examples of more than one label; call the set counterfactual"
    if kind is not Kind.COUNTERFACTUAL and pair["slices"] > 1:
        return "lies in more than one slice"
    return None
