"""Tasks through a tokenizer: texts to padded token ids and targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.labels import label_map
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASKED_SHARE = 0.15
"""Share of an example's tokens that a masked language model must restore."""

MAX_LENGTH = 512
"""Longest input where neither the caller nor the tokenizer says less."""

BLOCK_LENGTH = 128
"""Length of the blocks of running text where the caller says nothing."""


@final
@dataclass(frozen=True)
class TokenRows:
    """Token ids per example, before padding.

    Parameters
    ----------
    ids, types, special : list of list of int
        Token ids, token types, and 1 where a token is special, of each example.
    n_truncated : int
        Examples that lost tokens to the length limit.
    """

    ids: list[list[int]]
    types: list[list[int]]
    special: list[list[int]]
    n_truncated: int


def encode(
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    *,
    labels: Sequence[str] = (),
    max_length: int | None = None,
) -> EncodedExamples:
    """Turn a task's texts into padded token ids and targets.

    Masked language modelling masks 15 % of the tokens that are not special, at least one, and
    always by the mask token (the other customs, a random or the same token, train a model but only
    add noise to a loss). The masks are fixed by the task's seed and the example's own tokens, not by
    the other examples. Causal language modelling cuts the running text, with an end-of-text token
    after each example, into blocks.

    Parameters
    ----------
    task : Task
        The examples.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the geometry group.
    labels : sequence of str
        Labels of the model in the loss group's order; needed for classification.
    max_length : int, optional
        Longest input (and target), or length of a block, in tokens. Default: what the tokenizer
        says, at most 512; blocks of 128.

    Returns
    -------
    EncodedExamples
        The examples.

    Raises
    ------
    DataError
        If the task's labels do not match, the tokenizer has no mask token, or a text has no tokens.
    """
    encoders: dict[Objective, Callable[..., EncodedExamples]] = {
        Objective.CLASSIFICATION: _classification,
        Objective.MASKED_LM: _masked,
        Objective.CAUSAL_LM: _causal,
        Objective.SEQ2SEQ: _seq2seq,
    }
    if task.objective is Objective.CAUSAL_LM:
        limit = max_length or min(BLOCK_LENGTH, tokenizer.model_max_length)
    else:
        limit = max_length or min(MAX_LENGTH, tokenizer.model_max_length)
    return encoders[task.objective](task, tokenizer, tuple(labels), int(limit))


def _classification(
    task: Task, tokenizer: Any, labels: tuple[str, ...], limit: int
) -> EncodedExamples:
    if task.targets is None:
        raise ValueError("A classification task has targets.")
    found = label_map(task.labels, labels, where=task.source)
    rows = tokenize(tokenizer, task.text_a, task.text_b, limit)
    arrays = _padded(rows, tokenizer)
    arrays["targets"] = np.asarray(found.index, dtype=np.int64)[task.targets]
    return EncodedExamples.of(
        task.name,
        task.objective,
        arrays,
        found.labels,
        found.class_map,
        n_truncated=rows.n_truncated,
        labels_named=found.named,
    )


def _masked(task: Task, tokenizer: Any, labels: tuple[str, ...], limit: int) -> EncodedExamples:  # noqa: ARG001
    if tokenizer.mask_token_id is None:
        raise DataError(
            "the tokenizer has no mask token",
            where=task.name,
            remedy="Use the objective causal_lm.",
        )
    rows = tokenize(tokenizer, task.text_a, task.text_b, limit)
    arrays = _padded(rows, tokenizer)
    arrays["targets"] = np.full(arrays["input_ids"].shape, IGNORED, dtype=np.int64)
    for i, (ids, special) in enumerate(zip(rows.ids, rows.special, strict=True)):
        masked = _mask_positions(ids, special, task.seed)
        if not len(masked):
            raise DataError("the text has no tokens", where=f"{task.source}: id {task.ids[i]}")
        arrays["targets"][i, masked] = arrays["input_ids"][i, masked]
        arrays["input_ids"][i, masked] = tokenizer.mask_token_id
    return EncodedExamples.of(task.name, task.objective, arrays, n_truncated=rows.n_truncated)


def _mask_positions(ids: Sequence[int], special: Sequence[int], seed: int) -> NDArray[np.int64]:
    """Draw 15 % of the positions that are not special, at least one, from the tokens alone."""
    free = np.flatnonzero(np.asarray(special) == 0)
    count = min(len(free), max(1, round(MASKED_SHARE * len(free))))
    return np.sort(np.random.default_rng([seed, *ids]).permutation(free)[:count])


def _causal(task: Task, tokenizer: Any, labels: tuple[str, ...], limit: int) -> EncodedExamples:  # noqa: ARG001
    rows = tokenize(tokenizer, task.text_a, None, None)
    end = tokenizer.eos_token_id
    running: list[int] = []
    for ids in rows.ids:
        running += with_end(ids, end)
    blocks = [running[start : start + limit] for start in range(0, len(running), limit)]
    blocks = [block for block in blocks if len(block) > 1]  # one token alone predicts nothing
    if not blocks:
        raise DataError("the texts have fewer than two tokens", where=task.source or task.name)
    none = [[0] * len(block) for block in blocks]
    arrays = _padded(TokenRows(blocks, none, none, 0), tokenizer)
    scored = arrays["attention_mask"].astype(bool)
    scored[:, 0] = False
    arrays["targets"] = np.where(scored, arrays["input_ids"], IGNORED)
    return EncodedExamples.of(task.name, task.objective, arrays)


def _seq2seq(task: Task, tokenizer: Any, labels: tuple[str, ...], limit: int) -> EncodedExamples:  # noqa: ARG001
    if task.text_b is None:
        raise ValueError("A sequence-to-sequence task has target texts.")
    rows = tokenize(tokenizer, task.text_a, None, limit)
    wanted = tokenize(tokenizer, task.text_b, None, limit, target=True)
    if not all(wanted.ids):
        where = f"{task.source}: id {task.ids[wanted.ids.index([])]}"
        raise DataError("the target text has no tokens", where=where)
    arrays = _padded(rows, tokenizer)
    arrays["targets"] = _rectangle(wanted.ids, IGNORED)
    truncated = rows.n_truncated + wanted.n_truncated
    return EncodedExamples.of(task.name, task.objective, arrays, n_truncated=truncated)


def with_end(ids: list[int], end: int | None) -> list[int]:
    """Return the tokens of a text with the end-of-text token behind them, once."""
    return ids if end is None or ids[-1:] == [end] else [*ids, end]


def tokenize(
    tokenizer: Any,
    first: Sequence[str],
    second: Sequence[str] | None,
    limit: int | None,
    target: bool = False,
) -> TokenRows:
    """Return token ids, token types and the mask of special tokens.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.
    first : sequence of str
        Texts.
    second : sequence of str or None
        Second text of each.
    limit : int or None
        Most tokens of an example; None keeps every token.
    target : bool, default False
        Whether the texts are what a decoder must produce.

    Returns
    -------
    TokenRows
        One row per text.
    """
    whole = _call(tokenizer, first, second, None, target)
    if limit is None:
        return whole
    # Only the rows that are too long are cut by the tokenizer, which knows which text to shorten.
    long = [i for i, ids in enumerate(whole.ids) if len(ids) > limit]
    if long:
        pairs = None if second is None else [second[i] for i in long]
        cut = _call(tokenizer, [first[i] for i in long], pairs, limit, target)
        for i, *row in zip(long, cut.ids, cut.types, cut.special, strict=True):
            whole.ids[i], whole.types[i], whole.special[i] = row
    return dataclasses.replace(whole, n_truncated=len(long))


def _call(
    tokenizer: Any,
    first: Sequence[str],
    second: Sequence[str] | None,
    limit: int | None,
    target: bool,
) -> TokenRows:
    """Call the tokenizer once."""
    texts = {"text_target" if target else "text": list(first)}
    if second is not None:
        texts["text_pair"] = list(second)
    out = tokenizer(
        **texts,
        truncation=limit is not None,
        max_length=limit,
        return_special_tokens_mask=True,
        verbose=False,
    )
    types = out.get("token_type_ids") or [[0] * len(ids) for ids in out["input_ids"]]
    return TokenRows(out["input_ids"], types, out["special_tokens_mask"], 0)


def padding_of(tokenizer: Any) -> int:
    """Return the id with which texts are padded.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.

    Returns
    -------
    int
        Its padding token, else its end token, else 0: a padded position is masked, so any id of the
        vocabulary will do where none is meant for it.
    """
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id)
    return next((found for found in ids if found is not None), 0)


def _padded(rows: TokenRows, tokenizer: Any) -> dict[str, NDArray[Any]]:
    """Pad ids, mask and token types to the longest row."""
    pad = padding_of(tokenizer)
    return {
        "input_ids": _rectangle(rows.ids, pad),
        "attention_mask": _rectangle([[1] * len(row) for row in rows.ids], 0),
        "token_type_ids": _rectangle(rows.types, 0),
    }


def _rectangle(rows: Sequence[Sequence[int]], fill: int) -> NDArray[np.int64]:
    """Return rows of unequal length as an array, filled up on the right."""
    array = np.full((len(rows), max(map(len, rows), default=0)), fill, dtype=np.int64)
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return array
