"""Which texts two data sets share: what a model tuned on one has already seen of the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wsgeo.tasks.task import Task

SHINGLE: Final = 8
"""Words of a run that two texts share by copying, hardly by chance."""

LEAST_SHARE: Final = 0.5
"""Share of a text's runs that occur in the other data set from which it counts as copied."""

_NO_WORD = re.compile(r"[^\w\n]+")
# Odd and of 64 bits, one for each place of a run: sums of products wrap around like random numbers.
_MULTIPLIERS: Final = np.random.default_rng(0).integers(2**62, 2**63, SHINGLE).astype(np.uint64) | 1


def shared_examples(a: Task, b: Task) -> NDArray[np.bool_]:
    """Return which examples of one task occur in another.

    Texts are compared by their words, without case, white space and punctuation. A text occurs in
    ``b`` if one of its texts has the same words, or if half of its runs of 8 words or more occur in
    texts of ``b``: it was cut, extended or changed in a few words. Of an example of two texts both
    must occur; an example without words does not.

    Parameters
    ----------
    a, b : Task
        Examples with their texts.

    Returns
    -------
    ndarray of bool, shape (n_examples,)
        In the order of ``a``. Its mean is the share of ``a``, not that of ``b``: a small data set may
        lie wholly in a large one of which it is a small part.

    Examples
    --------
    >>> from wsgeo.tasks.task import Objective
    >>> one = Task("one", Objective.CLASSIFICATION, ("0", "1"), ("A fine film!", "Dull."))
    >>> other = Task("other", Objective.CLASSIFICATION, ("0",), ("a  fine film .",))
    >>> shared_examples(one, other)
    array([ True, False])
    """
    known = _worded([text for column in _columns(b) for text in column])
    whole, runs = set(known) - {""}, _runs(known)[0]
    shared = np.ones(len(a), bool)
    for column in _columns(a):
        texts = _worded(column)
        exact = np.fromiter(map(whole.__contains__, texts), bool, len(texts))
        shared &= exact | (_share_of_runs(texts, runs) >= LEAST_SHARE)
    return shared


def _columns(task: Task) -> Iterable[Sequence[str]]:
    return [task.text_a] if task.text_b is None else [task.text_a, task.text_b]


def _worded(texts: Sequence[str]) -> list[str]:
    """Return the words of each text, joined by spaces; all texts at once, which is 3 times as fast."""
    lines = "\n".join(text.replace("\n", " ") for text in texts)
    return [line.strip() for line in _NO_WORD.sub(" ", lines.casefold()).split("\n")]


def _share_of_runs(texts: Sequence[str], known: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the share of each text's runs that are known; 0 for a text shorter than a run."""
    runs, owners = _runs(texts)
    n_runs = np.bincount(owners, minlength=len(texts))
    n_known = np.bincount(owners, weights=np.isin(runs, known), minlength=len(texts))
    return np.asarray(n_known / np.maximum(n_runs, 1), np.float64)


def _runs(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Return a hash of each run of words, and the text that it is from."""
    words = " ".join(texts).split()
    hashes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)
    lengths = [text.count(" ") + 1 if text else 0 for text in texts]
    owners = np.repeat(np.arange(len(texts)), lengths)
    n_runs = max(0, len(words) - SHINGLE + 1)
    runs = np.zeros(n_runs, np.uint64)
    for place, multiplier in enumerate(_MULTIPLIERS):
        runs += hashes[place : place + n_runs] * multiplier
    inside = owners[:n_runs] == owners[len(words) - n_runs :]
    return runs[inside], owners[:n_runs][inside]
