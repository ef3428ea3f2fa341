"""Parquet tables that carry the version of their schema."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from wsgeo.errors import StoreError
from wsgeo.files import replacing
from wsgeo.graph.tables import (
    ASSOCIATIONS,
    CLUSTERINGS,
    CLUSTERS,
    CONTINGENCY,
    EMBEDDING,
    MERGE_TREE,
    NULLS,
)
from wsgeo.paths.tables import PAIRS, PROFILES
from wsgeo.probing.tables import (
    AGREEMENTS,
    ATTRIBUTIONS,
    CONTRASTS,
    COORDINATES,
    PLACEMENTS,
    PREDICTIONS,
    PREDICTORS,
    PROBES,
    PROFILE,
    RIDGE_EXAMPLES,
    SCORES,
    SLICE_PROFILES,
)
from wsgeo.regions.region_tables import (
    REGION_COUNTS,
    REGION_CURVES,
    REGION_MEMBERS,
    REGION_ORDERS,
    REGION_POINTS,
    REGION_SCORES,
    REGIONS,
    STARS,
)
from wsgeo.regions.start_tables import GAINS, STARTS, TRIALS
from wsgeo.regions.tables import CENTROID_LAYERS, CENTROIDS
from wsgeo.zoo.axes import SETTINGS
from wsgeo.zoo.tables import EXCLUSIONS, MODELS

DISTANCES: Final = pl.Schema(
    {
        "a": pl.String, "b": pl.String,  # checkpoint ids, a < b, of one geometry group
        "l2": pl.Float64,  # Euclidean distance of the weights, heads left out
        "cosine": pl.Float64,  # of the task vectors, in [-1, 1]; null without a base
    }
)  # fmt: skip
"""One row per pair of a geometry group, whether its barrier was measured or not."""

LAYERS: Final = pl.Schema(
    {
        "a": pl.String, "b": pl.String,  # checkpoint ids, a < b, of one geometry group
        "layer": pl.String,  # embeddings, layer 0 and so on, rest
        "position": pl.Int64,  # of the layer in the model, from 0
        "l2": pl.Float64,  # Euclidean distance of the layer's weights
        "cosine": pl.Float64,  # of its task vectors, in [-1, 1]; null without a base
    }
)  # fmt: skip
"""One row per layer and pair of a geometry group."""

NORMS: Final = pl.Schema(
    {
        "id": pl.String,
        "task_vector_norm": pl.Float64,  # of the weights less the base's, heads left out, or null
    }
)
"""Columns that the geometry adds to the table of models."""

GROUPED: Final[Mapping[str, pl.Schema]] = {
    "distances": DISTANCES,
    "layers": LAYERS,
    "pairs": PAIRS,
    "profiles": PROFILES,
    "clusters": CLUSTERS,
    "clusterings": CLUSTERINGS,
    "nulls": NULLS,
    "embedding": EMBEDDING,
    "merge_tree": MERGE_TREE,
    "associations": ASSOCIATIONS,
    "contingency": CONTINGENCY,
    "probes": PROBES,
    "agreements": AGREEMENTS,
    "strategies": PROFILE,
    "contrasts": CONTRASTS,
    "coordinates": COORDINATES,
    "predictors": PREDICTORS,
    "slice_profiles": SLICE_PROFILES,
    "attributions": ATTRIBUTIONS,
    "ridge_examples": RIDGE_EXAMPLES,
    "placements": PLACEMENTS,
    "predictions": PREDICTIONS,
    "regions": REGIONS,
    "region_members": REGION_MEMBERS,
    "region_scores": REGION_SCORES,
    "region_counts": REGION_COUNTS,
    "region_points": REGION_POINTS,
    "region_orders": REGION_ORDERS,
    "region_curves": REGION_CURVES,
    "stars": STARS,
}


def _with_group(schema: pl.Schema) -> pl.Schema:
    return pl.Schema([("group", pl.String()), *schema.items()])


TABLES: Final[Mapping[str, pl.Schema]] = {
    "models": pl.Schema({**MODELS, "task_vector_norm": NORMS["task_vector_norm"]}),
    "exclusions": EXCLUSIONS,
    "settings": SETTINGS,
    # A run holds several groups of members; each row says which it belongs to.
    **{name: _with_group(schema) for name, schema in GROUPED.items()},
    "scores": SCORES,
    "centroids": CENTROIDS,
    "centroid_layers": CENTROID_LAYERS,
    "starts": STARTS,
    "trials": TRIALS,
    "gains": GAINS,
}
"""Name and least columns of each table of a run; `docs/formats.md` gives their units."""

VERSION: Final = 1
"""Version of a schema that has never changed."""

VERSIONS: Final = {
    "associations": 2, "centroids": 2, "clusters": 2, "contingency": 2, "models": 3, "pairs": 2,
    "scores": 2, "trials": 2,
}  # fmt: skip
"""Versions of those that have; each added columns, which read as null in a table of an earlier one."""

_KEY: Final = "wsgeo.schema"


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one table of a run, whole or not at all.

    Parameters
    ----------
    folder : Path
        The ``tables`` folder of the run.
    name : str
        Name of the table.
    frame : polars.DataFrame
        Its rows; the columns of the schema must be there, others may be.

    Raises
    ------
    ValueError
        If a column of the schema is missing or has another type.
    """
    for column, kind in TABLES[name].items():
        if frame.schema.get(column) != kind:
            raise ValueError(f"{name}.{column} is {frame.schema.get(column)}, not {kind}.")
    content = io.BytesIO()
    frame.write_parquet(content, metadata={_KEY: f"{name}/{_version(name)}"})
    # Written here and not by polars, so that a full disk is the system's error and not one of its.
    with replacing(folder / f"{name}.parquet") as temporary:
        temporary.write_bytes(content.getbuffer())


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read one table of a run; a table that was never written is empty.

    Parameters
    ----------
    folder : Path
        The ``tables`` folder of the run.
    name : str
        Name of the table.

    Returns
    -------
    polars.DataFrame
        Its rows.

    Raises
    ------
    StoreError
        If the file is unreadable, or its schema is of a later version.
    """
    path = folder / f"{name}.parquet"
    if not path.exists():
        return pl.DataFrame(schema=TABLES[name])
    try:
        written = pl.read_parquet_metadata(path).get(_KEY, "")
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        cause = str(error).splitlines()[0]
        raise StoreError(
            f"the table cannot be read ({cause})", where=str(path), remedy="Scan again."
        ) from error
    _check_version(path, name, written)
    absent = {column: kind for column, kind in TABLES[name].items() if column not in frame.columns}
    if _number(written) < _version(name):
        frame = frame.with_columns(pl.lit(None, kind).alias(c) for c, kind in absent.items())
    return frame


def _version(name: str) -> int:
    return VERSIONS.get(name, VERSION)


def _number(written: str) -> int:
    return int(written.rpartition("/")[2])


def _check_version(path: Path, name: str, written: str) -> None:
    kind, _, version = written.partition("/")
    if kind != name or not version.isdigit() or int(version) > _version(name):
        raise StoreError(
            f"the table says {written!r}, this wsgeo reads {name}/{_version(name)}",
            where=str(path),
            remedy="Use a newer wsgeo, or scan again.",
        )
