"""A task's own texts, changed in one way that a reader would notice and a word-counter might not."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from wsgeo.errors import DataError
from wsgeo.tasks.task import Objective, Task

KINDS: Final[Mapping[str, str]] = MappingProxyType({
    "words_shuffled": "the words of each text in another order",
    "bigrams_shuffled": "each text cut into pairs of neighbouring words, and the pairs reordered",
    "second_only": "the first text emptied",
    "first_only": "the second text emptied",
    "shifted": "four full stops in front, so that every word stands four places later",
})  # fmt: skip
"""What each kind of change does."""

FILLER: Final = ". . . ."
"""What stands in front of a shifted text.

Full stops are in the vocabulary of every tokenizer and in nearly every training text, speak for no
label, and are no words: neither the words of a text nor those that two texts share change.
"""


Texts = tuple[tuple[str, ...], tuple[str, ...] | None]


def perturbed(task: Task, kind: str, seed: int) -> Task:
    """Return a task with its texts changed in one way; ids, targets and order stay.

    Words are what stands between white space, so a punctuation mark moves with the word that it is
    written on. The two texts of an example are shuffled apart from each other. A text that has but
    one order keeps it; any other is never left as it was. The draw depends on the seed and on the
    example's own texts, not on the other examples: a subset is changed as the whole is.

    Parameters
    ----------
    task : Task
        A classification task.
    kind : str
        One of `KINDS`.
    seed : int
        Seed of the order.

    Returns
    -------
    Task
        The changed examples, named ``NAME~KIND``.

    Raises
    ------
    DataError
        If the change does not apply: an emptied text needs two texts, and shuffling a text of
        which there is another order.
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> task = Task("toy", Objective.CLASSIFICATION, ("0",), ("a b",), ("c d",), np.array([0]), ("x",))
    >>> perturbed(task, "words_shuffled", 0).text_a, perturbed(task, "second_only", 0).text_a
    (('b a',), ('',))
    """
    if kind not in KINDS:
        raise ValueError(f"No change is called {kind!r}.")
    if task.objective is not Objective.CLASSIFICATION:
        raise DataError("only the texts of a classification task are changed", where=task.name)
    change = {"words_shuffled": _shuffled, "bigrams_shuffled": _shuffled, "shifted": _shifted}
    first, second = change.get(kind, _emptied)(task, kind, seed)
    return dataclasses.replace(task, name=f"{task.name}~{kind}", text_a=first, text_b=second)


def _shuffled(task: Task, kind: str, seed: int) -> Texts:
    size = 1 if kind == "words_shuffled" else 2
    columns = [column for column in (task.text_a, task.text_b) if column is not None]
    rows = [_reordered(texts, size, seed) for texts in zip(*columns, strict=True)]
    if not any(new != old for new, old in zip(rows, zip(*columns, strict=True), strict=True)):
        raise DataError("no text has another order of its words", where=task.name)
    first, *rest = zip(*rows, strict=True)
    return first, rest[0] if rest else None


def _reordered(texts: tuple[str, ...], size: int, seed: int) -> tuple[str, ...]:
    """Reorder runs of ``size`` words in each text of one example."""
    digest = hashlib.sha256("\0".join(texts).encode()).digest()
    rng = np.random.default_rng([seed, size, *digest])
    return tuple(_reorder(text, size, rng) for text in texts)


def _reorder(text: str, size: int, rng: np.random.Generator) -> str:
    words = text.split()
    runs = [tuple(words[i : i + size]) for i in range(0, len(words), size)]
    new = runs
    # Two distinct runs suffice for another order, and a draw misses it at most half of the time.
    while new == runs and len(set(runs)) > 1:
        new = [runs[i] for i in rng.permutation(len(runs))]
    return text if new == runs else " ".join(word for run in new for word in run)


def _emptied(task: Task, kind: str, seed: int) -> Texts:  # noqa: ARG001
    if task.text_b is None:
        raise DataError("the examples have one text, and none is left if it goes", where=task.name)
    nothing = ("",) * len(task)
    return (nothing, task.text_b) if kind == "second_only" else (task.text_a, nothing)


def _shifted(task: Task, kind: str, seed: int) -> Texts:  # noqa: ARG001
    return tuple(f"{FILLER} {text}" for text in task.text_a), task.text_b
