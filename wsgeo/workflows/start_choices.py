"""The chosen start of each target as a model folder with a card."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wsgeo.counting import counted
from wsgeo.regions.cards import Origin
from wsgeo.regions.differences import BASE
from wsgeo.regions.start_words import gain_words
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.store import Run
from wsgeo.workflows.centring import member_source
from wsgeo.workflows.file_names import file_name
from wsgeo.workflows.start_encoders import start_weights
from wsgeo.workflows.start_folders import HEAD_NOTE, write_carded
from wsgeo.workflows.start_rounds import Cell, Rounds


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
        place = rounds.starts / _folder_name(cell, rounds.bench.settings.method)
        folder = str(rounds.study.base.folder)
        if row is not None and row["start"] != BASE:
            _write(run, Path(out) if out else place, rounds, row, cell, command)
            folder = str(Path(out) if out else place)
        elif row is not None:
            # What was recommended before is so no more.
            shutil.rmtree(place, ignore_errors=True)
        start = None if row is None else row["start"]
        found.append({"target": target, "shots": shots, "start": start, "folder": folder})
    return found


def barriers_inside(run: Run, members: Sequence[str]) -> tuple[list[str], float | None]:
    """Say whether barriers separate members that are averaged; fine-tunings judge the mean.

    Parameters
    ----------
    run : Run
        With its table of pairs.
    members : sequence of str
        Ids.

    Returns
    -------
    notes : list of str
        One sentence, or none where every pair was measured and none is separated.
    gap : float or None
        The largest convexity gap inside, in nats per example; None where none was measured.
    """
    inside = pl.col("a").is_in(members) & pl.col("b").is_in(members)
    pairs = run.table("pairs").filter(inside)
    n = len(members) * (len(members) - 1) // 2
    n_known = pairs.filter(pl.col("convexity_gap").is_not_null()).height
    n_apart = pairs.filter(pl.col("status").cast(pl.String) == "separated").height
    if n_apart == 0 and n_known == n:
        return [], _largest(pairs)
    told = f"Of {counted(n, 'pair')} of its members {n_apart} {'is' if n_apart == 1 else 'are'} "
    told += (
        f"separated by a barrier, and {n - n_known} {'was' if n - n_known == 1 else 'were'} not "
    )
    told += "measured."
    gap = _largest(pairs)
    words = (
        "" if gap is None else f" The largest convexity gap inside is {gap:.4g} nats per example."
    )
    return [told + words], gap


def _largest(pairs: pl.DataFrame) -> float | None:
    gap = pairs["convexity_gap"].drop_nulls().drop_nans().max()
    return float(gap) if isinstance(gap, float) else None


def _folder_name(cell: Cell, method: str) -> str:
    """Return a name that no other cell has: two dashes stand in no target's name of a file."""
    target, shots = cell.ranking.target, cell.ranking.shots
    name = file_name(target.name)
    parts = [f"chosen-{name}", *([] if name == target.name else [target.key])]
    parts += [] if shots is None else [f"{shots}-shots"]
    return "--".join([*parts, *([] if method == "full" else [method])])


def _row(run: Run, target: str, shots: int | None, method: str) -> dict[str, Any] | None:
    """Return the gain of the chosen start; None where nothing was fine-tuned."""
    same_shots = pl.col("shots").eq_missing(pl.lit(shots, dtype=pl.Int64))
    rows = run.table("gains").filter(
        pl.col("target") == target, same_shots, pl.col("method") == method, pl.col("is_chosen")
    )
    return rows.row(0, named=True) if rows.height else None


def _write(
    run: Run,
    folder: Path,
    rounds: Rounds,
    row: dict[str, Any],
    cell: Cell,
    command: Sequence[str],
) -> None:
    chosen = next(one for one in cell.tried if one.name == row["start"])
    study, members = rounds.study, chosen.members
    barriers, gap = barriers_inside(run, chosen.ids)
    shots = "all examples" if row["shots"] is None else counted(row["shots"], "example")
    told = (
        f"Chosen as the start of fine-tunings ({row['method']}, {shots}) on {row['target']}: "
        f"{gain_words(row)} over the base, {counted(row['n'], 'seed')}."
    )
    plan = CentroidPlan(
        chosen.name, chosen.level or chosen.kind, chosen.name.removeprefix(f"{chosen.kind} of "),
        Variant.ENCODERS, chosen.ids, chosen.weights,
    )  # fmt: skip
    origin = Origin(
        plan,
        Evidence(
            missing="Its loss is not measured: it has no head. What counts is what it gains.",
            largest_gap_inside=gap,
        ),
        sources={member.id: member_source(member) for member in members},
        hashes={member.id: member.content_hash for member in members},
        base=study.base.id,
        command=tuple(command),
        notes=(told, *barriers, HEAD_NOTE),
    )
    weights = start_weights(members, chosen.weights, study.base, study.frame)
    write_carded(folder, weights, study.frame, study.tokenizer, origin)
