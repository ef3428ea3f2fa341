"""Counts with their nouns."""

from __future__ import annotations


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Parameters
    ----------
    n : int
        How many.
    noun : str
        Of what, in the singular.
    plural : str, optional
        Default the noun and an s.

    Returns
    -------
    str
        Such as ``1 pair`` or ``4,950 pairs``.

    Examples
    --------
    >>> counted(1, "basin"), counted(4950, "pair"), counted(2, "entry", "entries")
    ('1 basin', '4,950 pairs', '2 entries')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
