"""Draw docs/images/published_hans.png from the published accuracies of 100 models.

uv run python docs/make_published_figure.py berts_of_a_feather_accuracies_by_run.csv
"""

import struct
import sys
import zlib
from pathlib import Path

import polars as pl
import vl_convert
from spreads_chart import spreads_chart

from wsgeo.probing.score_files import GivenScores, read_scores
from wsgeo.probing.score_groups import finest_slices

FIGURE = Path(__file__).parent / "images" / "published_hans.png"
COLOURS = {"g0": "#2a6fbb", "ink": "#1a1a1a", "muted": "#555555"}


def rows(given: GivenScores) -> pl.DataFrame:
    """Return what the chart shows: the finest slices, those that vary most first in their panel."""
    measured = given.scores.filter(pl.col("outcome") == "measured")
    keys = finest_slices(list(measured.select("set", "slice").unique().iter_rows()))
    kept = pl.DataFrame(sorted(keys), schema=["set", "slice"], orient="row")
    table = measured.join(kept, on=["set", "slice"]).with_columns(
        level=pl.col("slice").str.split("/")
    )
    own = pl.col("set") == (given.in_domain or ("",))[0]
    heuristic = pl.col("level").list.get(0).str.replace_all("_", " ")
    name = pl.col("level").list.last().str.replace(r"^[lsc][en]_", "").str.replace_all("_", " ")
    key = ["set", "slice"]
    table = table.with_columns(
        part=pl.when(own)
        .then(pl.lit("the models' own task"))
        .otherwise(heuristic + ", " + pl.col("level").list.get(1, null_on_oob=True)),
        name=pl.when(own).then(pl.col("set")).otherwise(name),
        order=-(pl.col("metric").max() - pl.col("metric").min()).over(key),
        mean=pl.col("metric").mean().over(key),
        range=_range(pl.col("metric").min().over(key), pl.col("metric").max().over(key)),
    )
    place = {part: i for i, part in enumerate(panels(table))}
    table = table.with_columns(part_order=pl.col("part").replace_strict(place))
    first = pl.struct(key).is_first_distinct()
    return table.with_columns(pl.when(first).then("mean").alias("mean")).select(
        "part", "part_order", "name", "order", "metric", "mean", "range"
    )


def _range(low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """Return the lowest and the highest score as text."""
    low, high = (100 * low).round(1), (100 * high).round(1)
    return (
        pl.when(low == high)
        .then(pl.format("{} %", low))
        .otherwise(pl.format("{} to {} %", low, high))
    )


def panels(table: pl.DataFrame) -> list[str]:
    """Return the panels in order: the own task, then non-entailment, then entailment."""
    found = table["part"].unique(maintain_order=True).to_list()
    return sorted(found, key=lambda part: (", " in part, part.endswith(", entailment")))


def draw(table: pl.DataFrame) -> bytes:
    """Return the figure as PNG."""
    spec = spreads_chart().to_dict()
    for param in spec["params"]:
        param["value"] = COLOURS.get(param["name"], param.get("value"))
    spec["datasets"] = {"spreads": table.to_dicts()}
    spec["background"] = "white"
    spec["config"] = {"view": {"stroke": None}, "axis": {"labelFontSize": 11}}
    return packed(vl_convert.vegalite_to_png(spec, scale=1.5))


def packed(png: bytes) -> bytes:
    """Return the same picture in a smaller file: vl-convert packs a page of white at twice the size."""
    chunks, at = [], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : end - 4]))
        at = end
    pixels = zlib.compress(zlib.decompress(b"".join(d for k, d in chunks if k == b"IDAT")), 9)
    kept = [(kind, data) for kind, data in chunks if kind != b"IDAT"]
    kept.insert(-1, (b"IDAT", pixels))
    return png[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in kept
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    FIGURE.write_bytes(draw(rows(read_scores(sys.argv[1]))))
