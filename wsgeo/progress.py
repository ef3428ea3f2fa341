"""What a long stage tells as it goes."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how much of a kind of work is done; called from one thread at a time."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Report that ``done`` of ``total`` units of ``what`` are finished."""
