"""Names of a classifier's classes, and how one order of them maps to another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Never

from wsgeo.errors import EntryError
from wsgeo.escapes import shown

MAX_LABELS = 10_000

_DEFAULT_NAME = re.compile(r"LABEL_\d+")


def read_labels(raw: Mapping[str, object], where: str) -> tuple[tuple[str, ...], bool]:
    """Return the label names of a config in the order of the classes.

    Parameters
    ----------
    raw : mapping
        The parsed ``config.json``.
    where : str
        The file, for messages.

    Returns
    -------
    labels : tuple of str
        One name per class.
    named : bool
        False where the names are the defaults, so that nothing is known of the order.

    Raises
    ------
    EntryError
        If ``id2label`` does not number the classes from 0, names one twice, or contradicts
        ``num_labels`` or ``label2id``.

    Examples
    --------
    >>> read_labels({"id2label": {"1": "no", "0": "yes"}}, "config.json")
    (('yes', 'no'), True)
    >>> read_labels({"num_labels": 3}, "config.json")
    (('LABEL_0', 'LABEL_1', 'LABEL_2'), False)
    """
    id2label = raw.get("id2label")
    count = raw.get("num_labels")
    if id2label is None:
        n_labels = count if type(count) is int else 2
        if not 1 <= n_labels <= MAX_LABELS:
            _refuse(f"num_labels is {shown(count)}", where)
        return tuple(f"LABEL_{i}" for i in range(n_labels)), False
    labels = _by_class(id2label, where)
    if count is not None and count != len(labels):
        _refuse(f"num_labels is {shown(count)} for {len(labels)} names", where)
    _check_inverse(raw.get("label2id"), labels, where)
    return labels, not all(_DEFAULT_NAME.fullmatch(label) for label in labels)


def check_names(names: Sequence[str], n_labels: int, where: str) -> tuple[str, ...]:
    """Return label names given beside the config, if they fit the head.

    Parameters
    ----------
    names : sequence of str
        One name per class.
    n_labels : int
        Rows of the head.
    where : str
        The file, for messages.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    EntryError
        If their number differs or two are equal.
    """
    if len(names) != n_labels or len(set(names)) != n_labels:
        _refuse(f"the names {shown(list(names))} do not fit {n_labels} classes", where)
    return tuple(names)


def label_key(labels: Sequence[str], *, named: bool) -> tuple[str, ...]:
    """Return what two label sets have in common: the names without regard to order and case.

    Parameters
    ----------
    labels : sequence of str
        One name per class.
    named : bool
        Whether the names say anything.

    Returns
    -------
    tuple of str
        Sorted; for default names in the order of the classes.

    Examples
    --------
    >>> label_key(["Neutral", "entailment"], named=True)
    ('entailment', 'neutral')
    """
    if not named:
        return tuple(labels)
    return tuple(sorted(_folded(labels)))


def order_of(labels: Sequence[str], *, named: bool) -> tuple[int, ...]:
    """Return the class of each label in the sorted order that loss groups use.

    The order depends on the names alone, so that a new member never changes it.

    Parameters
    ----------
    labels : sequence of str
        One name per class.
    named : bool
        Whether the names say anything; if not, the order stays.

    Returns
    -------
    tuple of int
        ``labels[order[i]]`` is the i-th label of the group.

    Examples
    --------
    >>> order_of(["neutral", "entailment"], named=True)
    (1, 0)
    """
    if not named:
        return tuple(range(len(labels)))
    folded = _folded(labels)
    return tuple(sorted(range(len(labels)), key=lambda i: folded[i]))


def _folded(labels: Sequence[str]) -> tuple[str, ...]:
    folded = tuple(label.strip().casefold() for label in labels)
    return folded if len(set(folded)) == len(folded) else tuple(labels)


def _by_class(id2label: object, where: str) -> tuple[str, ...]:
    if not isinstance(id2label, dict) or not 1 <= len(id2label) <= MAX_LABELS:
        _refuse(f"id2label is {shown(id2label)}", where)
    labels: list[str] = []
    for i in range(len(id2label)):
        label = id2label.get(str(i))
        if not isinstance(label, str):
            _refuse(f"id2label gives class {i} the name {shown(label)}", where)
        labels.append(label)
    if len(set(labels)) < len(labels):
        _refuse(f"id2label gives one name to two classes {shown(labels)}", where)
    return tuple(labels)


def _check_inverse(label2id: object, labels: tuple[str, ...], where: str) -> None:
    """Refuse a ``label2id`` that names the same labels in another order."""
    if not isinstance(label2id, dict) or set(label2id) != set(labels):
        return
    if any(label2id[label] != i for i, label in enumerate(labels)):
        _refuse("label2id and id2label contradict each other", where)


def _refuse(what: str, where: str) -> Never:
    raise EntryError(
        "malformed_labels",
        what,
        where=where,
        remedy="Give each class of the head its own name in id2label.",
    )
