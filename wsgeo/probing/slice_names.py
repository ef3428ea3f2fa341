"""Which set and slice a column of scores is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from wsgeo.probing.set_files import EVERYTHING

Key = tuple[str, str]

HANS: Final = "hans"
"""Name of the set whose published columns are known."""

HEURISTICS: Final = ("lexical_overlap", "subsequence", "constituent")
"""The heuristics of HANS, as its files call them."""

IN_DOMAIN: Final = "in_domain"
"""A column, and a set, of scores on the models' own task."""

_LABELS: Final = {"e": "entailment", "n": "non-entailment"}
_SUBCASE: Final = re.compile(r"(?P<heuristic>[lsc])(?P<label>[en])_\w.*")
_TOTAL: Final = re.compile(r"(?P<heuristic>lexical|subseq|constituent)\w* \((?P<label>[en])\w+\)")
_OWN: Final = re.compile(r"(?P<set>.+?)[ _-](?:dev|val|validation|test)[ _-]acc(?:uracy|\.)?")
_OVERALL: Final = (EVERYTHING, "overall", "overall accuracy", "total")


def slice_keys(columns: Sequence[str], name: str) -> tuple[dict[str, Key], str | None]:
    """Return the set and the slice of each column, and the set that is the models' own task.

    - ``set: slice`` names both; any other column is a slice of ``name``;
    - ``MNLI dev acc.``, and the like for any task, is ``all`` of the models' own task ``mnli``;
      so are ``in_domain``, and ``in_domain/x`` for the examples of label ``x``;
    - ``Overall accuracy`` is ``all``;
    - where most columns have the names of the published HANS results (``Lexical (nonent)``,
      ``ln_passive``), they become ``lexical_overlap/non-entailment`` and
      ``lexical_overlap/non-entailment/ln_passive`` of the set ``hans``.

    Parameters
    ----------
    columns : sequence of str
        Columns of scores.
    name : str
        Name of the set where a column names none.

    Returns
    -------
    keys : dict of str to (str, str)
        Set and slice by column.
    in_domain : str or None
        The set that is the models' own task.

    Examples
    --------
    >>> slice_keys(["MNLI dev acc.", "swap", "paws: all"], "mine")  # doctest: +NORMALIZE_WHITESPACE
    ({'MNLI dev acc.': ('mnli', 'all'), 'swap': ('mine', 'swap'), 'paws: all': ('paws', 'all')},
     'mnli')
    """
    hans = {column: found for column in columns if (found := hans_slice(column))}
    is_hans = 2 * len(hans) > len(columns)
    keys, in_domain = {}, None
    for column in columns:
        if own := _own_task(column):
            in_domain = in_domain or own[0]
            keys[column] = own
        elif is_hans and column in hans:
            keys[column] = HANS, hans[column]
        else:
            keys[column] = _plain(column, HANS if is_hans else name)
    return keys, in_domain


def hans_slice(column: str) -> str | None:
    """Return the slice that a column of the published HANS results is about.

    Parameters
    ----------
    column : str
        Its name.

    Returns
    -------
    str or None
        None for any other column.

    Examples
    --------
    >>> hans_slice("ln_subject/object_swap"), hans_slice("Subseq (entailed)")
    ('lexical_overlap/non-entailment/ln_subject_object_swap', 'subsequence/entailment')
    """
    subcase, total = _SUBCASE.fullmatch(column), _TOTAL.fullmatch(column.strip().casefold())
    found = subcase or total
    if found is None:
        return None
    heuristic = next(one for one in HEURISTICS if one.startswith(found["heuristic"][0]))
    part = f"{heuristic}/{_LABELS[found['label']]}"
    return f"{part}/{subcase_name(column)}" if subcase else part


def subcase_name(name: str) -> str:
    """Return the name of a subcase without strokes, which part the levels of a slice.

    Parameters
    ----------
    name : str
        As it was published.

    Returns
    -------
    str
        With ``_`` for ``/``.
    """
    return name.replace("/", "_")


def _own_task(column: str) -> Key | None:
    """Return set and slice of a column about the models' own task."""
    plain = column.strip().casefold()
    if plain == IN_DOMAIN:
        return IN_DOMAIN, EVERYTHING
    if plain.startswith(f"{IN_DOMAIN}/"):
        return IN_DOMAIN, f"label/{column.strip()[len(IN_DOMAIN) + 1 :]}"
    found = _OWN.fullmatch(plain)
    return (found["set"], EVERYTHING) if found else None


def _plain(column: str, name: str) -> Key:
    head, colon, rest = column.strip().partition(": ")
    if colon and head and rest:
        name, column = head.strip(), rest.strip()
    overall = column.strip().casefold() in _OVERALL
    return name, EVERYTHING if overall else column.strip()
