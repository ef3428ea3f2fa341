"""Slices of a task's own examples: by label, and by what can be seen of their words.

They are made before any loss is known, so that what a slice shows was not chosen for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.probing.overlaps import overlap_shares, words_of
from wsgeo.probing.set_files import EVERYTHING
from wsgeo.tasks.task import Objective, Task

Masks = dict[str, NDArray[np.bool_]]

LEAST_EXAMPLES = 20
"""Slices of fewer examples are left out: their means say little."""

NEGATION = re.compile(
    r"\b(?:cannot|neither|never|nobody|none|nor|not|nothing|nowhere|no|without|\w+n't)\b"
)
"""English words that negate."""

# "one" is left out: it is a pronoun more often than a number.
NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|"
    r"eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|(?:hundred|thousand|million|"
    r"billion|dozen)s?)\b"
)
"""Digits, and English words that count."""


def task_slices(task: Task) -> Masks:
    """Return slices of the examples of a task.

    - ``label/NAME``: the examples of a label, where there are two or more;
    - ``length/short``, ``middle``, ``long``: thirds by the number of words;
    - ``negation/present`` and ``absent``, ``number/present`` and ``absent``: whether a text holds
      such a word (English);
    - for pairs, ``overlap/low``, ``middle``, ``high``: thirds by the share of the second text's
      words that occur in the first, and ``overlap/high/NAME`` and so on for each label.

    Thirds never part equal values; where these leave two classes, they have the names of the outer
    ones. Slices of fewer than 20
    examples, and those that hold every example, are left out.

    Parameters
    ----------
    task : Task
        The examples.

    Returns
    -------
    dict of str to ndarray of bool, shape (n_examples,)
        ``all`` first, the others by name. Empty for ``causal_lm``, whose losses are those of blocks
        of running text and not of the examples.

    References
    ----------
    [mccoy2019]_

    Examples
    --------
    >>> texts = tuple(["It rains .", "It does not rain ."] * 20)
    >>> task = Task("rain", Objective.MASKED_LM, tuple(map(str, range(40))), texts)
    >>> {name: int(mask.sum()) for name, mask in task_slices(task).items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'all': 40, 'length/long': 20, 'length/short': 20, 'negation/absent': 20,
     'negation/present': 20}
    """
    if task.objective is Objective.CAUSAL_LM:
        return {}
    texts = [_plain(text) for text in task.text_a]
    labels, overlap = _labels(task), Masks()
    if task.text_b is not None:
        second = [_plain(text) for text in task.text_b]
        # A second text without words has none that the first lacks, nor one that it shares.
        shares = np.nan_to_num(overlap_shares(texts, second))
        texts = [f"{a} {b}" for a, b in zip(texts, second, strict=True)]
        overlap = _thirds("overlap", shares, ("low", "middle", "high"))
    lengths = [len(words_of(text)) for text in texts]
    found = {
        **{f"label/{name}": mask for name, mask in labels.items()},
        **overlap,
        **{
            f"{part}/{name}": m & own for part, m in overlap.items() for name, own in labels.items()
        },
        **_thirds("length", lengths, ("short", "middle", "long")),
        **_presence("negation", NEGATION, texts),
        **_presence("number", NUMBER, texts),
    }
    whole = np.ones(len(task), dtype=bool)
    kept = {name: m for name, m in sorted(found.items()) if LEAST_EXAMPLES <= m.sum() < len(task)}
    return {EVERYTHING: whole, **kept}


def thirds(values: ArrayLike) -> NDArray[np.int64]:
    """Return which third each value lies in, by its rank; equal values share a rank.

    Parameters
    ----------
    values : array_like, shape (n,)
        Numbers.

    Returns
    -------
    ndarray of int64, shape (n,)
        0, 1 or 2, from the lowest.

    Examples
    --------
    >>> thirds([1, 2, 3]).tolist(), thirds([0.5, 1, 1, 1]).tolist(), thirds([7, 7]).tolist()
    ([0, 1, 2], [0, 1, 1, 1], [1, 1])
    """
    _, place, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    # Twice the middle of the ranks that equal values take, so that whole numbers are compared.
    twice = (2 * below + counts)[place]
    n = place.size
    return np.asarray((3 * twice >= 2 * n).astype(np.int64) + (3 * twice >= 4 * n))


def _labels(task: Task) -> Masks:
    """Return the examples of each label; one label alone is no slice."""
    if task.targets is None or len(np.unique(task.targets)) < 2:
        return {}
    return {name: task.targets == i for i, name in enumerate(task.labels)}


def _thirds(name: str, values: ArrayLike, parts: Sequence[str]) -> Masks:
    place = thirds(values)
    found = np.unique(place)
    # Two classes are the outer ones by name, wherever the ties lie.
    named = parts if len(found) == 3 else (parts[0], parts[-1])
    return {f"{name}/{part}": place == i for i, part in zip(found, named, strict=False)}


def _presence(name: str, pattern: re.Pattern[str], texts: Sequence[str]) -> Masks:
    present = np.array([pattern.search(text) is not None for text in texts], dtype=bool)
    return {f"{name}/absent": ~present, f"{name}/present": present}


def _plain(text: str) -> str:
    """Return a text in small letters, with one kind of apostrophe."""
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
