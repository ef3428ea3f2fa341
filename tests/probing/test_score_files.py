"""Scores and predictions of models from files that others wrote."""

import numpy as np
import polars as pl
import pytest
from score_file_cases import metrics, refusal, written

from wsgeo.probing.score_files import ABSENT, read_scores
from wsgeo.probing.tables import SCORES

PUBLISHED = "hans_published_results/berts_of_a_feather_accuracies_by_run.csv"


PREDICTIONS = "hans_published_results/model_predictions.parquet"


SWAP = "lexical_overlap/non-entailment/ln_subject_object_swap"


class TestPublishedTable:
    """The table of 100 models is read as it was published."""

    @pytest.fixture
    def given(self, data_root):
        return read_scores(data_root / PUBLISHED)

    def test_rows_that_sum_up_are_no_models(self, given):
        """One hundred models remain; the four statistics and the empty rows are set aside."""
        assert given.scores["id"].n_unique() == 100
        assert [what for what, _ in given.set_aside] == [
            "row 101 'Minimum'", "row 102 'Maximum'", "row 103 'Mean'",
            "row 104 'Standard deviation'", "7 rows from row 105 on",
        ]  # fmt: skip

    def test_columns_become_slices(self, given):
        """Six totals, thirty subcases, the overall score, and the score in domain."""
        keys = set(given.scores.select("set", "slice").unique().iter_rows())
        levels = [part.count("/") for name, part in keys if name == "hans"]

        assert given.in_domain == ("mnli", "all")
        assert (levels.count(0), levels.count(1), levels.count(2)) == (1, 6, 30)
        assert ("hans", SWAP) in keys

    def test_numbers_are_those_of_the_file(self, given):
        """The scores are the published ones; from 0 to 66 % on swapped subjects and objects."""
        swap = metrics(given, slice=SWAP)

        assert metrics(given, set="mnli")["Run 0"] == 0.8456444
        assert (min(swap.values()), max(swap.values())) == (0.0, 0.662)

    def test_totals_are_the_means_of_their_subcases(self, given):
        """Each heuristic's total is the mean over its five subcases: the names were matched right."""
        table = given.scores.filter(pl.col("set") == "hans")
        part = pl.col("slice").str.split("/").list.head(2).list.join("/")
        fine = table.filter(pl.col("slice").str.count_matches("/") == 2)
        means = fine.group_by("id", part.alias("slice")).agg(pl.col("metric").mean())
        totals = table.filter(pl.col("slice").str.count_matches("/") == 1)

        both = totals.join(means, on=["id", "slice"])
        assert both.height == 600
        assert np.abs(both["metric"] - both["metric_right"]).max() < 1e-6


class TestPublishedPredictions:
    """The predictions of four models on HANS are read as they were published."""

    @pytest.fixture
    def given(self, data_root):
        return read_scores(data_root / PREDICTIONS)

    def test_every_column_of_labels_is_a_model(self, given):
        """Four models on forty slices, each with an interval."""
        assert set(given.scores["id"]) == {"bert", "esim", "decomp_attn", "spinn"}
        assert given.scores.group_by("id").len()["len"].to_list() == [40] * 4
        assert not given.scores["metric_lo"].null_count()

    def test_three_labels_are_read_as_two(self, given, data_root):
        """Neutral and contradiction count as non-entailment; accuracy is the plain count."""
        table = pl.read_parquet(data_root / PREDICTIONS)
        entailed = table["gold"] == "entailment"
        plain = float(((table["bert"] == "entailment") == entailed).mean())

        assert metrics(given, slice="all")["bert"] == pytest.approx(plain)
        assert given.notes == ("'contradiction' and 'neutral' counted as 'non-entailment'.",)


class TestTablesByModel:
    """A row per model, a column per slice."""

    def test_schema_is_that_of_scores(self, tmp_path):
        """The result has the schema of scores, and no interval where no count is known."""
        given = read_scores(written(tmp_path, "model,a,b\nm,0.5,1\n"))

        assert given.scores.schema == SCORES
        assert given.scores["metric_lo"].null_count() == 2

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
    def test_kind_of_file_does_not_matter(self, tmp_path, suffix):
        """CSV, TSV and Parquet of one table give the same scores."""
        table = pl.DataFrame({"run": ["a", "b"], "swap": [0.25, 0.5]})
        path = tmp_path / f"t.{suffix}"
        if suffix == "parquet":
            table.write_parquet(path)
        else:
            table.write_csv(path, separator="," if suffix == "csv" else "\t")

        assert metrics(read_scores(path), set="t", slice="swap") == {"a": 0.25, "b": 0.5}

    def test_first_column_names_the_model_by_default(self, tmp_path):
        """Without a customary name the first column is the id, whole numbers too."""
        assert set(metrics(read_scores(written(tmp_path, "x,a\n1,0.5\n2,0.25\n")))) == {"1", "2"}

    def test_a_named_column_is_the_id_wherever_it_stands(self, tmp_path):
        """A column called model names the model, behind the scores too."""
        assert metrics(read_scores(written(tmp_path, "a,Model\n0.5,m\n"))) == {"m": 0.5}

    def test_of_two_names_the_one_that_parts_models_is_taken(self, tmp_path):
        """Several runs of one model are named by the run."""
        given = read_scores(written(tmp_path, "model,run,a\nbert,1,0.5\nbert,2,0.6\n"))

        assert metrics(given) == {"1": 0.5, "2": 0.6}
        assert given.set_aside == (("column 'model'", "names the model too"),)

    def test_percent_is_recognised(self, tmp_path):
        """Values up to 100 are percent, and that is said."""
        given = read_scores(written(tmp_path, "model,a,b\nm,50,0\nn,25%,100\n"))

        assert metrics(given, slice="a") == {"m": 0.5, "n": 0.25}
        assert given.layout == "scores by model, in percent"

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("model,a,b\nm,0.5,50\nn,0.7,60\n", "row 2: column 'a' is '0.7' and no score of this column"),
            ("model,a,b\nm,0.5,0.1\nn,70,60\n", "row 1: column 'a' is '0.5' and no score of 'm'"),
        ],
    )  # fmt: skip
    def test_two_units_are_refused(self, tmp_path, table, said):
        """A column, or a model, in fractions beside percentages is refused with both values."""
        message = refusal(written(tmp_path, table))

        assert said in message
        assert "two units. Write all scores as fractions" in message

    def test_an_absent_score_is_said(self, tmp_path):
        """Empty cells and NaN are no scores: not applicable, with a reason, and told."""
        given = read_scores(written(tmp_path, "model,a,b\nm,,0.5\nn,NaN,0.5\no,1,0\n"))
        gone = given.scores.filter(pl.col("outcome") == "not applicable")

        assert gone.select("id", "slice").rows() == [("m", "a"), ("n", "a")]
        assert set(gone["reason"]) == {ABSENT}
        assert given.notes == ("2 scores are absent, the first in row 1, column 'a'.",)

    def test_columns_that_are_no_scores_are_set_aside(self, tmp_path):
        """Text, settings, groups and empty columns are told and not read."""
        given = read_scores(
            written(tmp_path, "model,a,seed,cluster,base,b\nm,0.5,7,0,x,\nn,0.6,8,1,y,\n")
        )

        assert dict(given.set_aside) == {
            "column 'seed'": "a setting or a count, not a score",
            "column 'cluster'": "groups of models: give the file with --clusters to compare them",
            "column 'base'": "text",
            "column 'b'": "empty",
        }
        assert set(given.scores["slice"]) == {"a"}

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("model,a\nm,0.5\nn,O.5\no,1\n", "row 2: column 'a' is 'O.5', no number. Write"),
            ("model,a\nm,0.5\nn,-0.1\n", "row 2: column 'a' is '-0.1', no score"),
            ("model,a\nm,0.5\nn,120\n", "row 2: column 'a' is '120', no score"),
            ("model,a\nm,inf\nn,0.5\n", "row 1: column 'a' is 'inf', no score"),
            ("model,a\nm,0.5\nm,0.6\n", "row 2: column 'model' is 'm', as in a row before. Give"),
            ("model,a\nm,0.5\n,0.6\n", "row 2: column 'model' is empty. Give"),
            ("model,a\nm,x\n", "header: no column holds scores (columns: 'model', 'a'). Give"),
            ("a,b\n0.5,0.25\n", "row 1: column 'a' is '0.5', which names no model. Let"),
            ("model,all,Overall\nm,0.5,0.5\n", "columns 'all' and 'Overall' are both 'all' of 'mine'"),
            ("model,a\nm,0.5\nn,0.6\nmean,see\n", "row 3: column 'a' is 'see', no number"),
            ("model,a,b\nm,.5,.2\nn,.7,.4\nmean,.6,see\n", "row 3: column 'b' is 'see', no number"),
            ("model,a\nm,0.5\nn,0.6\nmean,1e308\n", "row 3: column 'a' is '1e308', no score"),
            ("model,a\nm,1e308\nn,1e308\nmean,1e308\n", "row 1: column 'a' is '1e308', no score"),
            ("model,*\nm,0.5\n", "header: a column is called '*'. Give it a name"),
            ("model,^a$,a\nm,0.5,0.5\n", "header: a column is called '^a$'. Give it a name"),
            ("model,\0row\nm,0.5\n", "header: a column is called '\\x00row'. Give it a name"),
        ],
    )  # fmt: skip
    def test_a_fault_is_one_line_with_its_place(self, tmp_path, table, said):
        """A fault names file, row, column, value and remedy."""
        message = refusal(written(tmp_path, table))

        assert message.startswith(str(tmp_path / "mine.csv"))
        assert said in message
        assert "\n" not in message

    def test_columns_that_are_no_texts_are_told(self, tmp_path):
        """Bytes, lists, records and durations are set aside by name."""
        odd = {
            "b": pl.Binary,
            "l": pl.List(pl.Int64),
            "r": pl.Struct({"x": pl.Int64}),
            "d": pl.Duration,
        }
        values = {"b": [b"\xff"], "l": [[1]], "r": [{"x": 1}], "d": [1]}
        table = {"model": ["m"], "a": [0.5], **{c: pl.Series(values[c], dtype=odd[c]) for c in odd}}
        pl.DataFrame(table).write_parquet(tmp_path / "t.parquet")
        given = read_scores(tmp_path / "t.parquet")

        assert metrics(given) == {"m": 0.5}
        assert [what for what, _ in given.set_aside] == [f"column '{c}'" for c in odd]

    def test_a_table_without_texts_is_refused(self, tmp_path):
        """Where no column can be read, they are named."""
        pl.DataFrame({"b": [b"x"]}).write_parquet(tmp_path / "t.parquet")

        assert "no column holds texts or numbers (columns: 'b')" in refusal(tmp_path / "t.parquet")

    def test_an_own_task_without_a_score_is_none(self, tmp_path):
        """If only the row that sums up, or none, has a score in domain, there is no score in domain."""
        wide = written(tmp_path, "model,in_domain,a\nm,,0.5\nn,,0.7\nmean,,0.6\n")
        rows = "id,set,slice,metric\nm,in_domain,all,\nm,h,a,0.5\n"

        assert read_scores(wide).in_domain is None
        assert read_scores(written(tmp_path, rows, "rows.csv")).in_domain is None
