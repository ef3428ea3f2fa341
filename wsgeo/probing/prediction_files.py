"""Predictions of models by example, from a table, as scores by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.errors import DataError
from wsgeo.escapes import shown
from wsgeo.probing.differences import listed
from wsgeo.probing.intervals import wilson_intervals
from wsgeo.probing.judgements import Judgement, Units, label_quality, units_of
from wsgeo.probing.label_readings import label_readings, merged_labels
from wsgeo.probing.score_cells import IDS, cell_error, column_named
from wsgeo.probing.set_files import EVERYTHING
from wsgeo.probing.sets import DiagnosticSet
from wsgeo.probing.slice_names import HANS, HEURISTICS
from wsgeo.probing.tables import SCORES
from wsgeo.tasks.grammar import EXAMPLES

_GOLD: Final = ("gold", "gold_label")
_GOLD_BY_ROW: Final = (*_GOLD, "label")
_PREDICTION: Final = ("prediction", "predicted", "pred")
_EXAMPLE: Final = ("example", "example_id", "pairid", "uid", "idx")
_SLICE: Final = ("slice", "heuristic")
_SUBCASE: Final = ("subcase",)
_MOST_LABELS: Final = 50  # distinct values from which a column is no prediction of labels
_ANSWERS: Final = ("row", "gold", "slice", "subcase", "prediction")


@final
@dataclass(frozen=True)
class GivenPredictions:
    """What a file of predictions says of models.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`.
    layout : str
        What the file was taken for.
    set_aside : tuple of (str, str)
        Columns that are no predictions, and why.
    notes : tuple of str
        Which names were read as which label, and what is absent.
    """

    scores: pl.DataFrame
    layout: str
    set_aside: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


class _Answers(NamedTuple):
    """What one model predicted: columns of `_ANSWERS`."""

    model: str
    column: str
    table: pl.DataFrame


def is_of_predictions(table: pl.DataFrame) -> bool:
    """Tell whether a table holds a label and predictions for each example.

    Parameters
    ----------
    table : DataFrame
        Any table.

    Returns
    -------
    bool
        True with a column ``gold`` or ``gold_label``, or with ``label`` and ``prediction``.
    """
    by_row = column_named(table, _PREDICTION) and column_named(table, _GOLD_BY_ROW)
    return bool(by_row or column_named(table, _GOLD))


def score_predictions(table: pl.DataFrame, path: Path) -> GivenPredictions:
    """Score predictions against the labels of the examples, slice by slice.

    With a column ``prediction`` there is a row per model and example, and ``id``, ``model`` or ``run``
    names the model; else there is a row per example, and each column whose values are labels is a
    model. ``slice`` or ``heuristic`` and ``subcase`` part the examples as in a diagnostic set. Label names
    are compared without case and separators, and neutral and contradiction count as non-entailment
    where the examples know only that.

    Parameters
    ----------
    table : DataFrame of String
        The rows; null where nothing is given.
    path : Path
        File, for messages and as name of the set.

    Returns
    -------
    GivenPredictions
        Accuracy with its Wilson interval, balanced accuracy, F1 and Matthews correlation.

    Raises
    ------
    DataError
        If an example has no label, a prediction is no label, or no column holds predictions.
    """
    gold = str(column_named(table, _GOLD_BY_ROW))
    _refuse_empty(table, gold, path, "label")
    if part := column_named(table, _SLICE):
        _refuse_empty(table, part, path, "slice")
    aside: list[tuple[str, str]] = []
    by_row = column_named(table, _PREDICTION)
    split = _by_row(table, gold, by_row, path) if by_row else _by_model(table, gold, aside, path)
    given = list(split)
    seen = list(dict.fromkeys(name for one in given for name in _names(one.table["prediction"])))
    readings = label_readings(_names(table[gold]), seen)
    for one in given:
        _check_labels(one, readings, path)
    frames = [_scores(one, readings, path) for one in given]
    layout = f"predictions by example, {'a row per model' if by_row else 'a column per model'}"
    notes = (*merged_labels(readings), *_absent(given))
    return GivenPredictions(pl.concat(frames), layout, tuple(aside), notes)


def _refuse_empty(table: pl.DataFrame, column: str, path: Path, what: str) -> None:
    if table[column].null_count():
        row = int(table[column].is_null().arg_true()[0]) + 1
        raise cell_error(path, row, column, "is empty", f"Give every example its {what}.")


def _by_row(table: pl.DataFrame, gold: str, prediction: str, path: Path) -> Iterator[_Answers]:
    """Yield the rows of each model."""
    model = column_named(table, tuple(n for n in IDS if n != gold.casefold()))
    if model is None or table[model].null_count():
        row = int(table[model].is_null().arg_true()[0]) + 1 if model else 1
        raise cell_error(
            path, row, model or IDS[0], "names no model",
            f"Name the model of every row in a column called {IDS[0]!r}, {IDS[1]!r} or {IDS[2]!r}.",
        )  # fmt: skip
    _check_examples(table, model, path)
    rows = table.select(
        *_example(table, gold), pl.col(prediction).alias("prediction"), pl.col(model).alias("model")
    )
    for (name,), own in rows.group_by("model", maintain_order=True):
        yield _Answers(str(name), prediction, own.select(_ANSWERS))


def _check_examples(table: pl.DataFrame, model: str, path: Path) -> None:
    """Refuse two predictions of one model for one example."""
    example = column_named(table, _EXAMPLE)
    if example is None:
        return
    again = pl.col(example).is_not_null() & ~pl.struct(model, example).is_first_distinct()
    twice = table.select(again).to_series().arg_true()
    if len(twice):
        row = int(twice[0])
        what = f"is {shown(table[example][row])}, a second time for {shown(table[model][row])}"
        raise cell_error(path, row + 1, example, what, "Give one prediction per model and example.")


def _by_model(
    table: pl.DataFrame, gold: str, aside: list[tuple[str, str]], path: Path
) -> Iterator[_Answers]:
    """Yield each column whose values are labels, with the examples."""
    known = [gold, *(column_named(table, names) for names in (_SLICE, _SUBCASE))]
    ids = [column_named(table, (name,)) for name in (*_EXAMPLE, *IDS)]
    columns = [c for c in table.columns if c not in known and c not in ids]
    labels = _names(table[gold])
    found = [c for c in columns if _holds_labels(table[c], labels)]
    for column in (c for c in columns if c not in found):
        empty = table[column].null_count() == table.height
        aside.append((f"column {shown(column)}", "empty" if empty else "not predictions of labels"))
    if not found:
        raise DataError(
            f"no column holds predictions of {listed([shown(name) for name in labels[:6]])} "
            f"(columns: {', '.join(map(shown, table.columns[:12]))})",
            where=f"{path}: header",
            remedy="Give a column per model with the label that it predicts for each example.",
        )
    rows = table.select(*_example(table, gold))
    for column in found:
        yield _Answers(column, column, rows.with_columns(table[column].alias("prediction")))


def _example(table: pl.DataFrame, gold: str) -> list[pl.Expr]:
    """Return row number, label, slice and subcase of each row."""
    named = [column_named(table, names) for names in (_SLICE, _SUBCASE)]
    part, case = (pl.lit(None, pl.String) if c is None else pl.col(c) for c in named)
    return [
        pl.int_range(1, pl.len() + 1).alias("row"), pl.col(gold).alias("gold"),
        part.fill_null(EVERYTHING).alias("slice"),
        case.str.replace_all("/", "_", literal=True).alias("subcase"),
    ]  # fmt: skip


def _holds_labels(column: pl.Series, labels: Sequence[str]) -> bool:
    """Tell whether a column has few values, of which one at least is a label."""
    values = _names(column)
    readings = label_readings(labels, values) if 0 < len(values) <= _MOST_LABELS else {}
    return any(readings.get(value) for value in values)


def _check_labels(one: _Answers, readings: dict[str, str | None], path: Path) -> None:
    """Refuse a prediction that is no label."""
    wrong = [name for name in _names(one.table["prediction"]) if readings[name] is None]
    if wrong:
        first = one.table.filter(pl.col("prediction").is_in(wrong)).row(0, named=True)
        labels = list(dict.fromkeys(label for label in readings.values() if label))
        raise cell_error(
            path, first["row"], one.column, f"is {shown(first['prediction'])}, no label",
            f"Predict {listed([shown(label) for label in labels[:6]])}, or leave the column out.",
        )  # fmt: skip


def _scores(one: _Answers, readings: dict[str, str | None], path: Path) -> pl.DataFrame:
    """Return the rows of one model; examples without a prediction are left out."""
    told = one.table.drop_nulls("prediction")
    if not told.height:
        raise DataError(
            f"{shown(one.model)} predicts nothing", where=str(path), remedy="Leave it out."
        )
    truth, predicted = (told[c].replace_strict(readings) for c in ("gold", "prediction"))
    labels = sorted({*truth, *predicted})
    units = _units(told, truth, path)
    code = {label: i for i, label in enumerate(labels)}
    coded = [np.array([code[name] for name in names], np.int64) for names in (truth, predicted)]
    found = _numbers(units, *coded)
    schema = {
        name: SCORES[name] for name in ("metric", "metric_lo", "metric_hi", "balanced", "f1", "mcc")
    }
    rows = pl.DataFrame(found, schema=schema).with_columns(pl.all().fill_nan(None))
    facts = {
        "id": pl.lit(one.model), "set": pl.lit(_set_name(told, labels, path)),
        "measure": pl.lit("accuracy", SCORES["measure"]), "outcome": pl.lit("measured", SCORES["outcome"]),
        **{name: pl.lit(None, SCORES[name]) for name in ("loss", "loss_lo", "loss_hi", "reason")},
    }  # fmt: skip
    return rows.with_columns(
        pl.Series("slice", list(units.slices)), pl.Series("n_examples", units.counts), **facts
    ).select(list(SCORES))


def _units(told: pl.DataFrame, truth: pl.Series, path: Path) -> Units:
    """Return the slices of examples as those of a diagnostic set."""
    truth = truth.str.replace_all("/", "_", literal=True)  # which parts the levels of a slice
    rows = told.select("slice", "subcase").with_columns(truth.alias("label"))
    empty = [pl.lit(None, kind).alias(c) for c, kind in EXAMPLES.items() if c not in rows.columns]
    examples = rows.with_columns(empty).with_columns(text_a=pl.lit("")).select(list(EXAMPLES))
    labels = tuple(sorted(set(truth)))
    # The name is only for messages: it refuses two slices that come to have one name.
    return units_of(DiagnosticSet(str(path), "", str(path), "", path.stem, labels, examples))[0]


def _numbers(
    units: Units, truth: NDArray[np.int64], predicted: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return accuracy, its interval, and what tells more where labels are not equally frequent."""
    right = (truth == predicted).astype(np.float64)
    hits = units.membership @ right
    low, high = wilson_intervals(hits, units.counts)
    quality = label_quality(units, Judgement(right, None, truth, predicted))
    return {"metric": hits / units.counts, "metric_lo": low, "metric_hi": high, **quality}


def _set_name(told: pl.DataFrame, labels: Sequence[str], path: Path) -> str:
    is_hans = set(told["slice"]) <= set(HEURISTICS) and "non-entailment" in labels
    return HANS if is_hans else path.stem


def _names(column: pl.Series) -> list[str]:
    return [str(value) for value in column.drop_nulls().unique(maintain_order=True)]


def _absent(given: Sequence[_Answers]) -> list[str]:
    counts = {one.model: one.table["prediction"].null_count() for one in given}
    total = sum(counts.values())
    if not total:
        return []
    most = max(counts, key=lambda model: counts[model])
    absent = f"{counted(total, 'prediction is', 'predictions are')} absent and not counted"
    return [f"{absent}, {counts[most]:,} of them of {shown(most)}."]
