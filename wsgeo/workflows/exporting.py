"""The graph and tables of a run in formats that other tools open."""

from __future__ import annotations

from wsgeo.store import Run


def write_graphs(run: Run) -> None:
    """Write the graph."""
