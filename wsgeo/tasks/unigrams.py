"""How often each token occurs in the text of a language modelling task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from wsgeo.tasks.encoding import tokenize, with_end
from wsgeo.tasks.task import Objective, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TOKENS: Final = 500_000
"""Where counting stops: the corrected entropy is then that of the whole text to 0.01 nats."""

CHARACTERS_PER_TOKEN: Final = 8
"""More than a token takes on average in any language, so that enough text is drawn."""

SHORTEST_ROW: Final = 64
"""Characters that a row counts as at least: the time for which we wait grows with the rows."""

_ROWS = 512


def countable(task: Task, *, limit: int = MAX_TOKENS) -> Task:
    """Draw as much of a text as holds the tokens at which counting stops.

    Parameters
    ----------
    task : Task
        All the text there is.
    limit : int, default 500,000
        As in `count_tokens`.

    Returns
    -------
    Task
        Rows drawn at random by the task's seed, up to `CHARACTERS_PER_TOKEN` for each token; of a text
        of very short rows they hold fewer tokens.
    """
    order = np.random.default_rng(task.seed).permutation(len(task))
    ends = np.cumsum(_size(task)[order])
    n = int(np.searchsorted(ends, limit * CHARACTERS_PER_TOKEN)) + 1
    return task if n >= len(task) else task.rows(np.sort(order[:n]))


def count_tokens(
    task: Task, tokenizer: PreTrainedTokenizerBase, *, limit: int = MAX_TOKENS
) -> NDArray[np.int64]:
    """Count the tokens that a language model may be asked for.

    Every token counts, masked or not: those that are scored in a subset are far too few to tell how
    frequent a token is. Tokens that are never asked for, such as the marks around the text of a
    masked model, do not count.

    Parameters
    ----------
    task : Task
        All the text there is, not the subset that is scored.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the geometry group.
    limit : int, default 500,000
        Counting stops at the first batch of rows that reaches this many tokens; rows are taken in
        a random order fixed by the task's seed.

    Returns
    -------
    ndarray of int64, shape (largest token id + 1,)
        Occurrences of each token.

    Raises
    ------
    ValueError
        If the task is classification.
    """
    if task.objective is Objective.CLASSIFICATION:
        raise ValueError("Only the text of a language model is counted.")
    order = np.random.default_rng(task.seed).permutation(len(task))
    counts = np.zeros(0, np.int64)
    for start in range(0, len(order), _ROWS):
        found = np.bincount(_asked_for(task, tokenizer, order[start : start + _ROWS]))
        counts = _padded(counts, len(found)) + _padded(found, len(counts))
        if counts.sum() >= limit:
            break
    return counts


def _asked_for(task: Task, tokenizer: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tokens of some rows that a model may be asked for, one after another."""
    first = [task.text_a[i] for i in rows]
    second = None if task.text_b is None else [task.text_b[i] for i in rows]
    if task.objective is Objective.SEQ2SEQ:
        ids = tokenize(tokenizer, second or [], None, None, target=True).ids
    elif task.objective is Objective.CAUSAL_LM:
        found = tokenize(tokenizer, first, None, None).ids
        ids = [with_end(row, tokenizer.eos_token_id) for row in found]
    else:
        whole = tokenize(tokenizer, first, second, None)
        pairs = zip(whole.ids, whole.special, strict=True)
        ids = [np.asarray(row)[np.asarray(special) == 0].tolist() for row, special in pairs]
    return np.array([token for row in ids for token in row], dtype=np.int64)


def _padded(counts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.pad(counts, (0, max(0, length - len(counts))))


def _size(task: Task) -> NDArray[np.int64]:
    """Return the characters that each row counts as, shape (n_examples,)."""
    second = task.text_b or ("",) * len(task)
    sizes = [len(a) + len(b) for a, b in zip(task.text_a, second, strict=True)]
    return np.maximum(np.array(sizes, np.int64), SHORTEST_ROW)
