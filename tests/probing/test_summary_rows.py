"""Rows that sum up a table are no models."""

import polars as pl
import pytest
from score_file_cases import written

from wsgeo.probing.score_files import read_scores
from wsgeo.probing.summary_rows import summary_rows


class TestSummaryRows:
    """Rows that sum up the others are told by name and by value."""

    TABLE = pl.DataFrame({"a": ["0.2", "0.4", "0.30"], "b": ["0.5", "0.1", "0.30"]})

    def test_a_mean_is_one(self):
        """A row called Mean that holds the means is set aside."""
        assert summary_rows(["m", "n", "Mean"], self.TABLE) == ({2: "mean"}, {})

    def test_a_name_alone_is_not_enough(self):
        """A model that happens to be called Mean stays a model."""
        table = self.TABLE.with_columns(b=pl.Series(["0.5", "0.1", "0.31"]))

        assert summary_rows(["m", "n", "Mean"], table) == ({}, {2: "mean"})

    def test_values_alone_are_not_enough(self):
        """A model whose scores are the means stays a model."""
        assert summary_rows(["m", "n", "o"], self.TABLE) == ({}, {})

    @pytest.mark.parametrize(
        ("name", "value"),
        [("Min.", "0.2"), ("max", "0.4"), ("avg", "0.300"), ("std_dev", "0.141"), ("SD", "0.100"), ("Median", "0.3")],
    )  # fmt: skip
    def test_statistics_are_compared_to_the_digits_printed(self, name, value):
        """Rounded statistics are recognised; the deviation of a sample and of a population."""
        table = pl.DataFrame({"a": ["0.2", "0.4", value]})

        assert list(summary_rows(["m", "n", name], table)[0]) == [2]
        wrong = pl.DataFrame({"a": ["0.2", "0.4", "0.7"]})
        assert not summary_rows(["m", "n", name], wrong)[0]

    @pytest.mark.parametrize(
        "value", ["0e400", "0.0e-400", "0e" + "9" * 5000, "1e-400", "1e-" + "9" * 5000]
    )
    def test_an_exponent_may_be_of_any_size(self, value):
        """The exponent of a zero, or of what is nearly none, says nothing of its digits."""
        table = pl.DataFrame({"a": ["0", "0", value]})
        other = pl.DataFrame({"a": ["40", "60", value]})

        assert summary_rows(["m", "n", "mean"], table)[0] == {2: "mean"}
        assert summary_rows(["m", "n", "mean"], other)[1] == {2: "mean"}

    def test_exponents_count_as_digits(self):
        """A mean of 5e-1 stands for .45 to .55."""
        table = pl.DataFrame({"a": ["0.4", "0.5", "5e-1"], "b": ["0.4", "0.5", "4.5E-1"]})

        assert summary_rows(["m", "n", "mean"], table)[0] == {2: "mean"}

    def test_a_model_called_mean_is_told(self, tmp_path):
        """That such a row was read as a model is said."""
        given = read_scores(written(tmp_path, "model,a\nm,0.2\nn,0.4\nMean,0.9\n"))

        assert given.scores.height == 3
        assert given.notes == (
            "Row 3 'Mean' is read as a model: it is not the mean of the others.",
        )
