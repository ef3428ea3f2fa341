"""Examples that a grammar expands to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks.templates import (
    Grammar,
    Template,
    Texts,
    grammar_of,
    radices,
    read_grammar,
)
from wsgeo.tasks.words import Word

__all__ = ["EXAMPLES", "Grammar", "Template", "grammar_of", "read_grammar", "sample_examples"]

EXAMPLES = pl.Schema(
    {
        "text_a": pl.String,
        "text_b": pl.String,  # null in sets of single texts
        "label": pl.String,
        "slice": pl.String,
        "subcase": pl.String,  # null where a template names none
        "pair": pl.String,  # the same for examples that belong together; null where none do
    }
)

_ENUMERABLE = 10_000_000  # up to here fillings are drawn without repetition by their number


def sample_examples(
    grammar: Grammar,
    n: int,
    rng: np.random.Generator,
    templates: Collection[str] | None = None,
    mix: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Draw distinct examples from a grammar.

    Parameters
    ----------
    grammar : Grammar
        Templates and words.
    n : int
        Number of examples. A template with a counterpart gives them two by two; where there are
        such templates the number is rounded to whole pairs.
    rng : numpy.random.Generator
        Draws the words and the order of the rows.
    templates : collection of str, optional
        Slices or subcases to use; default all.
    mix : mapping of str to float, optional
        Share of each slice or subcase (any positive scale), divided equally among its templates;
        what it does not name is left out. Default: each template equally often.

    Returns
    -------
    DataFrame
        ``n`` rows of schema `EXAMPLES`, no two with the same texts, in random order. The number
        of rows per template is the share rounded, not a random number. Pairs are numbered.

    Raises
    ------
    DataError
        If a slice is unknown or the words do not suffice for so many distinct examples.
    """
    chosen = _chosen(grammar, templates)
    counts = _fillings(chosen, _shares(chosen, mix, grammar.where), n)
    seen: set[Texts] = set()
    pairs = itertools.count(1)
    rows = []
    for template, count in zip(chosen, counts, strict=True):
        for filling in _expand(grammar, template, count, seen, rng):
            seen.update(filling)
            pair = str(next(pairs)) if len(filling) > 1 else None
            for texts, part in zip(filling, template.parts, strict=True):
                rows.append((*texts, part.label, part.slice, part.subcase, pair))
    order = rng.permutation(len(rows))
    return pl.DataFrame([rows[i] for i in order], schema=EXAMPLES, orient="row")


def _expand(
    grammar: Grammar,
    template: Template,
    count: int,
    seen: Collection[Texts],
    rng: np.random.Generator,
) -> list[tuple[Texts, ...]]:
    """Return ``count`` fillings without a text twice or one that is in ``seen``."""
    left = radices(template, grammar.words)
    capacity, want = math.prod(left), count
    while True:
        want = min(want, capacity)
        fillings = _draw(left, want, rng)
        fresh = _fresh(map(template.fill, _assignments(grammar, template, fillings)), seen)
        if len(fresh) >= count:
            return fresh[:count]
        if want == capacity:
            raise DataError(
                f"the template {template.premise!r} has {len(fresh)} distinct fillings "
                f"that are new, but {count} are asked for",
                where=grammar.where or None,
                remedy="Ask for fewer examples or add words.",
            )
        want *= 2


def _fresh(
    fillings: Iterable[tuple[Texts, ...]], seen: Collection[Texts]
) -> list[tuple[Texts, ...]]:
    """Leave out fillings with texts that were there before, be it within the filling itself."""
    fresh: list[tuple[Texts, ...]] = []
    own: set[Texts] = set()
    for filling in fillings:
        known = any(texts in seen or texts in own for texts in filling)
        if not known and len(set(filling)) == len(filling):
            fresh.append(filling)
            own.update(filling)
    return fresh


def _draw(left: Sequence[int], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw distinct digit rows, shape (count, n_slots), digit j below ``left[j]``."""
    capacity = math.prod(left)
    if capacity <= _ENUMERABLE:
        flat = rng.choice(capacity, size=count, replace=False)
        return np.stack(np.unravel_index(flat, left), axis=1) if left else flat[:, None]
    rows = np.empty((0, len(left)), dtype=np.int64)
    while len(rows) < count:
        rows = np.vstack([rows, rng.integers(0, left, size=(count, len(left)))])
        _, first = np.unique(rows, axis=0, return_index=True)
        rows = rows[np.sort(first)]
    return rows[:count]


def _assignments(
    grammar: Grammar, template: Template, fillings: NDArray[np.int64]
) -> Iterator[dict[tuple[str, str], Word]]:
    """Turn digit rows into words; a digit counts the words of its class that are still unused."""
    for digits in fillings.tolist():
        unused = {name: list(grammar.words[name]) for name, _ in template.slots}
        yield {
            slot: unused[slot[0]].pop(digit)
            for slot, digit in zip(template.slots, digits, strict=False)
        }


def _chosen(grammar: Grammar, names: Collection[str] | None) -> tuple[Template, ...]:
    """Return the templates of the named slices or subcases."""
    if names is None:
        return grammar.templates
    _check_names(names, grammar.templates, grammar.where)
    return tuple(t for t in grammar.templates if t.slice in names or t.subcase in names)


def _shares(
    templates: Sequence[Template], mix: Mapping[str, float] | None, where: str
) -> NDArray[np.float64]:
    """Return the share of each template, summing to 1."""
    if not templates:
        raise DataError("the grammar has no templates", where=where or None)
    if mix is None:
        return np.full(len(templates), 1 / len(templates))
    _check_names(mix, templates, where)
    if min(mix.values(), default=0) < 0 or sum(mix.values()) <= 0:
        raise ValueError(f"Shares must not be negative nor all zero: {dict(mix)}.")
    shares = np.zeros(len(templates))
    for name, share in mix.items():
        named = [name in (t.slice, t.subcase) for t in templates]
        shares += np.where(named, share / sum(named), 0.0)
    normed: NDArray[np.float64] = shares / shares.sum()
    return normed


def _fillings(templates: Sequence[Template], shares: NDArray[np.float64], n: int) -> list[int]:
    """Return how often each template is filled for ``n`` examples in all, rounded to whole pairs."""
    counts = np.array(_counts(shares, n))
    paired = np.array([template.counterpart is not None for template in templates])
    if counts[paired].sum():
        n_pairs = (int(counts[paired].sum()) + 1) // 2
        counts[paired] = _counts(shares[paired] / shares[paired].sum(), n_pairs)
    return [int(count) for count in counts]


def _counts(shares: NDArray[np.float64], n: int) -> list[int]:
    """Round ``n * shares`` to integers that sum to ``n``, by largest remainder."""
    exact = shares * n
    counts = np.floor(exact + 1e-9).astype(int)
    # Rounded first: equal shares must not be told apart by the last bit of a float.
    remainders = np.round(exact - counts, 9)
    counts[np.argsort(-remainders, kind="stable")[: n - counts.sum()]] += 1
    return [int(count) for count in counts]


def _check_names(names: Collection[str], templates: Sequence[Template], where: str) -> None:
    """Refuse a name that is neither a slice nor a subcase."""
    known = {t.slice for t in templates} | {t.subcase for t in templates if t.subcase}
    for name in names:
        if name not in known:
            raise DataError(
                f"no template has slice or subcase {name!r}",
                where=where or None,
                remedy=suggestion(name, known),
            )
