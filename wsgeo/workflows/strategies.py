"""What was said of a run's basins, read back."""

from __future__ import annotations

from typing import Any

from wsgeo.store import Run


def told_of(run: Run, group: str) -> dict[str, Any]:
    """Return what the answers of a loss group's members say of its basins.

    Parameters
    ----------
    run : Run
        A run with its tables.
    group : str
        Which loss group.

    Returns
    -------
    dict
        ``sentences``, ``headlines``, ``behaviour``, ``ridges``, ``held_out``, ``by`` and ``better``, as
        `wsgeo.workflows.comparisons.Comparison` has them; empty where nothing was scored.
    """
    kept = run.read("run").get("diagnosis", {}).get("groups", {})
    if group in kept:
        return dict(kept[group])
    if run.table("scores").is_empty():
        return {}
    # Runs of earlier versions keep scores and not what they say. SciPy takes 1 s to import.
    from wsgeo.workflows.comparisons import compare

    found = compare(run, group)
    return found.as_dict() if found else {}
