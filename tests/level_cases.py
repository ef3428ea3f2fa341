"""Planted task vectors, and run folders that hold their tables as a scan would have left them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from wsgeo.regions.task_vectors import TaskVectors
from wsgeo.store import TABLES, Run, create_run
from wsgeo.weights.geometry import cosines, distances
from wsgeo.workflows.recording import GATES

DATASETS = [f"d{k // 4}" for k in range(24)]
FAMILIES = [f"f{k // 8}" for k in range(24)]


def planted(*traits, rng, strength=1.0, size=600):
    """Return task vectors that share a direction with those of the same value of each trait."""
    vectors = rng.standard_normal((len(traits[0]), size))
    for values in traits:
        direction = {one: rng.standard_normal(size) for one in dict.fromkeys(values)}
        vectors += strength * np.array([direction[one] for one in values])
    return vectors


def seen(vectors, ids=None):
    """Return task vectors as the code under test takes them."""
    gram = vectors @ vectors.T
    ids = tuple(ids or (f"m{k:03d}" for k in range(len(vectors))))
    return TaskVectors(ids, distances(gram), cosines(gram), np.sqrt(np.diag(gram)))


def tables(vectors, *, group="g0", has_base=True, prefix="m", **models):
    """Return models and distances of one geometry group; ``models`` holds further columns."""
    one = seen(vectors, [f"{prefix}{k:03d}" for k in range(len(vectors))])
    columns = {
        "id": list(one.ids),
        "geometry_group": [group] * len(vectors),
        "loss_group": [f"{group}.l0"] * len(vectors),
        "gate": [True] * len(vectors),
        "task_vector_norm": one.norms.tolist() if has_base else [None] * len(vectors),
    } | models
    schema = {**TABLES["models"], **GATES}
    given = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    absent = [pl.lit(None, kind).alias(c) for c, kind in schema.items() if c not in columns]
    rows = [
        (group, one.ids[i], one.ids[j], one.l2[i, j], float(one.cosine[i, j]) if has_base else None)
        for i, j in combinations(range(len(vectors)), 2)
    ]
    frame = pl.DataFrame(rows, schema=TABLES["distances"], orient="row")
    return given.with_columns(absent).select(list(schema)), frame.with_columns(
        pl.col("cosine").fill_nan(None)
    )


def settings(ids, **axes):
    """Return the table of settings; a member whose value is None has no row."""
    rows = [
        (name, axis, str(value), None, "zoo.toml")
        for axis, values in axes.items()
        for name, value in zip(ids, values, strict=True)
        if value is not None
    ]
    return pl.DataFrame(rows, schema=TABLES["settings"], orient="row")


def write_run(folder: Path, parts, trained) -> Run:
    """Write models, distances, settings, and one region of task vectors as a finished run."""
    run = create_run(folder)
    models, apart = (pl.concat(frames) for frames in zip(*parts, strict=True))
    with_base = models.drop_nulls("task_vector_norm").select("id", group="geometry_group")
    region = {"matrix": "task_vector", "method": "one_group", "label": 0, "is_default": True}
    clusters = with_base.with_columns(**{name: pl.lit(value) for name, value in region.items()})
    empty = pl.DataFrame(schema=TABLES["clusters"])
    made = {"models": models, "distances": apart, "settings": trained}
    for name, frame in made.items():
        run.write_table(name, frame)
    run.write_table("clusters", pl.concat([empty, clusters], how="diagonal_relaxed"))
    return run
