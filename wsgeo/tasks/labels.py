"""Which classes of a model count as which label of a task.

Names are compared without case, spaces, hyphens and underscores, and through a few synonyms. Then:

- every task label is a model label: the task takes the model's labels in the model's order (a
  split may lack a label that the model knows);
- a task label ``not_x`` (``non-x``, ``un-x``) is every model class but ``x``: three classes are
  read as two, and the logit of ``not_x`` is the largest of its classes;
- a task label that the model lacks counts as the model's ``not_x`` if the model's only other label
  is ``x`` and the task has ``x`` too: three labels are read as two;
- labels without names (integers, ``LABEL_i``) on either side are matched by index if both sides
  have equally many, and the match is marked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from wsgeo.errors import DataError

_SYNONYMS = {
    "entail": "entailment",
    "entails": "entailment",
    "entailed": "entailment",
    "contradict": "contradiction",
    "contradicts": "contradiction",
    "contradictory": "contradiction",
    "neg": "negative",
    "pos": "positive",
    "isduplicate": "duplicate",
    "duplicates": "duplicate",
    "isnotduplicate": "notduplicate",
    "isparaphrase": "paraphrase",
    "equivalent": "paraphrase",
    "different": "notduplicate",
    "sciencetechnology": "scitech",
}
_NEGATION = re.compile(r"(?:not|non|un|no)(.+)")
_UNNAMED = re.compile(r"(?:LABEL_)?\d+", re.IGNORECASE)


@final
@dataclass(frozen=True)
class LabelMap:
    """How the labels of a task are read off the classes of a model.

    Parameters
    ----------
    labels : tuple of str
        Labels that are scored.
    class_map : tuple of tuple of int
        For each of ``labels`` the model classes, in the model's order, that count as it.
    index : tuple of int
        For each label of the task its position in ``labels``.
    named : bool
        False where labels were matched by index, because one side has no names.

    References
    ----------
    [juneja2022]_
    """

    labels: tuple[str, ...]
    class_map: tuple[tuple[int, ...], ...]
    index: tuple[int, ...]
    named: bool = True


def label_map(
    task_labels: Sequence[str], model_labels: Sequence[str], *, where: str = ""
) -> LabelMap:
    """Match the labels of a task with the classes of a model.

    Parameters
    ----------
    task_labels : sequence of str
        Labels of the task.
    model_labels : sequence of str
        Labels of the model, in the loss group's order.
    where : str, default ''
        File of the task, for the message.

    Returns
    -------
    LabelMap
        The match.

    Raises
    ------
    DataError
        If the labels do not match; the message lists both.

    Examples
    --------
    >>> label_map(["non-entailment", "entailment"], ["entailment", "neutral", "contradiction"])
    LabelMap(labels=('non-entailment', 'entailment'), class_map=((1, 2), (0,)), index=(0, 1), named=True)
    >>> label_map(["neutral", "entailment"], ["entailment", "neutral"]).index
    (1, 0)
    """
    task, model = tuple(task_labels), tuple(model_labels)
    # Names first: with "0", "1" on both sides the names themselves say which is which.
    found = _by_name(task, model) or _by_rest(task, model) or _collapsed(task, model)
    if found is not None:
        return found
    if len(task) == len(model) and (is_unnamed(task) or is_unnamed(model)):
        every = tuple(range(len(model)))
        return LabelMap(model, tuple((i,) for i in every), every, named=False)
    raise DataError(
        f"the task's labels ({', '.join(task)}) are not the model's ({', '.join(model)})",
        where=where,
        remedy="Say which of the model's each one is: --label DATA=MODEL, once per label.",
    )


def is_unnamed(labels: Sequence[str]) -> bool:
    """Tell whether labels have no names: integers or ``LABEL_i``."""
    return bool(labels) and all(_UNNAMED.fullmatch(label) for label in labels)


def canonical(label: str) -> str:
    """Return a label in the form in which labels are compared.

    Parameters
    ----------
    label : str
        A label name.

    Returns
    -------
    str
        Lower case without separators, one word for synonyms; ``not`` before a negated label.

    Examples
    --------
    >>> canonical("Non-Entailment"), canonical("not_entailment"), canonical("LABEL_1")
    ('nonentailment', 'notentailment', '1')
    """
    plain = re.sub(r"[\W_]+", "", label.casefold())
    plain = plain.removeprefix("label") if is_unnamed([label]) else plain
    return _SYNONYMS.get(plain, plain)


def _by_name(task: tuple[str, ...], model: tuple[str, ...]) -> LabelMap | None:
    """Match when every task label is a model label."""
    if not task or (is_unnamed(task) and len(task) != len(model)):
        return None  # "0" and "1" of two classes are not the first two of three
    theirs = _keys(model)
    ours = _keys(task)
    if not set(ours) <= set(theirs):
        return None
    index = tuple(theirs.index(key) for key in ours)
    named = not is_unnamed(task)
    return LabelMap(model, tuple((i,) for i in range(len(model))), index, named)


def _by_rest(task: tuple[str, ...], model: tuple[str, ...]) -> LabelMap | None:
    """Match two task labels, ``x`` and ``not_x``, with the model's ``x`` and all others."""
    theirs = _keys(model)
    for i, key in enumerate(ours := _keys(task)):
        if len(ours) == 2 and key in theirs and _negated(ours[1 - i]) == key:
            one = theirs.index(key)
            rest = tuple(c for c in range(len(model)) if c != one)
            return LabelMap(task, ((one,), rest) if i == 0 else (rest, (one,)), (0, 1))
    return None


def _collapsed(task: tuple[str, ...], model: tuple[str, ...]) -> LabelMap | None:
    """Match when the model has ``x`` and ``not_x`` and the task tells more classes apart."""
    theirs = _keys(model)
    for i, key in enumerate(theirs):
        if len(theirs) == 2 and _negated(theirs[1 - i]) == key and key in (ours := _keys(task)):
            index = tuple(i if ours_key == key else 1 - i for ours_key in ours)
            return LabelMap(model, ((0,), (1,)), index)
    return None


def _keys(labels: tuple[str, ...]) -> list[str]:
    """Return the canonical names; a negation is written in one way if its opposite is known."""
    keys = [canonical(label) for label in labels]
    if len(set(keys)) < len(keys):
        raise DataError(
            f"two labels have the same name: {', '.join(labels)}",
            remedy="Give the labels distinct names.",
        )
    return [f"not{stem}" if (stem := _negated(key)) else key for key in keys]


def _negated(key: str) -> str | None:
    """Return what ``key`` negates, if it is spelt as a negation of something longer than a word end."""
    match = _NEGATION.fullmatch(key)
    if match is None or len(match[1]) < 4:
        return None
    return _SYNONYMS.get(match[1], match[1])
