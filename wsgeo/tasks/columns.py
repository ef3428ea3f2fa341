"""Which column of a table is which field of a task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks.task import Objective

FIELDS = ("text_a", "text_b", "label", "label_name", "id")
"""Fields that a task may take from a table."""

_PAIRS = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("s1", "s2"),
    ("text1", "text2"),
)
_SEQUENCES = (
    ("text_a", "text_b"),
    ("source", "target"),
    ("input", "output"),
    ("document", "summary"),
    ("article", "highlights"),
    ("question", "answer"),
)
_SINGLES = ("text_a", "text", "sentence", "review", "content", "comment", "tweet", "question")
_LABELS = ("label", "gold_label", "labels", "is_duplicate", "class", "category")
_LABEL_NAMES = ("label_name", "label_text")
_IDS = ("id", "uid", "guid", "idx", "pairID")


@final
@dataclass(frozen=True)
class Columns:
    """Column names by field; None where the task has no such field.

    Parameters
    ----------
    text_a : str
        Column of the first (or only) text.
    text_b, label, label_name, id : str or None
        Columns of the second text, of the label (a name or an integer), of the label's name, and
        of the example's id.
    """

    text_a: str
    text_b: str | None = None
    label: str | None = None
    label_name: str | None = None
    id: str | None = None


def find_columns(
    names: Sequence[str],
    objective: Objective | None = None,
    given: Mapping[str, str] | None = None,
    *,
    where: str | None = None,
) -> Columns:
    """Return which columns hold the texts, the label and the id.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.
    objective : Objective, optional
        Language models take one text and no label; ``seq2seq`` takes a source and a target.
    given : mapping of str to str, optional
        Column name by field (`FIELDS`); what is given is not looked for. If the texts are given by
        ``text_a`` alone, the examples are single texts.
    where : str, optional
        File, for messages.

    Returns
    -------
    Columns
        The columns.

    Raises
    ------
    DataError
        If a given column is missing, no text is found, or more than one reading is possible.

    Examples
    --------
    >>> find_columns(["premise", "hypothesis", "label"])
    Columns(text_a='premise', text_b='hypothesis', label='label', label_name=None, id=None)
    """
    given = dict(given or {})
    _check_given(given, names, objective, where)
    lm = objective in (Objective.MASKED_LM, Objective.CAUSAL_LM)
    text_a, text_b = _texts(names, objective, given, where)
    label = name = None
    if not lm and objective is not Objective.SEQ2SEQ:
        name = given.get("label_name") or _only(_LABEL_NAMES, names, "label_name", where)
        label = given.get("label") or _only(_LABELS, names, "label", where)
    identity = given.get("id") or next((n for n in _IDS if n in names), None)
    return Columns(text_a, None if lm else text_b, label, name, identity)


def _texts(
    names: Sequence[str], objective: Objective | None, given: Mapping[str, str], where: str | None
) -> tuple[str, str | None]:
    """Return the columns of the first and the second text."""
    if "text_a" in given:
        return given["text_a"], given.get("text_b")
    pairs = _SEQUENCES if objective is Objective.SEQ2SEQ else _PAIRS
    found: list[tuple[str, ...]] = [pair for pair in pairs if set(pair) <= set(names)]
    used = {name for pair in found for name in pair}
    if objective is not Objective.SEQ2SEQ:
        found += [(name,) for name in _SINGLES if name in names and name not in used]
    lonely = [b for _, b in pairs if b in names and b not in used and b not in _SINGLES]
    if len(found) == 1 and lonely:
        # Half of a pair would be measured in silence: a loss, but of another task.
        raise _unclear(f"{lonely[0]} is there without its first text", names, "text_a", where)
    if len(found) == 1:
        return found[0][0], found[0][1] if len(found[0]) == 2 else None
    what = "more than one column could be the text" if found else "no column of texts is known"
    raise _unclear(what, [name for group in found for name in group] or names, "text_a", where)


def _only(
    candidates: Collection[str], names: Sequence[str], field: str, where: str | None
) -> str | None:
    """Return the one candidate that is a column, or None."""
    found = [name for name in candidates if name in names]
    if len(found) > 1:
        raise _unclear(f"more than one column could be the {field}", found, field, where)
    return found[0] if found else None


def _unclear(what: str, names: Sequence[str], field: str, where: str | None) -> DataError:
    return DataError(
        f"{what}: {', '.join(names)}", where=where, remedy=f"Name the column: {field}=..."
    )


def _check_given(
    given: Mapping[str, str], names: Sequence[str], objective: Objective | None, where: str | None
) -> None:
    """Refuse unknown fields, missing columns, and one text where two belong together."""
    for field, name in given.items():
        if field not in FIELDS:
            raise DataError(
                f"{field!r} is no field of a task", where=where, remedy=suggestion(field, FIELDS)
            )
        if name not in names:
            raise DataError(
                f"there is no column {name!r}", where=where, remedy=suggestion(name, names)
            )
    if "text_b" in given and "text_a" not in given:
        raise DataError("text_b is given without text_a", where=where, remedy="Give both.")
    if objective is Objective.SEQ2SEQ and "text_a" in given and "text_b" not in given:
        raise DataError("text_a is given without text_b", where=where, remedy="Give both.")
