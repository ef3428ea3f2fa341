"""What a run keeps of a choice of a start: its tables, how they were measured, what is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from wsgeo.regions.differences import SETTING, Setting
from wsgeo.regions.gains import gains
from wsgeo.regions.start_words import start_sentences, transfer_table
from wsgeo.regions.stopping import planned_looks
from wsgeo.store import Run
from wsgeo.workflows.start_folders import HEAD_NOTE
from wsgeo.workflows.start_rounds import Cell, Rounds
from wsgeo.workflows.start_settings import StartSettings
from wsgeo.workflows.start_studies import Study
from wsgeo.workflows.start_trials import LOST

_REFERENCES: Final = ("agresti2005", "bao2019", "gueta2023", "ibrahim2021", "you2021")
_RECIPE: Final = ("steps", "epochs", "batch_size", "seed", "learning_rate", "max_length")

Row: TypeAlias = dict[str, Any]


def write_tables(
    run: Run, study: Study, settings: StartSettings, cells: Sequence[Cell], rounds: Rounds
) -> None:
    """Write the three tables; rows of other targets, shots and methods stay.

    Parameters
    ----------
    run : Run
        Which also notes how the fine-tunings were measured.
    study : Study
        Targets of this call.
    settings : StartSettings
        How starts were tried.
    cells : sequence of Cell
        What was ranked.
    rounds : Rounds
        What was fine-tuned.
    """
    _note_measured(run, study, settings, rounds)
    starts = pl.concat([cell.ranking.table(cell.tried) for cell in cells])
    for name, frame, keys in (
        ("starts", starts, list(SETTING[:2])),
        ("trials", rounds.trials, list(SETTING)),
    ):
        here = frame.select(keys).unique()
        others = run.table(name).join(here, on=keys, how="anti", nulls_equal=True)
        if name == "trials":  # of an earlier version: without answers they would prove too much
            others = others.filter(pl.col("right").is_not_null() | pl.col("status").is_in(LOST))
        run.write_table(name, pl.concat([others, frame], how="diagonal"))
    known = _measured(run)
    found = gains(
        run.table("trials"), run.table("starts"),
        looks={setting: row["looks"] for setting, row in known.items()},
        apart=settings_apart(run),
    )  # fmt: skip
    run.write_table("gains", found)


def settings_apart(run: Run) -> list[Setting]:
    """Return what was fine-tuned by another recipe than the last of so many shots and its method.

    Parameters
    ----------
    run : Run
        With tables of a choice.

    Returns
    -------
    list of (target, shots, method)
        Whose gains are no part of a mean over targets.
    """
    known = _measured(run)
    last = {setting[1:]: row["recipe"] for setting, row in known.items()}
    return [setting for setting, row in known.items() if row["recipe"] != last[setting[1:]]]


def keep_answer(run: Run, study: Study, settings: StartSettings, answer: Mapping[str, Any]) -> None:
    """Note in the run what the report says of starts; what earlier calls found of others stays.

    Parameters
    ----------
    run : Run
        With the tables of the choice.
    study : Study
        Of this call.
    settings : StartSettings
        How starts were tried.
    answer : mapping
        What `wsgeo.workflows.selecting.select` returns: ``targets``, ``chosen``, ``notes``.
    """
    facts = run.read("run")
    before = facts.get("starts", {})
    tables = {name: run.table(name) for name in ("gains", "starts", "trials")}
    told = {
        **before,
        "sentences": list(start_sentences(**tables, apart=settings_apart(run))),
        "table": transfer_table(tables["gains"]).to_dicts(),
        "targets": _renewed(before.get("targets", []), answer["targets"], ("name",)),
        "chosen": _renewed(before.get("chosen", []), answer["chosen"], SETTING),
        "notes": answer["notes"],
        "head": HEAD_NOTE,
        "settings": _settings(study, settings),
    }
    references = sorted({*facts.get("references", []), *_REFERENCES})
    run.write("run", {**facts, "starts": told, "references": references})


def _renewed(before: Sequence[Row], now: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """Return the rows of now, after those of before that none of them replaces."""
    new = {tuple(row[key] for key in keys) for row in now}
    return [*(row for row in before if tuple(row.get(key) for key in keys) not in new), *now]


def _settings(study: Study, settings: StartSettings) -> Row:
    """Return what was asked for, with what the members decided in place of what was left open."""
    own = {**dataclasses.asdict(settings), "shots": list(settings.shots)}
    return own | dataclasses.asdict(study.tuning)


def _measured(run: Run) -> dict[Setting, Row]:
    """Return how each setting was measured, the last one last."""
    rows = run.read("run").get("starts", {}).get("measured", [])
    return {(row["target"], row["shots"], row["method"]): row for row in rows}


def _note_measured(run: Run, study: Study, settings: StartSettings, rounds: Rounds) -> None:
    """Note looks and recipe of what this call fine-tuned."""
    facts, known = run.read("run"), _measured(run)
    every = _settings(study, settings)
    told = {"recipe": {name: every[name] for name in _RECIPE}}
    for setting in rounds.trials.select(SETTING).unique(maintain_order=True).iter_rows():
        # Whoever asks again with fewer seeds has still had the looks of the first time.
        looks = max(planned_looks(settings.seeds), known.pop(setting, {"looks": 1})["looks"])
        row = dict(zip(SETTING, setting, strict=True))
        known[setting] = {**row, "looks": looks, **told}
    before = facts.get("starts", {})
    run.write("run", {**facts, "starts": {**before, "measured": list(known.values())}})
