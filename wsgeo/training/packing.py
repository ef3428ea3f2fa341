"""Running text as token ids: tokenised once, kept in one file, cut into full blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.errors import DataError
from wsgeo.files import replacing

_AT_ONCE = 4096  # documents that are tokenised together
_IDS = "ids"


@final
@dataclass(frozen=True)
class PackedText:
    """Documents one after another, a separator behind each.

    Parameters
    ----------
    ids : ndarray of uint16 or uint32, shape (n_tokens,)
        Token ids.

    Examples
    --------
    >>> text = PackedText(np.array([5, 6, 7, 8, 9], dtype=np.uint16))
    >>> text.n_blocks(2), text.blocks([0, 2], 2).tolist()
    (3, [[5, 6], [9, 5]])
    >>> text.blocks([0], 3, first=1).tolist()
    [[1, 5, 6]]
    """

    ids: NDArray[Any]

    def n_blocks(self, length: int, *, first: int | None = None) -> int:
        """Return the number of blocks of a length that hold every token."""
        return -(-len(self.ids) // _room(length, first))

    def blocks(
        self, rows: ArrayLike, length: int, *, first: int | None = None
    ) -> NDArray[np.int64]:
        """Return blocks of the text; there is no padding.

        Parameters
        ----------
        rows : array_like of int, shape (n_rows,)
            Numbers of blocks. The last one is filled up from the start of the text.
        length : int
            Tokens of a block.
        first : int, optional
            Token that opens each block, within its length.

        Returns
        -------
        ndarray of int64, shape (n_rows, length)
            Token ids.
        """
        room = _room(length, first)
        starts = np.asarray(rows, dtype=np.int64) * room
        places = (starts[:, None] + np.arange(room)) % len(self.ids)
        taken = self.ids[places].astype(np.int64)
        return taken if first is None else np.insert(taken, 0, first, axis=1)


def pack(texts: Iterable[str], tokenizer: Any) -> PackedText:
    """Tokenise documents into one running text.

    Parameters
    ----------
    texts : iterable of str
        Documents.
    tokenizer : PreTrainedTokenizerBase
        A fast tokenizer.

    Returns
    -------
    PackedText
        With the tokenizer's separator, or else its end of text, behind each document.

    Raises
    ------
    DataError
        If the tokenizer has no such token, or the texts have no tokens.
    """
    end = separator_of(tokenizer)
    kind = np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32
    parts = [np.asarray([*ids, end], dtype=kind) for ids in _tokenised(texts, tokenizer)]
    if not parts or sum(map(len, parts)) == len(parts):
        raise DataError("the texts have no tokens", where=str(tokenizer.name_or_path))
    return PackedText(np.concatenate(parts))


def separator_of(tokenizer: Any) -> int:
    """Return the token that ends a document.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.

    Returns
    -------
    int
        Its separator, or else its end of text.

    Raises
    ------
    DataError
        If it has neither.
    """
    for token in (tokenizer.sep_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise DataError(
        "the tokenizer has no token that ends a text",
        where=str(tokenizer.name_or_path),
        remedy="Give it a sep_token or an eos_token.",
    )


def write_packed(path: Path, text: PackedText) -> None:
    """Write a packed text as safetensors, whole or not at all."""
    from safetensors.numpy import save

    content = save({_IDS: np.ascontiguousarray(text.ids)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read_packed(path: Path) -> PackedText:
    """Read what `write_packed` wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PackedText
        The text.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return PackedText(load_file(path)[_IDS])
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(
            f"the packed text cannot be read ({error})",
            where=str(path),
            remedy="Delete its folder; it is made again.",
        ) from error


def _tokenised(texts: Iterable[str], tokenizer: Any) -> Iterator[list[int]]:
    waiting = iter(texts)
    while some := list(islice(waiting, _AT_ONCE)):
        yield from tokenizer(
            some,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            # Documents are longer than a model's input; blocks are not.
            verbose=False,
        )["input_ids"]


def _room(length: int, first: int | None) -> int:
    return length if first is None else length - 1
