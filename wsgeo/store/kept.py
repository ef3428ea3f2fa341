"""The count of what a run folder keeps, read without opening it to write."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path


def count_kept(folder: Path) -> int:
    """Return how many finished evaluations a run folder keeps, and change nothing in it.

    Parameters
    ----------
    folder : Path
        A run folder, or one that is yet to be made.

    Returns
    -------
    int
        The number; 0 where there is no ledger that can be read.
    """
    path = (folder / "ledger.sqlite").resolve()
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM losses").fetchone()[0])
    except sqlite3.Error:
        return 0  # the scan itself says what is wrong with it
