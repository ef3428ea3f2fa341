"""The table of members: which columns are worth showing, and what all members share."""

from __future__ import annotations

from typing import Any, Final

TITLES: Final = (
    ("membership", "membership"),
    ("outlier", "outlier score"),
    ("loss", "loss (nats)"),
    ("metric", "metric"),
    ("gate", "gate"),
    ("method", "method"),
    ("seed", "seed"),
    ("step", "step"),
    ("trajectory", "trajectory"),
    ("learning_rate", "learning rate"),
    ("task", "task"),
    ("data", "data"),
    ("base", "base"),
    ("dtype", "stored as"),
    ("n_parameters", "parameters"),
    ("loss_group", "loss group"),
    ("duplicate_of", "copy of"),
    ("content_hash", "content hash"),
)
"""Columns of the members' table after id, group and certainty, with their headings."""

LABEL, LABEL_MOST = 16, 22
"""Characters of a name along an axis, and the most that have room there."""

_MEASURED: Final = ("membership", "outlier", "loss", "metric", "gate", "content_hash")


def member_table(members: dict[str, list[Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the columns that differ between members, and the facts that do not.

    Parameters
    ----------
    members : dict of str to list
        The members' columns.

    Returns
    -------
    dict
        ``columns`` (``field``, ``title``) and ``shared`` (``title``, ``value``).

    Examples
    --------
    >>> member_table({"id": ["a", "b"], "seed": [0, 1], "base": ["bert", "bert"]})["shared"]
    [{'title': 'base', 'value': 'bert'}]
    """
    columns, shared = [], []
    for field, title in TITLES:
        values = members.get(field) or [None]
        if all(value is None for value in values):
            continue
        if len(values) > 1 and field not in _MEASURED and all(v == values[0] for v in values):
            shared.append({"title": title, "value": values[0]})
        else:
            columns.append({"field": field, "title": title})
    return {"columns": columns, "shared": shared}


def short_labels(ids: list[str]) -> list[str]:
    """Return the ids without the folders that all share, long ones cut in their middle.

    Parameters
    ----------
    ids : list of str
        Names of the members.

    Returns
    -------
    list of str
        What is left to tell them apart: of `LABEL` characters, or as many more as that takes, up to
        `LABEL_MOST`.

    Examples
    --------
    >>> short_labels(["mnli/s0", "mnli/s1"])
    ['s0', 's1']
    >>> short_labels(["counter00-order1-lr3e-4", "counter00-order2-lr3e-4"])
    ['counter…1-lr3e-4', 'counter…2-lr3e-4']
    """
    names = _without_folders(ids)
    for width in range(LABEL, LABEL_MOST + 1):
        # In the middle if that leaves them distinct, else as near to it as does.
        for n_end in sorted(range(width), key=lambda n: abs(2 * n - width + 1)):
            cut = [_cut(name, width, n_end) for name in names]
            if len(set(cut)) == len(set(names)):
                return cut
    return [_cut(name, LABEL_MOST, LABEL_MOST // 2) for name in names]


def _cut(name: str, width: int, n_end: int) -> str:
    """Return a name within a width, so many characters of its end kept."""
    if len(name) <= width:
        return name
    return f"{name[: width - n_end - 1]}…{name[len(name) - n_end :]}"


def _without_folders(ids: list[str]) -> list[str]:
    if len(ids) < 2:
        return list(ids)
    low, high = min(ids), max(ids)
    same = next((k for k, (p, q) in enumerate(zip(low, high, strict=False)) if p != q), len(low))
    start = low[:same].rfind("/") + 1
    return [name[start:] for name in ids]
