"""``wsgeo cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("cluster")
@click.argument("run", type=options.existing_folder, required=False)
@click.option(
    "--matrix",
    type=click.Path(path_type=Path),
    help="Distance matrix (.csv, .tsv, .parquet): ids in the first column and in the header.",
)
@click.option("--group", help="Loss group of the run.  [default: the largest]")
@click.option("--similarity", is_flag=True, help="The matrix holds cosines or the like, 1 - d.")
@click.option(
    "--tau",
    type=click.FloatRange(0),
    help="Distance that still counts as connected: for the status of pairs and the components; from "
    "four members on it does not decide the basins.",
)
@click.option(
    "--draws",
    type=click.IntRange(20),
    default=200,
    show_default=True,
    help="Draws from each kind of noise; the smallest p-value is 1 / (draws + 1).",
)
@options.seed
@options.out
@options.as_json
def command(
    run: Path | None,
    matrix: Path | None,
    group: str | None,
    similarity: bool,
    tau: float | None,
    draws: int,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Cluster the gaps of RUN again, or any distance matrix, with null tests.

    Members are put into basins only if the best split stands out from the best split of matrices
    in which there is nothing to find. An empty cell is a missing pair.
    """
    from wsgeo.commands.console import answer, answer_json
    from wsgeo.workflows.clustering import cluster

    if (run is None) == (matrix is None):
        raise click.UsageError("Give a run folder, or a file with --matrix.")
    summary = cluster(
        run,
        matrix=matrix,
        group=group,
        similarity=similarity,
        seed=seed,
        n_draws=draws,
        tau="auto" if tau is None else tau,
        out=out,
    )
    if as_json:
        answer_json(summary)
    else:
        answer(_page(summary, out))


def _page(summary: dict[str, Any], out: Path | None) -> list[str]:
    """Return the clustering as lines: verdict, basins, reasons."""
    lines = [summary["verdict"], ""]
    groups: dict[int, list[str]] = {}
    for member, label in sorted(summary["labels"].items(), key=lambda pair: pair[1]):
        groups.setdefault(label, []).append(member)
    unplaced = set(summary["not_placed"])
    for label, members in groups.items():
        name = f"basin {label}" if summary["n_basins"] > 1 else "all"
        kept = [member for member in members if member not in unplaced]
        if kept:
            lines.append(f"  {name if label >= 0 else 'noise'} ({len(kept)}): {', '.join(kept)}")
    lines += ["", *(f"  {reason}" for reason in summary["reasons"])]
    if out is not None:
        lines += ["", f"Written to {out}"]
    return lines
