"""The regions of a finished run: by data set, by task family, all together, and by basin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl

from wsgeo.graph import cluster
from wsgeo.regions.placing_flags import members_table
from wsgeo.regions.region_groups import Group, regions_table
from wsgeo.regions.region_scores import counts_table, score_traits, scores_table
from wsgeo.regions.region_words import told
from wsgeo.regions.task_vectors import TaskVectors, task_vectors
from wsgeo.regions.traits import Trait, find_traits
from wsgeo.store import Run
from wsgeo.store.tables import TABLES
from wsgeo.workflows.basins import basins_found, basins_of

NAMES: Final = ("regions", "region_members", "region_scores", "region_counts")
"""Tables that are written."""

MANY: Final = 50
"""Members from which on fewer null draws are made: they take half a minute at 200 members."""

_DRAWS, _FEW_DRAWS = 199, 19  # the smallest p-values are 0.005, and 0.05, which still stands out


@final
@dataclass(frozen=True)
class LevelsOutcome:
    """The regions of a run, and how well they are found again.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        `NAMES` with their rows, each with its geometry group.
    sentences : mapping of str to tuple of str
        What was found, by geometry group.
    """

    tables: Mapping[str, pl.DataFrame]
    sentences: Mapping[str, tuple[str, ...]]


def find_levels(
    run: Run, *, dataset_axis: str | None = None, task_axis: str | None = None, seed: int
) -> LevelsOutcome:
    """Group the members of a run into regions and say how well clustering finds them again.

    All is read from the tables of the run; nothing is measured or written, and no weights are
    opened. Members of two bases are in two geometry groups and never compared.

    Parameters
    ----------
    run : Run
        A finished run.
    dataset_axis, task_axis : str, optional
        Settings that name a member's data set and its task family; default the first that the run
        has, see `wsgeo.regions.traits`.
    seed : int
        Seed of permutations and null draws.

    Returns
    -------
    LevelsOutcome
        Tables and sentences.

    Raises
    ------
    DataError
        If a setting that was asked for is not in the run.

    References
    ----------
    [gueta2023]_
    """
    models = run.table("models")
    settings = run.table("settings")
    traits = find_traits(models, settings, dataset_axis=dataset_axis, task_axis=task_axis)
    names = models["geometry_group"].unique(maintain_order=True).to_list()
    streams = np.random.default_rng(seed).spawn(len(names))
    frames: dict[str, list[pl.DataFrame]] = {name: [] for name in NAMES}
    sentences = {}
    for name, rng in zip(names, streams, strict=True):
        found, sentences[name] = _levels(run, name, traits, settings, seed, rng)
        for table, rows in found.items():
            frames[table].append(rows.select(pl.lit(name).alias("group"), pl.all()))
    tables = {
        table: pl.concat([pl.DataFrame(schema=TABLES[table]), *rows])
        for table, rows in frames.items()
    }
    return LevelsOutcome(tables, sentences)


def write_levels(run: Run, levels: LevelsOutcome) -> None:
    """Write the tables of the regions of a run anew.

    Parameters
    ----------
    run : Run
        A finished run, which the caller holds against other writers.
    levels : LevelsOutcome
        What was found in it.
    """
    for table, rows in levels.tables.items():
        run.write_table(table, rows)


def _levels(
    run: Run,
    name: str,
    traits: tuple[Trait, ...],
    settings: pl.DataFrame,
    seed: int,
    rng: np.random.Generator,
) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """Return the tables of one geometry group, and what they say."""
    models = run.table("models").filter(geometry_group=name)
    distances = run.table("distances").filter(group=name)
    distinct = models.filter(pl.col("duplicate_of").is_null())
    group = _group(run, distinct, task_vectors(distinct, distances), traits)
    scored = score_traits(group.vectors, traits, _found(run, name, group.vectors, seed), rng=rng)
    dataset_of = next((one.value_of for one in traits if one.level == "dataset"), {})
    members = members_table(group.vectors, dataset_of)
    tables = {
        "regions": regions_table(group),
        "region_members": _with_copies(_with_gate(members, group.failed), models),
        "region_scores": scores_table(scored),
        "region_counts": counts_table(scored, settings),
    }
    return tables, told(group, scored, members)


def _group(
    run: Run, models: pl.DataFrame, vectors: TaskVectors, traits: tuple[Trait, ...]
) -> Group:
    failed = models.filter(~pl.col("gate").fill_null(value=True))["id"]
    losses = models.drop_nulls("loss_group")
    names = losses["loss_group"].unique(maintain_order=True)
    basins = {name: basins_of(run, name) for name in names if basins_found(run, name)}
    loss_group = dict(losses.select("id", "loss_group").iter_rows())
    return Group(vectors, traits, basins, frozenset(failed), loss_group)


def _found(run: Run, group: str, vectors: TaskVectors, seed: int) -> dict[str, int]:
    """Return the clusters of task vectors that the run shows, or those of an estimated base."""
    if not vectors.has_directions:
        return {}
    if vectors.estimated:
        n_draws = _DRAWS if len(vectors.ids) < MANY else _FEW_DRAWS
        found = cluster(
            1 - vectors.cosine,
            vectors.ids,
            name="task_vector",
            seed=seed,
            n_draws=n_draws,
            umap=False,
        )
        return found.label_of()
    rows = run.table("clusters").filter(pl.col("is_default"), group=group, matrix="task_vector")
    return dict(rows.select("id", "label").iter_rows())


def _with_gate(members: pl.DataFrame, failed: frozenset[str]) -> pl.DataFrame:
    """Return the members with a note on those that are in no region."""
    said = "Failed the end-point gate, and is in no region."
    with_note = pl.concat_str(pl.lit(said), pl.col("note"), separator=" ", ignore_nulls=True)
    is_failed = pl.col("id").is_in(sorted(failed))
    return members.with_columns(note=pl.when(is_failed).then(with_note).otherwise("note"))


def _with_copies(members: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Return all members in the order of the models, a copy with the figures of its original."""
    every = models.select("id", original=pl.coalesce("duplicate_of", "id"))
    joined = every.join(
        members.rename({"id": "original"}), on="original", how="left", maintain_order="left"
    )
    said = pl.format("A copy of {}, counted once.", "original")
    is_copy = pl.col("original") != pl.col("id")
    note = pl.when(is_copy).then(said).otherwise("note")
    return joined.with_columns(note=note).select(members.columns)
