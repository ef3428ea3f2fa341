"""The graph and tables of a run in formats that other tools open."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.escapes import csv_text
from wsgeo.files import replacing
from wsgeo.graph.connectivity import connectivity_graph
from wsgeo.graph.exports import export as write_graph
from wsgeo.store import TABLES, Run, open_run

if TYPE_CHECKING:
    from wsgeo.workflows.group_results import GroupResult


def write_graphs(run: Run, groups: Sequence[GroupResult]) -> None:
    """Write the connectivity graph of each loss group into the run.

    Parameters
    ----------
    run : Run
        The run folder.
    groups : sequence of GroupResult
        The groups, the largest first: it goes to ``graph/``, the others to ``graph/<name>/``.
    """
    models = run.table("models")
    for i, group in enumerate(groups):
        folder = run.subfolder("graph" if i == 0 else f"graph/{group.name}")
        write_graph(connectivity_graph(group.pairs, group.clusters, models=models), folder)


def export(run: str | Path, kind: str, out: str | Path) -> list[Path]:
    """Write what a run found in another format.

    Parameters
    ----------
    run : str or Path
        A run folder.
    kind : str
        ``graphml``, ``gexf`` or ``json`` for the graph; ``csv`` for every table; ``mergekit`` for
        the recipes of its centroids.
    out : str or Path
        Folder to write to; made when absent.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    StoreError
        If the folder holds no run.
    WsgeoError
        If the run has nothing of this kind.
    """
    found, folder = open_run(Path(run)), Path(out)
    files = KINDS[kind](found)
    if not files:
        raise WsgeoError(
            f"the run has nothing to export as {kind}",
            where=str(run),
            remedy="Scan with --data." if kind != "mergekit" else "Save a centroid first.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in files.items():
        with replacing(folder / name) as temporary:
            write(temporary)
    return [folder / name for name in files]


Writers = dict[str, Callable[[Path], object]]


def _graphs(suffix: str) -> Callable[[Run], Writers]:
    def collect(run: Run) -> Writers:
        root = run.folder / "graph"
        paths = sorted(root.rglob(f"connectivity.{suffix}")) if root.is_dir() else []
        return {_flat(path.relative_to(root)): _copier(path) for path in paths}

    return collect


def _tables(run: Run) -> Writers:
    frames = {name: run.table(name) for name in TABLES}
    return {f"{n}.csv": _csv_writer(frame) for n, frame in frames.items() if not frame.is_empty()}


def _recipes(run: Run) -> Writers:
    centroids = run.table("centroids").filter(pl.col("status") == "written")
    paths = {
        name: Path(folder) / "mergekit.yml"
        for name, folder in centroids.select("name", "folder").iter_rows()
    }
    return {f"{name}.yml": _copier(path) for name, path in paths.items() if path.is_file()}


KINDS: Final[dict[str, Callable[[Run], Writers]]] = {
    "graphml": _graphs("graphml"),
    "gexf": _graphs("gexf"),
    "json": _graphs("json"),
    "csv": _tables,
    "mergekit": _recipes,
}


def _flat(path: Path) -> str:
    return "-".join(path.parts)


def _copier(source: Path) -> Callable[[Path], object]:
    return lambda target: shutil.copyfile(source, target)


def _csv_writer(frame: pl.DataFrame) -> Callable[[Path], object]:
    return lambda target: _flattened(frame).write_csv(target)


def _flattened(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with lists as JSON text, and no text that a spreadsheet would compute."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    return frame.with_columns(
        *(pl.col(name).map_elements(_json, return_dtype=pl.String) for name in lists),
        *(pl.col(name).map_elements(csv_text, return_dtype=pl.String) for name in texts),
    )


def _json(values: pl.Series) -> str:
    return json.dumps(values.to_list())
