"""The basins of a loss group as a finished run tells them, and which members count as evidence."""

from __future__ import annotations

from typing import Any

import polars as pl

from wsgeo.store import Run

DEFAULT_BASINS = pl.col("is_default") & (pl.col("matrix") == "convexity_gap")
"""Rows of the table of clusters that wsgeo shows as basins."""


def basins_of(run: Run, group: str) -> dict[str, int]:
    """Return the basin of each distinct member; copies are no further evidence.

    Parameters
    ----------
    run : Run
        A run with its tables.
    group : str
        Name of a loss group.

    Returns
    -------
    dict of str to int
        -1 for none.
    """
    rows = run.table("clusters").filter(DEFAULT_BASINS, pl.col("group") == group)
    copies = run.table("models").drop_nulls("duplicate_of")["id"]
    distinct = rows.filter(~pl.col("id").is_in(copies.to_list()))
    return dict(distinct.select("id", "label").iter_rows())


def unfit_members(run: Run, group: str) -> dict[str, str]:
    """Return why members count as no evidence: they cannot do the task, or say one label.

    Parameters
    ----------
    run : Run
        A run with its tables.
    group : str
        Name of a loss group.

    Returns
    -------
    dict of str to str
        Reason by id.
    """
    models = run.table("models").filter(pl.col("loss_group") == group)
    failed = models.filter(~pl.col("gate").fill_null(value=True))
    one_label = run.table("probes").filter(
        pl.col("group") == group, pl.col("measure") == "degenerate", pl.col("value") == 1
    )
    found = dict.fromkeys(one_label["id"].to_list(), "says one label for everything on the task")
    reasons = failed.select("id", "gate_reason").iter_rows()
    return found | {name: why or "failed the end-point gate" for name, why in reasons}


def basins_found(run: Run, group: str) -> bool:
    """Return whether the groups of a loss group are basins; runs of earlier versions do not say.

    Parameters
    ----------
    run : Run
        A finished run.
    group : str
        Name of a loss group.

    Returns
    -------
    bool
        False where all members are together for want of any structure.
    """
    return bool(_summary(run, group).get("basins_found", True))


def tau_of(run: Run, group: str) -> float | None:
    """Return the threshold of a loss group.

    Parameters
    ----------
    run : Run
        A finished run.
    group : str
        Name of a loss group.

    Returns
    -------
    float or None
        Nats per example; None where there is none.
    """
    value = (_summary(run, group).get("tau") or {}).get("value")
    return None if value is None else float(value)


def _summary(run: Run, group: str) -> dict[str, Any]:
    groups = {found["name"]: found for found in run.read("summary").get("groups", [])}
    return dict(groups.get(group, {}))
