"""What a mistyped word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the known word closest to ``word``, or all of them.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> suggestion("premis", ["premise", "label"])
    "Did you mean 'premise'?"
    >>> suggestion("x", ["premise", "label"])
    'Known: label, premise.'
    """
    import difflib

    known = sorted(set(known))
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
