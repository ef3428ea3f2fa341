"""Groups of models from elsewhere: a table of ids and labels, or what ``wsgeo cluster`` said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.escapes import printable, shown
from wsgeo.probing.score_cells import GROUPS, IDS, cell_error, column_named, read_texts
from wsgeo.suggestions import suggestion

NOISE: Final = -1
"""Label of a model that lies in no group."""

_NOWHERE: Final = (str(NOISE), f"{NOISE}.0", "noise")
_LARGEST: Final = 2**63 - 1
_MOST_DIGITS: Final = len(str(_LARGEST))  # of thousands of digits `int` makes no number


@final
@dataclass(frozen=True)
class GivenGroups:
    """In which group each model lies.

    Parameters
    ----------
    kind : str
        ``basin`` where the file speaks of basins, else ``group``.
    labels : dict of str to int
        By model; `NOISE` for none.
    names : dict of int to str
        What each group is called.
    """

    kind: str
    labels: dict[str, int]
    names: dict[int, str]


def read_groups(path: str | Path, ids: Collection[str]) -> GivenGroups:
    r"""Read the groups of models.

    Parameters
    ----------
    path : str or Path
        What ``wsgeo cluster --json`` printed; or a table whose columns ``id`` (or ``model``, ``run``)
        and ``label`` (or ``cluster``, ``basin``, ``group``) say it, or else its only two.
    ids : collection of str
        The models that have scores.

    Returns
    -------
    GivenGroups
        Labels that are whole numbers of at most 64 bits stay, others are names, counted from 0 in
        their order. Models of ``ids`` without a label are not in it.

    Raises
    ------
    DataError
        If the file cannot be read so, a model has two labels, or one is unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "groups.csv"
    ...     _ = file.write_text("model,cluster\na,x\nb,y\n")
    ...     read_groups(file, ["a", "b", "c"])
    GivenGroups(kind='group', labels={'a': 0, 'b': 1}, names={0: 'group x', 1: 'group y'})
    """
    path = Path(path)
    kind, labels = _from_json(path) if path.suffix.lower() == ".json" else _from_table(path)
    known = set(ids)
    unknown = [name for name in labels if name not in known]
    if unknown:
        raise DataError(
            f"model {shown(unknown[0])} has no scores ({len(unknown)} such of {len(labels)})",
            where=str(path), remedy=_meant(unknown[0], ids),
        )  # fmt: skip
    return _numbered(kind, labels)


def _meant(name: str, ids: Collection[str]) -> str:
    """Return the id that was meant, or some of those that there are."""
    told = suggestion(name, ids)
    first = ", ".join(map(printable, sorted(ids)[:5]))
    return told if told.startswith("Did") or len(ids) <= 5 else f"Known: {first}, and so on."


def _from_json(path: Path) -> tuple[str, dict[str, str]]:
    """Return the labels of a clustering."""
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), remedy="Check the path.")
    try:
        content: Any = json.loads(path.read_bytes(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError, OSError) as error:  # of bytes that are no UTF-8 too
        raise DataError(
            f"the file is no JSON ({error})", where=str(path),
            remedy="Give what `wsgeo cluster --json` prints.",
        ) from error  # fmt: skip
    found = content.get("labels") if isinstance(content, dict) else None
    whole = isinstance(found, Mapping) and all(type(label) is int for label in found.values())
    if not found or not whole:
        raise DataError(
            "the file has no 'labels' that give each model a whole number", where=str(path),
            remedy="Give what `wsgeo cluster --json` prints.",
        )  # fmt: skip
    return "basin", {str(name): str(label) for name, label in found.items()}


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that gives a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{shown(twice)} is given twice")
    return found


def _from_table(path: Path) -> tuple[str, dict[str, str]]:
    """Return the labels in a table; rows without one are left out."""
    table, _ = read_texts(path)
    name = column_named(table, IDS)
    label = column_named(table, tuple(g for g in GROUPS if name is None or g != name.casefold()))
    if table.width == 2 and (name is None or label is None):
        name, label = _two(table.columns, name, label)
    if name is None or label is None:
        raise DataError(
            f"no columns of models and of their groups (columns: {', '.join(map(shown, table.columns[:12]))})",
            where=f"{path}: header", remedy=f"Call them {IDS[0]!r} and {GROUPS[0]!r}.",
        )  # fmt: skip
    rows = table.select(
        pl.int_range(1, pl.len() + 1).alias("row"), pl.col(name).alias("id"), pl.col(label).alias("label")
    ).drop_nulls("label")  # fmt: skip
    odd = rows.filter(pl.col("id").is_null() | ~pl.col("id").is_first_distinct())
    if odd.height:
        row, _, one = odd.row(0)[0], odd.row(0)[2], odd.row(0)[1]
        what = "is empty" if one is None else f"is {shown(one)}, as in a row before"
        raise cell_error(path, row, name, what, "Give each model one group.")
    if not rows.height:
        raise DataError("no model has a group", where=str(path), remedy="Fill the column in.")
    kind = "basin" if label.casefold() == "basin" else "group"
    return kind, dict(rows.select("id", "label").iter_rows())


def _two(columns: list[str], name: str | None, label: str | None) -> tuple[str, str]:
    """Return the columns of models and of groups, of a table that has two."""
    first, second = columns
    if name == second or label == first:
        first, second = second, first
    return first, second


def _numbered(kind: str, labels: Mapping[str, str]) -> GivenGroups:
    """Return labels as numbers: those that are numbers stay."""
    values = sorted({label for label in labels.values() if label.casefold() not in _NOWHERE})
    # Beside an absent one, whole numbers in a table are floats.
    plain = [value.removesuffix(".0") for value in values]
    whole = all(map(_is_label, plain))
    code = {v: int(plain[i]) if whole else i for i, v in enumerate(values)}
    names = {number: f"{kind} {number if whole else value}" for value, number in code.items()}
    return GivenGroups(
        kind, {name: code.get(label, NOISE) for name, label in labels.items()},
        dict(sorted(names.items())),
    )  # fmt: skip


def _is_label(value: str) -> bool:
    """Tell whether a text is a whole number that a column of labels holds."""
    return value.isdecimal() and len(value) <= _MOST_DIGITS and int(value) <= _LARGEST
