"""The data of members."""

import polars as pl
import pytest
from dataset_cases import NLI, nli, task

from wsgeo.errors import DataError
from wsgeo.training.datasets import training_data, validation_data


class TestTrainingData:
    """Draws, subsets, doses."""

    @pytest.mark.parametrize("sizes", [(15, 30), (7, 8), (1, 59)])
    def test_a_draw_keeps_the_shares(self, places, sizes):
        """A draw has each label's share but for one example, and is part of a larger one."""
        small, large = (training_data(task(n_examples=n), "all", 0.0, places) for n in sizes)

        assert set(small.table["id"]) <= set(large.table["id"])
        for n, found in zip(sizes, (small, large), strict=True):
            assert found.table.height == n
            assert all(abs(count - n / 3) < 1 for count in found.counts().values())
            assert found.table["row"].is_sorted()

    @pytest.mark.parametrize("n", [30, 31])
    def test_halves_are_disjoint(self, places, n):
        """The halves of the drawn examples are all of them, each once, in the order of the file."""
        halves = [
            training_data(task(n_examples=n), half, 0.0, places)
            for half in ("first-half", "second-half")
        ]
        whole = training_data(task(n_examples=n), "all", 0.0, places).table

        assert pl.concat([half.table for half in halves]).equals(whole)
        assert [half.table.height for half in halves] == [15, n - 15]
        assert halves[0].name == "nli-train-first-half"

    def test_names_are_exact(self, places):
        """Fractions and doses that differ have names that differ."""
        pairs = [(0.5, 0.1), (0.5000000001, 0.1), (0.5, 0.1000000001)]

        assert len({training_data(task(), *pair, places).name for pair in pairs}) == 3

    def test_a_fraction(self, places):
        """A fraction is a stratified draw."""
        found = training_data(task(), 0.25, 0.0, places)

        assert (found.table.height, found.name) == (15, "nli-train-subset0.25")
        assert set(found.counts().values()) == {5}

    @pytest.mark.parametrize(
        ("file", "text"),
        [("rows.txt", "3\n1\n60\n"), ("rows.csv", "3, 1,60"), ("rows.json", "[3, 1, 60]")],
    )
    def test_listed_rows(self, places, tmp_path, file, text):
        """A file of row numbers takes just these rows of the whole file, however it is written."""
        (tmp_path / file).write_text(text)
        found = training_data(task(n_examples=6), file, 0.0, places)

        assert found.table["row"].to_list() == [1, 3, 60]
        assert found.name.startswith("nli-train-rows-rows-")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("61", "row 61 is not among the 60 rows of the file, counted from 1"),
            ("0", "row 0 is not among"),
            ("1\n2\n1", "row 1 is listed twice"),
            ("", "no row"),
            ("a", "no list"),
            ("1.5", "no list"),
        ],
    )
    def test_a_faulty_list(self, places, tmp_path, text, said):
        """A list of rows that are not there is one line with the file."""
        (tmp_path / "rows.txt").write_text(text)

        with pytest.raises(DataError, match=said) as caught:
            training_data(task(), "rows.txt", 0.0, places)
        assert str(caught.value).startswith(str(tmp_path / "rows.txt"))

    def test_listed_rows_are_those_of_the_file(self, places, tmp_path):
        """Rows without a gold label count too, and none of them can be taken."""
        labels = pl.Series([-1, 0, 1, 2, -1, 0])
        nli(6, "x").with_columns(label=labels).write_parquet(tmp_path / "train.parquet")
        (tmp_path / "rows.txt").write_text("2 6 3 4")
        found = training_data(task(), "rows.txt", 0.0, places)

        assert found.table["row"].to_list() == [2, 3, 4, 6]
        assert found.table["id"].to_list() == ["x1", "x2", "x3", "x5"]
        (tmp_path / "rows.txt").write_text("2 5")
        with pytest.raises(DataError, match="row 5 has no gold label, or no text"):
            training_data(task(), "rows.txt", 0.0, places)

    def test_listed_rows_of_several_files(self, places, tmp_path):
        """A row number of two files means nothing."""
        (tmp_path / "rows.txt").write_text("1")

        with pytest.raises(
            DataError, match="row numbers are those of one file, and the task nli has"
        ):
            training_data(task(train=["train.parquet", "more.parquet"]), "rows.txt", 0.0, places)

    @pytest.mark.parametrize("text", ["{}", "[1.0]", "[true]", '["1"]', "[1", "1"])
    def test_a_faulty_json_list(self, places, tmp_path, text):
        """Of JSON only a list of whole numbers is taken."""
        (tmp_path / "rows.json").write_text(text)

        with pytest.raises(DataError, match="no list of row numbers"):
            training_data(task(), "rows.json", 0.0, places)

    def test_no_such_subset(self, places):
        """A mistyped subset is told what there is."""
        with pytest.raises(DataError, match="neither all, first-half"):
            training_data(task(), "fist-half", 0.0, places)

    def test_a_dose_replaces(self, places):
        """A dose keeps the size, takes its share of the mixture, and a larger one holds it."""
        doses = {d: training_data(task(n_examples=30), "all", d, places) for d in (0.1, 0.5)}

        assert [doses[d].table.height for d in doses] == [30, 30]
        assert [doses[d].n_mixed for d in doses] == [3, 15]
        mixed = {d: found.table.filter(file="mixture.parquet") for d, found in doses.items()}
        assert [mixed[d].height for d in doses] == [3, 15]
        assert set(mixed[0.1]["id"]) <= set(mixed[0.5]["id"])
        own = {d: set(found.table.filter(file="train.parquet")["id"]) for d, found in doses.items()}
        assert own[0.5] <= own[0.1]

    @pytest.mark.parametrize("shares", [(1, 0, 0), (5, 1, 0), (1, 1, 1)])
    def test_a_dose_keeps_the_labels(self, places, tmp_path, shares):
        """Each label is as frequent as without a dose, and has its share of what is mixed in."""
        labels = [i for i, n in enumerate(shares) for _ in range(30 * n // sum(shares))]
        mixture = nli(30, "m").with_columns(label=pl.Series(labels))
        mixture.write_parquet(tmp_path / "mixture.parquet")
        plain = training_data(task(), "all", 0.0, places)
        for dose in (0.02, 0.15, 0.3):
            found = training_data(task(), "all", dose, places)
            mixed = dict(
                found.table.filter(file="mixture.parquet")["label"].value_counts().iter_rows()
            )

            assert found.counts() == plain.counts()
            assert found.n_mixed == sum(mixed.values()) == round(60 * dose)
            for name, n in zip(NLI, shares, strict=True):
                assert abs(mixed.get(name, 0) - found.n_mixed * n / sum(shares)) < 1
            assert found.table.filter(file="train.parquet")["row"].is_sorted()

    @pytest.mark.parametrize(
        ("dose", "labels", "said"),
        [
            (0.9, [0, 1, 2], "a dose of 0.9 takes 54 of 60 examples, and the mixture has 30"),
            (0.005, [0, 1, 2], "a dose of 0.005 takes none of 60 examples. Raise the dose"),
            (0.5, [0], "takes 30 of 60 examples, 30 of them 'entailment', of which there are 20"),
        ],
    )
    def test_a_dose_that_cannot_be(self, places, tmp_path, dose, labels, said):
        """A dose of too much, of too much of one label, or of less than an example is refused."""
        mixture = nli(30, "m").with_columns(label=pl.Series(labels * (30 // len(labels))))
        mixture.write_parquet(tmp_path / "mixture.parquet")

        with pytest.raises(DataError, match=said):
            training_data(task(), "all", dose, places)

    def test_the_whole_may_be_the_mixture(self, places):
        """A dose of one leaves nothing of the training file."""
        found = training_data(task(n_examples=30), "all", 1.0, places)

        assert found.table["file"].unique().to_list() == ["mixture.parquet"]


class TestValidationData:
    """The examples that members are measured on."""

    def test_leaves_out_what_is_learned(self, places, tmp_path):
        """A text that stands in a training file or the mixture, in any case, is no validation."""
        learned = [nli(2, "TRAIN"), nli(1, "mixture")]
        fresh = pl.read_parquet(tmp_path / "validation.parquet")
        pl.concat([*learned, fresh]).write_parquet(tmp_path / "validation.parquet")
        found = validation_data(task(n_examples=1), places)

        assert (found.n_seen, found.table.height) == (3, 12)
        assert found.table["id"].to_list() == fresh["id"].to_list()

    def test_single_texts_are_compared_too(self, places, tmp_path):
        """Without a second text the first decides."""
        texts = pl.DataFrame({"text": ["a", "b", "c"], "label": ["x", "y", "x"]})
        texts.write_parquet(tmp_path / "train.parquet")
        texts.with_columns(text=pl.Series(["B", "d", "e"])).write_parquet(
            tmp_path / "validation.parquet"
        )
        found = validation_data(task(labels=["x", "y"], mixture=[]), places)

        assert found.table["text_a"].to_list() == ["d", "e"]

    def test_must_not_be_the_training_data(self, places):
        """The same file in both places leaves nothing."""
        with pytest.raises(DataError, match="every validation example stands in the training"):
            validation_data(task(validation="train.parquet"), places)
