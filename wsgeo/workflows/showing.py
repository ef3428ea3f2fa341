"""The summary of a run, read back with what was found since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsgeo.store import Run, open_run
from wsgeo.workflows.recording import FINISHED


def show(run: Path) -> dict[str, Any]:
    """Return what came of a run: of its scan, of diagnostic sets, and the centroids saved.

    Parameters
    ----------
    run : Path
        A run folder.

    Returns
    -------
    dict
        The content of ``summary.json``; ``docs/formats.md`` names its keys. ``run``, ``report`` and
        ``next`` name the folder as it is named now. Added are ``findings`` (sentences on diagnostic
        scores, under the name of their group where there are several) and ``centroids`` (rows of
        `wsgeo.workflows.next_steps.centroids_of`). An interrupted run has ``status``
        ``unfinished``, and a ``report`` only where one was written so far.

    Raises
    ------
    StoreError
        If the folder holds no run.
    """
    found = open_run(run)
    facts = found.read("run")
    if facts.get("status") in FINISHED:
        return _with_later(found, found.read("summary"))
    page = run / "report" / "index.html"
    known = {"report": str(page)} if page.is_file() else {}
    return {**facts, "status": "unfinished", "run": str(run), **known}


def _with_later(run: Run, summary: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of the scan with all that was added to the run after it."""
    from wsgeo.workflows.next_steps import centroids_of, next_steps
    from wsgeo.workflows.strategies import told_of

    groups: list[dict[str, Any]] = summary.get("groups", [])
    said = {group["name"]: told_of(run, group["name"]) for group in groups}
    told = {name: found for name, found in said.items() if found}
    better = {name: found["better"] for name, found in told.items() if found["better"] is not None}
    return {
        **summary,
        "run": str(run.folder),
        "findings": [
            *_findings({name: _sentences(found) for name, found in told.items()}, groups),
            *(one for key in ("regions", "starts") for one in _words(run, key)),
        ],
        "centroids": centroids_of(run, groups),
        "report": str(run.folder / "report" / "index.html"),
        "next": next_steps(run, groups, better),
    }


def _words(run: Run, key: str) -> list[str]:
    """Return what a later verb put down in words."""
    return list(run.read("run").get(key, {}).get("sentences", []))


def _sentences(found: Mapping[str, Any]) -> list[str]:
    """Return all that is said of a group: of slices in few words, of ridges, of held-out members."""
    said = found["headlines"] or found["sentences"]
    return [
        one
        for one in (*said, *found.get("behaviour", ()), *found["ridges"], found["held_out"])
        if one
    ]


def _findings(told: Mapping[str, Sequence[str]], groups: Sequence[Mapping[str, Any]]) -> list[str]:
    several = len(groups) > 1
    return [f"{name}: {one}" if several else one for name, said in told.items() for one in said]
