"""What the answers of members say of basins: tables and sentences made from those of a run.

Nothing is evaluated here, so every verb that changes the answers or the basins can call it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.graph.matrices import square
from wsgeo.probing import (
    Strategies,
    basin_coordinate,
    basin_profile,
    headlines,
    hold_out,
    predictors,
    ridge_sentences,
)
from wsgeo.probing.homogeneity import widest_spread
from wsgeo.probing.probe_findings import probe_sentences
from wsgeo.probing.probes import MEANINGS
from wsgeo.probing.tables import COORDINATES
from wsgeo.store import Run
from wsgeo.suggestions import suggestion
from wsgeo.workflows.basins import basins_found, basins_of, tau_of, unfit_members

Matrix = NDArray[np.float64]

DERIVED: Final = (
    "strategies", "contrasts", "coordinates", "predictors", "placements", "predictions",
)  # fmt: skip
"""Tables that are made from those of answers and basins."""

_DISTANCES = ("convexity_gap", "barrier_height", "area", "l2")


@final
@dataclass(frozen=True)
class Comparison:
    """What the answers of one loss group say of its basins.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By name of the run's table.
    sentences, headlines : tuple of str
        How basins differ, slice by slice, and the same in few words.
    behaviour : tuple of str
        What members' answers to their own task depend on.
    ridges : tuple of str
        Which examples make the ridges between basins.
    held_out : str
        How well members are placed and predicted by the others; empty where that cannot be said.
    by : tuple of str
        How the values of a setting of training differ, if that was asked for.
    better : int or None
        Which of the two largest basins is right more often where they differ.
    """

    tables: Mapping[str, pl.DataFrame]
    sentences: tuple[str, ...]
    headlines: tuple[str, ...]
    behaviour: tuple[str, ...]
    ridges: tuple[str, ...]
    held_out: str
    by: tuple[str, ...]
    better: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return what ``run.json`` keeps of it: what is no table."""
        facts = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in {"tables", "by"}
        }
        return {name: list(v) if isinstance(v, tuple) else v for name, v in facts.items()}


def compare_basins(
    run: Run, by: str | None = None, sets: Sequence[str] | None = None
) -> dict[str, Comparison]:
    """Compare the basins of every loss group on what was scored, and write it into the run.

    Parameters
    ----------
    run : Run
        A finished run.
    by : str, optional
        A setting of training whose values are compared too.
    sets : sequence of str, optional
        Diagnostic sets to compare on: the correction is over their slices, so that a set that
        nobody asks for now costs no evidence. Default those of the last comparison, else all.

    Returns
    -------
    dict of str to Comparison
        By loss group, the largest first; groups without scores are left out.

    Raises
    ------
    WsgeoError
        If the run knows no such setting.
    """
    names = [found["name"] for found in run.read("summary").get("groups", [])]
    facts = run.read("run")
    sets = sets if sets is not None else facts.get("diagnosis", {}).get("sets")
    found = {name: one for name in names if (one := compare(run, name, by, sets)) is not None}
    if not found and not facts.pop("diagnosis", {}):
        return {}
    _write(run, found)
    groups = {
        name: {**one.as_dict(), "by": {by: list(one.by)} if by else {}}
        for name, one in found.items()
    }
    meanings = {name: list(meaning) for name, meaning in MEANINGS.items()}
    told = {
        "groups": groups,
        "probe_meanings": meanings,
        "sets": None if sets is None else list(sets),
    }
    run.write("run", {**facts, "diagnosis": told})
    return found


def check_setting(run: Run, by: str) -> None:
    """Refuse a setting in which members do not differ, before anything is evaluated.

    Parameters
    ----------
    run : Run
        A finished run.
    by : str
        Name of a setting of training.

    Raises
    ------
    WsgeoError
        If the run knows no such setting; the nearest name is suggested.
    """
    if by not in (known := run.table("settings")["axis"].unique().to_list()):
        raise WsgeoError(
            f"members do not differ in a setting called {by!r}",
            where=str(run.folder),
            remedy=suggestion(by, known) if known else "None is known: see `wsgeo check`.",
        )


def compare(
    run: Run, group: str, by: str | None = None, sets: Sequence[str] | None = None
) -> Comparison | None:
    """Compare the basins of one loss group, and write nothing.

    Parameters
    ----------
    run : Run
        A finished run.
    group : str
        Name of the loss group.
    by : str, optional
        A setting of training whose values are compared too.
    sets : sequence of str, optional
        Diagnostic sets to compare on; default all that were scored.

    Returns
    -------
    Comparison or None
        None where nothing was scored.
    """
    models = run.table("models").filter(pl.col("loss_group") == group)
    scores = run.table("scores").filter(pl.col("id").is_in(models["id"].to_list()))
    if sets is not None:
        scores = scores.filter(pl.col("set").is_in(list(sets)))
    if scores.is_empty():
        return None
    labels, unfit, found = (
        basins_of(run, group),
        unfit_members(run, group),
        basins_found(run, group),
    )
    ids, basins = list(labels), np.array(list(labels.values()), np.int64)
    rng, matrices = np.random.default_rng(_seed(run)), _matrices(run, group, ids)
    places = basin_coordinate(matrices["convexity_gap"], basins)
    coordinate = {one: float(x) for one, x in zip(ids, places, strict=True) if np.isfinite(x)}
    strategies = basin_profile(scores, labels, rng=rng, coordinate=coordinate, excluded=unfit)
    fit = [one for one in ids if one not in unfit]
    evidence = scores.filter(pl.col("id").is_in(fit))
    held = hold_out(
        matrices["convexity_gap"], ids, basins.tolist() if found else [-1] * len(ids),
        evidence, tau=tau_of(run, group), hashes=dict(models.select("id", "content_hash").iter_rows()),
    )  # fmt: skip
    return Comparison(
        {
            "strategies": strategies.profile,
            "contrasts": strategies.contrasts,
            "coordinates": pl.DataFrame(list(coordinate.items()), schema=COORDINATES, orient="row"),
            "predictors": predictors(
                _matrices(run, group, fit),
                fit,
                evidence,
                {one: labels[one] for one in fit},
                rng=rng,
            ),
            "placements": held.placements,
            "predictions": held.predictions,
        },
        _sentences(strategies, evidence, fit, found),
        headlines(strategies) if found else (),
        probe_sentences(run.table("probes").filter(pl.col("group") == group)),
        _ridges(run, group, labels, sets),
        held.sentence,
        _by(run, scores, unfit, by, rng) if by else (),
        strategies.better,
    )


def _write(run: Run, found: Mapping[str, Comparison]) -> None:
    """Write the tables of all groups; of models that were placed the rows stay."""
    for name in DERIVED:
        table = run.table(name)
        kept = table.filter(~pl.col("held_out")) if "held_out" in table.columns else table.clear()
        own = [
            one.tables[name].select(pl.lit(group).alias("group"), pl.all())
            for group, one in found.items()
        ]
        run.write_table(name, pl.concat([kept, *own], how="diagonal"))


def _sentences(
    strategies: Strategies, scores: pl.DataFrame, ids: Sequence[str], found: bool
) -> tuple[str, ...]:
    """Return what differs between basins; where none are compared, how members differ."""
    if strategies.contrasts.height:
        return strategies.sentences
    first, *others = strategies.sentences
    spread = widest_spread(scores, ids)
    why = first if found else "No basins were found: no strategies to compare."
    return (why, *([spread] if spread else []), *others)


def _matrices(run: Run, group: str, ids: Sequence[str]) -> dict[str, Matrix]:
    """Return the distances between members that a run knows."""
    pairs = run.table("pairs").filter(pl.col("group") == group)
    found = {name: square(pairs, ids, name) for name in _DISTANCES}
    if pairs["cosine"].count():
        found["cosine"] = 1.0 - square(pairs, ids, "cosine")
        np.fill_diagonal(found["cosine"], 0.0)
    alike = run.table("agreements").filter(pl.col("group") == group)
    if alike.height:
        found["jensen_shannon"] = square(alike, ids, "jensen_shannon")
    return found


def _ridges(
    run: Run, group: str, labels: Mapping[str, int], sets: Sequence[str] | None
) -> tuple[str, ...]:
    """Say what lines between basins show, on the task and on the sets that are compared."""
    task = next(
        (data["task"] for data in run.read("run").get("data", []) if data["group"] == group), None
    )
    mine = pl.col("group") == group
    if sets is not None:
        mine &= pl.col("set").is_in([*sets, *([task] if task else [])])
    attributions, profiles = (
        run.table(name).filter(mine) for name in ("attributions", "slice_profiles")
    )
    return ridge_sentences(attributions, profiles, labels, task=task)


def _by(
    run: Run, scores: pl.DataFrame, unfit: Mapping[str, str], by: str, rng: np.random.Generator
) -> tuple[str, ...]:
    """Compare the values of a setting of training as if they were basins."""
    check_setting(run, by)
    settings = run.table("settings")
    copies = run.table("models").drop_nulls("duplicate_of")["id"].to_list()
    mine = pl.col("id").is_in(scores["id"].to_list()) & ~pl.col("id").is_in(copies)
    own = settings.filter(mine, pl.col("axis") == by)
    values = own.sort("number", "value")["value"].unique(maintain_order=True).to_list()
    labels = {name: values.index(value) for name, value in own.select("id", "value").iter_rows()}
    names = {k: f"{by} {value}" for k, value in enumerate(values)}
    return headlines(basin_profile(scores, labels, rng=rng, excluded=unfit, names=names))


def _seed(run: Run) -> int:
    return int(run.read("run")["settings"]["seed"])
