"""The chosen start of each target as a model folder with a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wsgeo.regions.cards import Origin
from wsgeo.regions.start_words import gain_words
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.store import Run
from wsgeo.workflows.start_candidates import BASE, Candidate, named
from wsgeo.workflows.start_encoders import start_weights
from wsgeo.workflows.start_folders import HEAD_NOTE, write_carded
from wsgeo.workflows.start_rounds import Cell, Rounds
from wsgeo.workflows.start_trials import file_name
from wsgeo.zoo import Checkpoint


def write_chosen(
    run: Run,
    rounds: Rounds,
    cells: Sequence[Cell],
    *,
    out: str | Path | None,
    command: Sequence[str],
) -> list[dict[str, Any]]:
    """Write the start that is recommended for each cell; the base is only named.

    Parameters
    ----------
    run : Run
        With its table of gains.
    rounds : Rounds
        For base and method.
    cells : sequence of Cell
        Targets and shots.
    out : str or Path or None
        Folder in place of one below ``starts/``.
    command : sequence of str
        How it was asked for.

    Returns
    -------
    list of dict
        ``target``, ``shots``, ``start`` and ``folder``: that of the base where nothing beats it.

    Raises
    ------
    WsgeoError
        If the folder cannot be written.
    """
    found = []
    for cell in cells:
        target, shots = cell.ranking.target.name, cell.ranking.shots
        row = _row(run, target, shots, rounds.bench.settings.method)
        folder = str(rounds.study.base.folder)
        if row is not None and row["start"] != BASE:
            words = [f"chosen-{target}", *([] if shots is None else [str(shots)])]
            place = Path(out) if out else rounds.starts / file_name("-".join(words))
            _write(place, rounds, named(cell.tried, row["start"]), row, command)
            folder = str(place)
        start = None if row is None else row["start"]
        found.append({"target": target, "shots": shots, "start": start, "folder": folder})
    return found


def _row(run: Run, target: str, shots: int | None, method: str) -> dict[str, Any] | None:
    """Return the gain of the chosen start; None where nothing was fine-tuned."""
    same_shots = pl.col("shots").eq_missing(pl.lit(shots, dtype=pl.Int64))
    rows = run.table("gains").filter(
        pl.col("target") == target, same_shots, pl.col("method") == method, pl.col("is_chosen")
    )
    return rows.row(0, named=True) if rows.height else None


def _write(
    folder: Path, rounds: Rounds, chosen: Candidate, row: dict[str, Any], command: Sequence[str]
) -> None:
    study, members = rounds.study, chosen.members
    told = (
        f"Chosen as the start of fine-tunings ({row['method']}) on {row['target']}: "
        f"{gain_words(row)} over the base."
    )
    plan = CentroidPlan(
        chosen.name, chosen.level or chosen.kind, chosen.name.removeprefix(f"{chosen.kind} of "),
        Variant.ENCODERS, chosen.ids, chosen.weights,
    )  # fmt: skip
    origin = Origin(
        plan,
        Evidence(missing="Its loss is not measured: it has no head. What counts is what it gains."),
        sources={member.id: _source(member) for member in members},
        hashes={member.id: member.content_hash for member in members},
        base=study.base.id,
        command=tuple(command),
        notes=(told, HEAD_NOTE),
    )
    weights = start_weights(members, chosen.weights, study.base, study.frame)
    write_carded(folder, weights, study.frame, study.tokenizer, origin)


def _source(member: Checkpoint) -> str:
    """Return where a member is found: its hub id, or its folder."""
    return member.id if member.revision is not None else str(member.adapter or member.folder)
