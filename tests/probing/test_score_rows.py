"""Scores and predictions from files of a row per score or example."""

import numpy as np
import polars as pl
import pytest
from score_file_cases import metrics, refusal, written

from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.score_files import read_scores
from wsgeo.probing.tables import SCORES


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
