"""Scores of models from elsewhere: one table, with a row per model or per score.

Nothing is known of such models but the table, so what is taken for what is told with the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.escapes import shown
from wsgeo.probing.intervals import wilson_intervals
from wsgeo.probing.model_tables import read_models
from wsgeo.probing.prediction_files import is_of_predictions, score_predictions
from wsgeo.probing.score_cells import read_texts
from wsgeo.probing.score_rows import is_of_rows, read_rows
from wsgeo.probing.slice_names import Key
from wsgeo.probing.tables import SCORES

ABSENT: Final = "The file gives no score."
"""Reason of a score that is not there."""


@final
@dataclass(frozen=True)
class GivenScores:
    """What a file says of models.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`; a score that is absent has the outcome "not applicable".
    layout : str
        What the file was taken for, with its unit.
    in_domain : (str, str) or None
        Set and slice of the models' score on their own task.
    set_aside : tuple of (str, str)
        Rows and columns that were not read as scores of a model, and why.
    notes : tuple of str
        What must be known to read the scores.
    """

    scores: pl.DataFrame
    layout: str
    in_domain: Key | None = None
    set_aside: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read_scores(path: str | Path) -> GivenScores:
    r"""Read scores of models, or their predictions, from a table.

    - *Scores by model*: a column ``id``, ``model`` or ``run`` (else the first) names the model, the
      columns of numbers are slices (`wsgeo.probing.slice_names`). Rows that sum up the others, empty
      rows, and columns that are no scores are set aside.
    - *Scores by row*: ``id``, ``set``, ``slice``, ``metric``, and if known ``n_examples``.
    - *Predictions by example*: ``gold`` and a column per model, or ``id``, ``gold`` and
      ``prediction`` (`wsgeo.probing.prediction_files`).

    Parameters
    ----------
    path : str or Path
        CSV, TSV or Parquet. Scores are fractions, or all in percent.

    Returns
    -------
    GivenScores
        The scores as fractions.

    Raises
    ------
    DataError
        If the file cannot be read so; the message names row, column, value and remedy.

    References
    ----------
    [mccoy2020]_

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.csv"
    ...     _ = file.write_text("model,swap\na,40\nb,60\nmean,50\n")
    ...     found = read_scores(file)
    >>> found.scores["metric"].to_list(), found.set_aside
    ([0.4, 0.6], (("row 3 'mean'", 'the mean of the other rows'),))
    """
    path = Path(path)
    table, unread = read_texts(path)
    if is_of_predictions(table):
        given = score_predictions(table, path)
        return GivenScores(
            given.scores, given.layout, None, (*unread, *given.set_aside), given.notes
        )
    found = read_rows(table, path) if is_of_rows(table) else read_models(table, path)
    notes = (*found.notes, *_absent(found.cells))
    aside = (*unread, *found.set_aside)
    return GivenScores(_scores(found.cells), found.layout, found.in_domain, aside, notes)


def _absent(cells: pl.DataFrame) -> tuple[str, ...]:
    """Say which scores are not there."""
    none = cells.filter(pl.col("value").is_null())
    if not none.height:
        return ()
    first = none.row(0, named=True)
    where = f"the first in row {first['row']}, column {shown(first['column'])}"
    return (f"{counted(none.height, 'score is', 'scores are')} absent, {where}.",)


def _scores(cells: pl.DataFrame) -> pl.DataFrame:
    """Return cells as a table of scores."""
    known = pl.col("metric").is_not_null()
    columns = {c for c in cells.columns if c in ("n_examples", "measure")}
    found = cells.rename({"value": "metric"}).select(
        "id", "set", "slice", "metric", *sorted(columns),
        pl.when(known).then(pl.lit("measured")).otherwise(pl.lit("not applicable")).alias("outcome"),
        pl.when(~known).then(pl.lit(ABSENT)).alias("reason"),
    )  # fmt: skip
    missing = [pl.lit(None, kind).alias(c) for c, kind in SCORES.items() if c not in found.columns]
    found = found.with_columns(missing).with_columns(
        pl.col("measure").cast(pl.String).fill_null("accuracy")
    )
    return _with_intervals(
        found.select(list(SCORES)).cast({c: SCORES[c] for c in ("measure", "outcome")})
    )


def _with_intervals(scores: pl.DataFrame) -> pl.DataFrame:
    """Add Wilson intervals where the number of examples is known."""
    known = (scores["n_examples"].is_not_null() & scores["metric"].is_not_null()).to_numpy()
    ends = np.full((2, scores.height), np.nan)
    if known.any():
        n = scores["n_examples"].to_numpy()[known]
        ends[:, known] = wilson_intervals(scores["metric"].to_numpy()[known] * n, n)
    return scores.with_columns(
        pl.Series(name, end).fill_nan(None)
        for name, end in zip(("metric_lo", "metric_hi"), ends, strict=True)
    )
