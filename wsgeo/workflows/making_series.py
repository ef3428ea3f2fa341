"""Zoos of pre-trained models: series of checkpoints from raw text."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsgeo.escapes import printable, toml_value
from wsgeo.files import write_text
from wsgeo.training import Made
from wsgeo.training.finished import are_whole
from wsgeo.training.pretraining_files import (
    VALIDATION,
    PlannedSeries,
    check_pretraining,
    planned_series,
    series_orders,
)
from wsgeo.training.recipe_files import Places
from wsgeo.training.series_members import SeriesOrder, diverged_series, make_all_series
from wsgeo.workflows.zoo_notes import own_notes
from wsgeo.workflows.zoo_work import LOST, RESULTS, Listeners, work_through
from wsgeo.zoo.manifest import NAME


def series_of(document: Mapping[str, Any], places: Places, device: str) -> list[PlannedSeries]:
    """Check a recipe of pre-training and return its series.

    Parameters
    ----------
    document : mapping
        The recipe.
    places : Places
        Where its files lie.
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    list of PlannedSeries
        Nothing is written.

    Raises
    ------
    WsgeoError
        If the recipe is wrong or a file is missing.
    """
    return planned_series(check_pretraining(document, places.recipe), places, device)


def pretrain(
    series: Sequence[PlannedSeries],
    zoo: Path,
    *,
    jobs: int,
    listeners: Listeners,
) -> dict[str, Any]:
    """Make series of checkpoints; what is finished is kept.

    Parameters
    ----------
    series : sequence of PlannedSeries
        From `series_of`.
    zoo : Path
        Folder of the zoo.
    jobs : int
        Single-threaded workers.
    listeners : Listeners
        Who is told how the work gets on.

    Returns
    -------
    dict
        As `wsgeo.train` returns it; a member is a series.

    Raises
    ------
    WsgeoError
        If a text cannot be read or the zoo not be written.
    """
    started = time.monotonic()
    listeners.announce(f"Preparing tokenizer and packed text in {zoo}.")
    orders = series_orders(series, zoo)
    made: list[Made] = []
    try:
        made = work_through(
            orders, make_all_series, _is_settled,
            jobs=jobs, nouns=("series", "series"), listeners=listeners,
        )  # fmt: skip
    finally:
        write_text(zoo / NAME, _notes(orders, made))
    members = [
        {
            "name": one.name,
            "status": outcome.status,
            "reason": outcome.reason,
            "steps": one.settings.steps,
            "folders": [str(folder.relative_to(zoo)) for folder in _finished(one, zoo)],
            **{name: getattr(outcome, name) for name in RESULTS},
        }
        for one, outcome in zip(series, made, strict=True)
    ]
    return {
        "zoo": str(zoo),
        "members": members,
        "data": [],
        "notices": [],
        "seconds": round(time.monotonic() - started, 1),
        "next": f"wsgeo scan {zoo}",
        "exit_code": 4 if any(member["status"] in LOST for member in members) else 0,
    }


def _finished(one: PlannedSeries, zoo: Path) -> list[Path]:
    """Return the checkpoints of a series that lie there."""
    folders = [zoo / one.name / f"step-{step:06d}" for step in one.save_at]
    return [folder for folder in folders if own_notes(folder)]


def _is_settled(order: SeriesOrder) -> bool:
    """Tell whether a series is finished, or known to diverge."""
    return are_whole(order.folders.values()) or bool(diverged_series(order))


def _notes(orders: Sequence[SeriesOrder], made: Sequence[Made]) -> str:
    """Return a manifest: each checkpoint says in ``wsgeo.json`` what it is."""
    lost = {order.folder.name: diverged_series(order) for order in orders}
    lost |= {outcome.folder.name: outcome.reason for outcome in made}
    lines = ["# Written by `wsgeo train` from recipe.toml.", f"data = {toml_value(VALIDATION)}"]
    lines += [f"# {printable(name)}: {printable(why)}" for name, why in lost.items() if why]
    return "\n".join(lines) + "\n"
