"""What a long stage tells as it goes."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how much of a kind of work is done; called from one thread at a time."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Report that ``done`` of ``total`` units of ``what`` are finished."""


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Parameters
    ----------
    seconds : float
        How long.

    Returns
    -------
    str
        Such as ``12 s`` or ``1.6 h``.

    Examples
    --------
    >>> duration(12), duration(540), duration(5800)
    ('12 s', '9 min', '1.6 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
