"""Raw text: files with one document per line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wsgeo.errors import DataError
from wsgeo.tasks import read_table

_TEXT: Final = "text"


def read_documents(path: Path) -> list[str]:
    """Return the documents of a file: its lines that are not blank, or its column ``text``.

    Parameters
    ----------
    path : Path
        A text file (``.txt``), plain or packed by gzip (``.txt.gz``), or a table with a column
        ``text``.

    Returns
    -------
    list of str
        Without surrounding white space.

    Raises
    ------
    DataError
        If the file cannot be read, or has no text.
    """
    table = read_table(path)
    if _TEXT not in table.columns:
        raise DataError(
            "the table has no column 'text'", where=str(path), remedy="Give raw text, or name one."
        )
    documents = [text.strip() for text in table[_TEXT].drop_nulls().cast(str)]
    if not any(documents):
        raise DataError("the file has no text", where=str(path), remedy="Name another file.")
    return [text for text in documents if text]


def text_hash(documents: Sequence[str]) -> str:
    """Return the SHA-256 (hex) of documents, the same however their file is packed.

    Parameters
    ----------
    documents : sequence of str
        What `read_documents` returned.

    Returns
    -------
    str
        Over the documents in order, a line break behind each.

    Examples
    --------
    >>> text_hash(["one", "two"])[:12]
    'c3f9c8c283a2'
    """
    digest = hashlib.sha256()
    for text in documents:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()
