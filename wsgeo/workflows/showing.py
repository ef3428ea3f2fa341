"""The summary of a run, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsgeo.store import open_run


def show(run: Path) -> dict[str, Any]:
    """Return what came of a run.

    Parameters
    ----------
    run : Path
        A run folder.

    Returns
    -------
    dict
        The content of ``summary.json``; ``docs/formats.md`` names its keys. An interrupted run has
        ``status`` ``unfinished``.

    Raises
    ------
    StoreError
        If the folder holds no run.
    """
    found = open_run(run)
    facts = found.read("run")
    if facts.get("status") == "complete":
        return found.read("summary")
    return {**facts, "status": "unfinished", "run": str(run)}
