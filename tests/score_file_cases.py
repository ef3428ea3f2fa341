"""Tables that others wrote, as tests write and read them."""

import polars as pl
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.score_files import read_scores


def written(folder, text, name="mine.csv"):
    """Write a table and return its path."""
    (folder / name).write_text(text)
    return folder / name


def metrics(given, **by):
    """Return the metric of each model in the rows that have these values."""
    rows = given.scores.filter(*(pl.col(k) == v for k, v in by.items()))
    return dict(rows.select("id", "metric").iter_rows())


def refusal(path):
    """Return the line with which a file is refused."""
    with pytest.raises(DataError) as caught:
        read_scores(path)
    return str(caught.value)
