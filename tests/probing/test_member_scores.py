"""Scores of members as one matrix."""

import numpy as np
import polars as pl

from wsgeo.probing.member_scores import complete_blocks, measured_rows, member_scores
from wsgeo.probing.tables import SCORES

ROWS = pl.DataFrame(
    [
        {"id": "b", "set": "s", "slice": "y", "metric": 0.5, "outcome": "measured"},
        {"id": "b", "set": "s", "slice": "x", "metric": 0.25, "outcome": "measured"},
        {"id": "a", "set": "s", "slice": "y", "metric": 1.0, "outcome": "measured"},
        {"id": "a", "set": "s", "slice": "x", "metric": None, "outcome": "failed"},
        {"id": "c", "set": "s", "slice": "z", "metric": 0.0, "outcome": "measured"},
    ],
    schema=SCORES,
)


def test_rows_and_columns_are_sorted():
    """Members and slices stand in the order of their names, and what is missing is NaN."""
    found = member_scores(ROWS, ["b", "d", "a"])

    assert found.ids == ("a", "b", "d")
    assert found.keys == (("s", "x"), ("s", "y"))
    assert found.measures == ("accuracy", "accuracy")
    np.testing.assert_array_equal(found.values, [[np.nan, 1.0], [0.25, 0.5], [np.nan, np.nan]])


def test_a_slice_keeps_its_measure_and_says_whether_it_has_several_labels():
    """The measure is that of the rows, and a balanced accuracy exists for several labels only."""
    rows = ROWS.with_columns(
        pl.lit("preference", dtype=SCORES["measure"]).alias("measure"),
        pl.when(pl.col("slice") == "y").then(0.5).alias("balanced"),
    )
    found = member_scores(rows, ["a", "b"])

    assert found.measures == ("preference", "preference")
    assert found.several_labels == (False, True)


def test_no_members_have_no_slices():
    """Without members the matrix is empty."""
    assert member_scores(ROWS, []).values.shape == (0, 0)


def test_rows_count_with_a_number_only():
    """Rows of failed members, of others, and without a finite metric do not count."""
    odd = ROWS.with_columns(metric=pl.when(pl.col("slice") == "y").then(np.nan).otherwise("metric"))

    assert measured_rows(ROWS, ["a", "b"]).select("id", "slice").rows() == [
        ("b", "y"), ("b", "x"), ("a", "y")
    ]  # fmt: skip
    assert measured_rows(odd, ["a", "b"]).select("id", "slice").rows() == [("b", "x")]


def test_every_column_is_in_one_block_without_gaps(rng):
    """Blocks part the columns, and hold all members that were measured on them."""
    values = np.where(rng.random((9, 20)) < 0.2, np.nan, 1.0)
    blocks = list(complete_blocks(values))

    assert sorted(np.concatenate([columns for _, columns in blocks])) == list(range(20))
    for rows, columns in blocks:
        for column in columns:
            assert rows.tolist() == np.flatnonzero(np.isfinite(values[:, column])).tolist()
