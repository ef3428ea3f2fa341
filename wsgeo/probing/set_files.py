"""Diagnostic examples from files, in the layouts in which such sets are published.

A file is read by its columns. Beside those that `wsgeo.tasks.read_task` knows, it may have

- ``sentence_good`` and ``sentence_bad``: each row is a minimal pair;
- ``original`` and ``perturbed``: each row is two texts that deserve one answer;
- ``pair`` or ``pair_id``: examples that belong together, which are an invariance set if those of
  each pair have one label or the file has none, and else counterfactual; so has ``group``, but only
  for invariance;
- ``slice``, ``heuristic`` or ``variant`` (``uid``, ``field`` or ``term`` of minimal pairs), and
  ``subcase``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import polars as pl

from wsgeo.probing.draws import drawn_rows
from wsgeo.probing.pairs import pair_codes
from wsgeo.probing.set_layouts import GROUP, Layout, layout_of
from wsgeo.tasks.declarations import Kind, SetDeclaration
from wsgeo.tasks.grammar import EXAMPLES
from wsgeo.tasks.readers import check_column, read_table, row_error
from wsgeo.tasks.reading import task_of
from wsgeo.tasks.task import Objective

EVERYTHING = "all"
"""Name of the slice that holds every example."""

MOST = 5000
"""Examples that are drawn of a file that no ``set.toml`` describes."""

_ROW = "\0row"  # numbers the rows while some are chosen; no real column has such a name


@final
@dataclass(frozen=True, eq=False)
class SetFile:
    """What a file of diagnostic examples holds.

    Parameters
    ----------
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    labels : tuple of str
        Label names; none if the file has none.
    kind : Kind
        What is judged.
    overlapping : DataFrame or None
        Slices that share examples, one Boolean column each, aligned to ``examples``.
    told_by : tuple of str
        Columns that told the kind.
    """

    examples: pl.DataFrame
    labels: tuple[str, ...]
    kind: Kind
    overlapping: pl.DataFrame | None
    told_by: tuple[str, ...]

    @property
    def taken_for(self) -> str:
        """What the file was taken for, in words."""
        words = "labelled examples" if self.kind is Kind.LABELLED else self.kind.replace("_", " ")
        by = f" by {' and '.join(self.told_by)}" if self.told_by else ""
        return f"taken for {words}{by}"


def read_set_file(path: str | Path, declared: SetDeclaration | None = None) -> SetFile:
    """Read diagnostic examples from a file.

    Parameters
    ----------
    path : str or Path
        A Parquet, JSONL, CSV or TSV file, or tab-separated text with a header in a ``.txt`` file.
    declared : SetDeclaration, optional
        What the set says of it. Its subset keeps the share of every slice and label; without it at
        most `MOST` examples are drawn, equally many of each slice. Pairs stay whole.

    Returns
    -------
    SetFile
        Examples in the order of the file, and what they are.

    Raises
    ------
    DataError
        If the file, a column or a row is faulty, or what is declared does not fit.
    """
    path = Path(path)
    labels = (declared.labels or None) if declared else None
    layout = layout_of(_table(path), declared.columns if declared else {}, labels, path)
    examples, own_labels, overlapping = _examples(layout, path)
    kind, told_by = _kind(examples, layout)
    if declared and "kind" in declared.model_fields_set:
        kind = declared.kind
    examples = _without_lone_pairs(examples, kind, layout)
    rows = _drawn(examples, overlapping, declared)
    own = None if overlapping is None else overlapping[rows]
    return SetFile(examples[rows], own_labels, kind, own, told_by)


def _table(path: Path) -> pl.DataFrame:
    """Read a table; text that has tabs in its first line is one too."""
    table = read_table(path)
    if table.columns != ["text"] or "\t" not in (header := str(table["text"][0])):
        return table
    names = header.split("\t")
    fields = table["text"].slice(1).str.split("\t")
    wrong = (fields.list.len() != len(names)).arg_true()
    if len(wrong):
        row = int(wrong[0])
        what = f"ends a row of {len(fields[row])} fields; the header names {len(names)}"
        raise row_error(path, row + 1, names[-1], what)
    return pl.DataFrame({name: fields.list.get(i) for i, name in enumerate(names)})


def _examples(
    layout: Layout, path: Path
) -> tuple[pl.DataFrame, tuple[str, ...], pl.DataFrame | None]:
    """Return a table as examples, with its labels and the slices that overlap."""
    table = layout.table
    task = task_of(
        table.with_columns(pl.int_range(table.height).alias(_ROW)),
        name=path.name,
        objective=Objective.CLASSIFICATION,
        columns=layout.fields | {"id": _ROW},
        labels=layout.labels,
        source=str(path),
    )
    rows = np.array([int(i) for i in task.ids])
    assert task.targets is not None
    given = [task.labels[i] for i in task.targets]
    overlapping = None
    if isinstance(layout.slices, list):
        overlapping = pl.DataFrame([_indicator(table[name], path) for name in layout.slices])
    columns = {
        "text_a": task.text_a,
        "text_b": task.text_b or [None] * len(task),
        "label": given if layout.labelled else [None] * len(task),
        "slice": _slice_column(layout, path)[rows],
        "subcase": _names(table, layout.subcase, path)[rows],
        "pair": _names(table, layout.pair, path)[rows],
    }
    labels = task.labels if layout.labelled else layout.labels or ()
    examples = pl.DataFrame(columns, schema=EXAMPLES)
    if overlapping is None:
        return examples, labels, None
    overlapping = overlapping[rows]
    asked = overlapping.select(pl.any_horizontal(pl.all())).to_series()
    return examples.filter(asked), labels, overlapping.filter(asked)


def _slice_column(layout: Layout, path: Path) -> pl.Series:
    """Return the slice of each row; without such a column there is one slice."""
    name = layout.slices
    if not isinstance(name, str):
        return pl.repeat(EVERYTHING, layout.table.height, dtype=pl.String, eager=True)
    found = _names(layout.table, name, path)
    empty = found.is_null().arg_true()
    if len(empty):
        raise row_error(path, int(empty[0]) + 1, name, "is empty", "Give every row a slice.")
    return found


def _names(table: pl.DataFrame, name: str | None, path: Path) -> pl.Series:
    """Return a column as strings, or nulls where there is none; an empty name is none."""
    if name is None:
        return pl.repeat(None, table.height, dtype=pl.String, eager=True)
    check_column(table[name], path)
    if table[name].dtype.is_nested():
        raise row_error(path, 1, name, f"holds {table[name].dtype}, not one name")
    found = table[name].cast(pl.String)
    return found.set(found == "", None)


def _indicator(column: pl.Series, path: Path) -> pl.Series:
    """Return a column of 0 and 1 as truth values."""
    check_column(column, path)
    values = column.cast(pl.String).replace({"true": "1", "false": "0"})
    wrong = (~values.is_in(["0", "1"])).fill_null(value=True).arg_true()
    if len(wrong):
        row = int(wrong[0])
        raise row_error(path, row + 1, column.name, f"is {column[row]!r}, neither 0 nor 1")
    return values == "1"


def _kind(examples: pl.DataFrame, layout: Layout) -> tuple[Kind, tuple[str, ...]]:
    """Return what is judged, and by which columns that was told."""
    if layout.kind is not None:
        return layout.kind, layout.told_by
    told_by = () if layout.pair is None else (layout.pair,)
    sizes = examples.drop_nulls("pair").group_by("pair").agg(
        n=pl.len(), labels=pl.col("label").n_unique()
    )  # fmt: skip
    paired = sizes.filter(pl.col("n") > 1)
    whole = paired["n"].sum() == examples.height
    if not layout.labelled or (whole and bool((paired["labels"] == 1).all())):
        return Kind.INVARIANCE, told_by
    if layout.pair == GROUP or not paired.height:
        return Kind.LABELLED, ()
    return Kind.COUNTERFACTUAL, told_by


def _without_lone_pairs(examples: pl.DataFrame, kind: Kind, layout: Layout) -> pl.DataFrame:
    """Take an example that is alone in its pair for one of none, where it counts by itself."""
    if kind in (Kind.MINIMAL_PAIRS, Kind.INVARIANCE):
        return examples
    lone = pl.col("pair").is_unique() if layout.pair != GROUP else pl.lit(value=True)
    return examples.with_columns(pair=pl.when(~lone).then("pair"))


def _drawn(
    examples: pl.DataFrame, overlapping: pl.DataFrame | None, declared: SetDeclaration | None
) -> Sequence[int]:
    """Return the rows that are asked."""
    keys: list[pl.Series] = [examples["slice"]]
    keys += [] if overlapping is None else overlapping.get_columns()
    keys += [examples["label"].fill_null("")] if declared else []
    strata = pl.DataFrame(keys).select(pl.struct(pl.all()).rank("dense")).to_series()
    n, seed = (declared.n_examples, declared.seed) if declared else (MOST, 0)
    codes = strata.cast(pl.Int64).to_numpy()
    drawn = drawn_rows(codes, pair_codes(examples), n, seed, evenly=declared is None)
    return [int(row) for row in drawn]
