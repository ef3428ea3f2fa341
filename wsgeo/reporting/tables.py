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
    """Return the ids without the folders that all of them share.

    Parameters
    ----------
    ids : list of str
        Names of the members.

    Returns
    -------
    list of str
        What is left to tell them apart.

    Examples
    --------
    >>> short_labels(["mnli/s0", "mnli/s1"])
    ['s0', 's1']
    """
    if len(ids) < 2:
        return list(ids)
    low, high = min(ids), max(ids)
    same = next((k for k, (p, q) in enumerate(zip(low, high, strict=False)) if p != q), len(low))
    start = low[:same].rfind("/") + 1
    return [name[start:] for name in ids]
