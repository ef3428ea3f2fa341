"""Texts that become sentences."""

from __future__ import annotations


def capital(text: str) -> str:
    """Return a text with a capital first; the rest, names among it, stays as it is.

    Parameters
    ----------
    text : str
        Such as the title of a region.

    Returns
    -------
    str
        The start of a sentence, or a heading.

    Examples
    --------
    >>> capital("data set SNLI"), capital("")
    ('Data set SNLI', '')
    """
    return text[:1].upper() + text[1:]
