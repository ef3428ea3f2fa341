"""How probable a language model finds a sentence: what it is given, and the sum of its answers.

A causal model reads the sentence behind the token that starts a text, and every token of the
sentence is scored once. A masked model reads a copy of the sentence per token, with that token
masked; the sum over the copies is the sentence's pseudo-log-likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.encoding import MAX_LENGTH, TokenRows, padding_of, tokenize
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Arrays = dict[str, NDArray[Any]]


def encode_sentences(
    name: str,
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    objective: Objective,
    *,
    max_length: int | None = None,
) -> EncodedExamples:
    """Encode sentences so that a language model scores each token of each sentence.

    Parameters
    ----------
    name : str
        Name of the examples.
    texts : sequence of str
        The sentences.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the group.
    objective : Objective
        ``causal_lm`` gives one row per sentence, ``masked_lm`` one per token of each sentence.
    max_length : int, optional
        Longest input in tokens.

    Returns
    -------
    EncodedExamples
        The rows; `sentence_scores` sums what a model makes of them.

    Raises
    ------
    DataError
        If a sentence has no token that can be scored, or the tokenizer has no mask token.

    References
    ----------
    [salazar2020]_
    """
    masked = objective is Objective.MASKED_LM
    if masked and tokenizer.mask_token_id is None:
        raise DataError("the tokenizer has no mask token", where=name)
    limit = int(max_length or min(MAX_LENGTH, tokenizer.model_max_length))
    rows = tokenize(tokenizer, texts, None, limit if masked else limit - 1)
    arrays = _padded(rows if masked else _behind_a_start(rows, tokenizer), tokenizer)
    scored = arrays.pop("special") == 0
    scored[:, 0] &= masked  # nothing stands before the first token of a causal model
    if not scored.any(axis=1).all():
        row = int((~scored.any(axis=1)).argmax()) + 1
        raise DataError("the text has no token that can be scored", where=f"{name}: example {row}")
    arrays["targets"] = np.where(scored, arrays["input_ids"], IGNORED)
    if masked:
        arrays = _masked_one_by_one(arrays, scored, int(tokenizer.mask_token_id))
    return EncodedExamples.of(name, objective, arrays, n_truncated=rows.n_truncated)


def sentence_scores(
    examples: EncodedExamples, loss: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return the (pseudo-)log-probability of each sentence.

    Parameters
    ----------
    examples : EncodedExamples
        From `encode_sentences`.
    loss : ndarray, shape (n_rows,)
        Mean loss of each row over its scored tokens, in nats.

    Returns
    -------
    ndarray of float64, shape (n_sentences,)
        Sum over the tokens of each sentence, in nats, at most 0.

    References
    ----------
    [salazar2020]_
    """
    scored = examples.targets != IGNORED
    nats: NDArray[np.float64] = loss.astype(np.float64) * scored.sum(axis=1)
    if examples.objective is not Objective.MASKED_LM:
        return -nats
    # The copies of a sentence are masked from left to right: where the place does not move on, the
    # next sentence begins.
    place = scored.argmax(axis=1)
    sentence = np.concatenate([[0], np.cumsum(np.diff(place) <= 0)])
    return -np.bincount(sentence, weights=nats).astype(np.float64)


def _behind_a_start(rows: TokenRows, tokenizer: Any) -> TokenRows:
    """Put the token that starts a text before each row that begins with none."""
    known = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    start = next((token for token in known if token is not None), None)
    bare = [not row or not row[0] for row in rows.special]
    if start is None or not any(bare):
        return rows
    return TokenRows(
        [[start] * new + ids for new, ids in zip(bare, rows.ids, strict=True)],
        [[0] * new + types for new, types in zip(bare, rows.types, strict=True)],
        [[1] * new + special for new, special in zip(bare, rows.special, strict=True)],
        rows.n_truncated,
    )


def _padded(rows: TokenRows, tokenizer: Any) -> Arrays:
    """Pad the rows on the right; padding counts as special."""
    lengths = np.array([len(row) for row in rows.ids])
    there = np.arange(lengths.max(initial=0)) < lengths[:, None]
    fills = {"input_ids": padding_of(tokenizer), "token_type_ids": 0, "special": 1}
    given = {"input_ids": rows.ids, "token_type_ids": rows.types, "special": rows.special}
    arrays: Arrays = {"attention_mask": there.astype(np.int64)}
    for kind, fill in fills.items():
        arrays[kind] = np.full(there.shape, fill, dtype=np.int64)
        arrays[kind][there] = np.concatenate([np.array(row, np.int64) for row in given[kind]])
    return arrays


def _masked_one_by_one(arrays: Arrays, scored: NDArray[np.bool_], mask: int) -> Arrays:
    """Copy each row once per scored token, with that token masked."""
    sentence, place = np.nonzero(scored)
    copies = {kind: array[sentence] for kind, array in arrays.items()}
    each = np.arange(len(sentence))
    copies["input_ids"][each, place] = mask
    copies["targets"] = np.full_like(copies["targets"], IGNORED)
    copies["targets"][each, place] = arrays["targets"][sentence, place]
    return copies
