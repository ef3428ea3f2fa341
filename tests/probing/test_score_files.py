"""Scores and predictions of models from files that others wrote."""

import numpy as np
import polars as pl
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.label_readings import label_readings
from wsgeo.probing.score_files import ABSENT, read_scores
from wsgeo.probing.slice_names import slice_keys
from wsgeo.probing.summary_rows import summary_rows
from wsgeo.probing.tables import SCORES

PUBLISHED = "hans_published_results/berts_of_a_feather_accuracies_by_run.csv"
PREDICTIONS = "hans_published_results/model_predictions.parquet"
SWAP = "lexical_overlap/non-entailment/ln_subject_object_swap"


def written(folder, text, name="mine.csv"):
    (folder / name).write_text(text)
    return folder / name


def metrics(given, **by):
    rows = given.scores.filter(*(pl.col(k) == v for k, v in by.items()))
    return dict(rows.select("id", "metric").iter_rows())


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_scores(path)
    return str(caught.value)


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


class TestSliceNames:
    """Columns say which set and slice they are about."""

    @pytest.mark.parametrize(
        ("column", "key"),
        [
            ("swap", ("mine", "swap")),
            ("lexical/entailment", ("mine", "lexical/entailment")),
            ("paws: swap", ("paws", "swap")),
            ("Overall accuracy", ("mine", "all")),
            ("in_domain", ("in_domain", "all")),
            ("in_domain/positive", ("in_domain", "label/positive")),
            ("SST-2 validation accuracy", ("sst-2", "all")),
            ("ce_loss", ("mine", "ce_loss")),
        ],
    )
    def test_rules(self, column, key):
        """A colon names the set; the models' own task is told by its words."""
        assert slice_keys(["x", "y", "z", column], "mine")[0][column] == key

    def test_two_own_tasks_leave_the_first(self):
        """Of two scores in domain the first counts."""
        assert slice_keys(["A dev acc.", "B dev acc."], "mine")[1] == "a"


class TestTablesByRow:
    """A row per score."""

    def test_counts_give_intervals(self, tmp_path):
        """With the number of examples each score has its Wilson interval."""
        given = read_scores(
            written(
                tmp_path, "id,set,slice,metric,n_examples\nm,h,a,0.8,10\nm,in_domain,all,0.9,\n"
            )
        )
        row = given.scores.row(0, named=True)

        assert (row["metric_lo"], row["metric_hi"]) == pytest.approx(wilson_interval(8, 10))
        assert given.scores["n_examples"].to_list() == [10, None]
        assert given.in_domain == ("in_domain", "all")

    def test_the_scores_of_a_run_are_read_back(self, tmp_path):
        """A table of schema `SCORES` keeps measures and scores; what was not measured is absent."""
        row = dict.fromkeys(SCORES) | {"id": "m", "set": "h", "slice": "pairs"}
        one = row | {"measure": "consistency", "metric": 0.5, "outcome": "measured"}
        two = row | {"id": "n", "measure": "consistency", "outcome": "failed", "reason": "x"}
        pl.DataFrame([one, two], schema=SCORES).write_parquet(tmp_path / "scores.parquet")
        given = read_scores(tmp_path / "scores.parquet")

        assert given.scores["measure"].to_list() == ["consistency"] * 2
        assert metrics(given) == {"m": 0.5, "n": None}

    def test_sets_and_slices_are_told_apart(self, tmp_path):
        """Two scores are of one slice where set and slice are the same, however they are written."""
        rows = 'id,set,slice,metric\nm,"a: b",c,0.5\nm,a,"b: c",0.6\n'

        assert read_scores(written(tmp_path, rows)).scores["metric"].to_list() == [0.5, 0.6]

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ("m,h,a,0.5,2.5,accuracy", "column 'n_examples' is '2.5', no number of examples"),
            (
                "m,h,a,0.5,1e23,accuracy",
                "row 1: column 'n_examples' is '1e23', no number of examples",
            ),
            (
                "m,h,a,0.5,inf,accuracy",
                "row 1: column 'n_examples' is 'inf', no number of examples",
            ),
            ("m,h,a,0.5,10,accurcy", "column 'measure' is 'accurcy'. Did you mean 'accuracy'?"),
            (",h,a,0.5,10,accuracy", "row 1: column 'id' is empty"),
            ("m,h,a,0.5,,\nm,h,a,0.6,,", "row 2: column 'h: a' is '0.6', a second score of 'm'"),
        ],
    )
    def test_a_fault_is_one_line_with_its_place(self, tmp_path, rows, said):
        """A fault names row, column, value and remedy."""
        head = "id,set,slice,metric,n_examples,measure\n"

        assert said in refusal(written(tmp_path, f"{head}{rows}\n"))


class TestPredictions:
    """Predictions by example become scores by slice."""

    WIDE = (
        "pairID,heuristic,gold,text,a,b\n"
        "1,x,entailment,one,entailment,neutral\n"
        "2,x,non-entailment,two,entailment,contradiction\n"
        "3,y,non-entailment,three,Entailment,neutral\n"
        "4,y,entailment,four,entailment,\n"
    )

    def test_slices_are_those_of_a_set(self, tmp_path):
        """All, each slice, and its labels where there are two."""
        given = read_scores(written(tmp_path, self.WIDE))

        assert metrics(given, slice="all") == {"a": 0.5, "b": pytest.approx(2 / 3)}
        assert metrics(given, slice="x/entailment") == {"a": 1.0, "b": 0.0}
        assert given.set_aside == (("column 'text'", "not predictions of labels"),)

    def test_an_absent_prediction_is_said_and_not_counted(self, tmp_path):
        """An example without a prediction leaves the count of examples smaller."""
        given = read_scores(written(tmp_path, self.WIDE))
        n = given.scores.filter(pl.col("slice") == "all")["n_examples"].to_list()

        assert n == [4, 3]
        assert "1 prediction is absent and not counted, 1 of them of 'b'." in given.notes

    def test_slices_may_have_levels(self, tmp_path):
        """A name with strokes is a slice as it stands, where it is no part of another."""
        table = "slice,gold,a\nx,yes,yes\nx,no,no\nx/y,no,yes\ny/no,no,no\n"
        given = read_scores(written(tmp_path, table))

        assert given.scores["slice"].to_list() == ["all", "x", "x/no", "x/yes", "x/y", "y/no"]
        assert metrics(given, slice="x/y") == {"a": 0.0}

    def test_strokes_in_labels_are_no_levels(self, tmp_path):
        """A label with a stroke names one level, so that it meets no subcase."""
        table = "slice,gold,a\nx,on/off,on/off\nx,idle,on/off\n"
        given = read_scores(written(tmp_path, table))

        assert metrics(given, slice="x/on_off") == {"a": 1.0}

    def test_examples_without_a_name_are_not_compared(self, tmp_path):
        """An empty example is no second one."""
        table = "model,example,gold,prediction\nm,,yes,yes\nm,,no,yes\n"

        assert metrics(read_scores(written(tmp_path, table)), slice="all") == {"m": 0.5}

    def test_quality_is_that_of_the_plain_formulas(self, tmp_path, rng):
        """Balanced accuracy is the mean recall, and the Matthews correlation is Pearson's."""
        gold, said = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
        names = np.array(["entailment", "non-entailment"])
        pl.DataFrame({"gold": names[gold], "m": names[said]}).write_parquet(tmp_path / "p.parquet")
        row = read_scores(tmp_path / "p.parquet").scores.row(0, named=True)
        recalls = [(said == gold)[gold == label].mean() for label in (0, 1)]
        f1 = [
            2 * ((said == x) & (gold == x)).sum() / ((said == x).sum() + (gold == x).sum())
            for x in (0, 1)
        ]

        assert row["balanced"] == pytest.approx(np.mean(recalls))
        assert row["f1"] == pytest.approx(np.mean(f1))
        assert row["mcc"] == pytest.approx(np.corrcoef(gold, said)[0, 1])

    def test_long_form_gives_the_same(self, tmp_path):
        """A row per model and example gives the scores of a column per model."""
        wide = pl.read_csv(written(tmp_path, self.WIDE), infer_schema=False)
        long = wide.unpivot(
            ["a", "b"], index=["pairID", "heuristic", "gold"],
            variable_name="model", value_name="prediction",
        )  # fmt: skip
        long.sample(fraction=1, shuffle=True, seed=0).write_csv(tmp_path / "long.csv")
        key = ["id", "slice"]
        one, two = (
            read_scores(path).scores.sort(key).drop("set", "reason")
            for path in (tmp_path / "mine.csv", tmp_path / "long.csv")
        )

        assert one.equals(two)

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("gold,a\nentailment,entailment\nneutral,entailmnt\n", "row 2: column 'a' is 'entailmnt', no label. Predict"),
            ("gold,a\nentailment,entailment\n,neutral\n", "row 2: column 'gold' is empty. Give every example its label"),
            ("gold,a\nyes,yes\nno\0,no\n", "row 2: column 'gold' is 'no\\x00', with a NUL character. Write"),
            ("gold,a\nyes,one\nno,two\n", "header: no column holds predictions of 'yes' and 'no'"),
            ("model,example,gold,prediction\nm,1,yes,yes\nm,1,yes,no\n", "row 2: column 'example' is '1', a second time for 'm'"),
            ("gold,prediction\nyes,yes\n", "names no model"),
            ("slice,gold,a\nx,yes,yes\nx,no,no\nx/no,no,no\n", "mine.csv: two slices of the set come to be called 'x/no'. Rename"),
            ("slice,subcase,gold,a\nx,u,yes,yes\nx,v,yes,yes\nx/v,w,yes,yes\n", "mine.csv: two slices of the set come to be called 'x/v'"),
            ("slice,gold,a\nall,yes,yes\nx,no,no\n", "mine.csv: a slice of the set is called 'all'"),
        ],
    )  # fmt: skip
    def test_a_fault_is_one_line_with_its_place(self, tmp_path, table, said):
        """A fault names row, column, value and remedy."""
        assert said in refusal(written(tmp_path, table))


class TestLabelReadings:
    """Names of labels are compared, and three are read as two."""

    @pytest.mark.parametrize(
        ("gold", "predicted", "reading"),
        [
            (["entailment", "non-entailment"], "not_entailment", "non-entailment"),
            (["entailment", "non-entailment"], "CONTRADICTION", "non-entailment"),
            (["entailment", "neutral"], "non-entailment", "non-entailment"),
            (["paraphrase"], "not_paraphrase", "not_paraphrase"),
            (["entailment"], "neutral", "neutral"),
            (["0", "1"], "LABEL_1", "1"),
            (["positive", "negative"], "neutral", None),
            (["entailment", "non-entailment"], "entailmnt", None),
        ],
    )
    def test_readings(self, gold, predicted, reading):
        """A name counts as the label that it means, and as none if it means none."""
        assert label_readings(gold, [predicted])[predicted] == reading

    def test_labels_of_examples_are_merged_where_predictions_are_coarser(self):
        """Three labels of examples are two where models tell two apart."""
        found = label_readings(["entailment", "neutral", "contradiction"], ["non-entailment"])

        assert found["neutral"] == found["contradiction"] == "non-entailment"
