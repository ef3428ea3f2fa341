"""What is read of the files of members."""

import polars as pl
import pytest
from dataset_cases import NLI, nli, task

from wsgeo.errors import DataError, WsgeoError
from wsgeo.tasks import read_task
from wsgeo.training.datasets import training_data, validation_data, write_prepared


class TestExamples:
    """What is read of the files."""

    def test_numbers_become_names(self, places):
        """Label numbers are the declared names, and every row says where it came from."""
        found = training_data(task(), "all", 0.0, places)

        assert found.counts() == dict.fromkeys(NLI, 20)
        assert found.table.row(1, named=True) == {
            "text_a": "train 1. It is.", "text_b": "so 1.", "label": "neutral", "id": "train1",
            "file": "train.parquet", "row": 2,
        }  # fmt: skip

    def test_three_labels_read_as_two(self, places):
        """Merged labels count together, in the order of the first of them."""
        merge = dict.fromkeys(NLI[1:], "non-entailment")
        found = training_data(task(merge=merge), "all", 0.0, places)

        assert found.counts() == {"entailment": 20, "non-entailment": 40}
        assert found.labels == ("entailment", "non-entailment")

    def test_numbers_without_names_are_refused(self, places):
        """Numbers need names: a scan must know what they mean."""
        with pytest.raises(DataError, match="Give labels"):
            training_data(task(labels=None), "all", 0.0, places)

    @pytest.mark.parametrize("ids", [["a"] * 6, ["a", None, "b", "c", "d", "e"], [[1]] * 6])
    def test_ids_that_tell_nothing(self, places, tmp_path, ids):
        """Where ids are repeated, empty or no ids, a worker reads the numbers of the rows as such."""
        nli(6, "x").with_columns(id=pl.Series(ids)).write_parquet(tmp_path / "train.parquet")
        found = training_data(task(), "all", 0.0, places)
        write_prepared(found, tmp_path / "data" / "train.parquet")

        assert read_task(tmp_path / "data" / "train.parquet").ids == tuple("123456")

    def test_a_merge_of_no_label(self, places):
        """A mistyped label merges nothing, so it is refused; one of the mixture alone is known."""
        others = pl.DataFrame({"premise": ["a"], "hypothesis": ["b"], "label": ["unsure"]})
        others.write_parquet(places.recipe.parent / "mixture.parquet")
        known = {"neutral": "other", "contradiction": "other", "unsure": "other"}

        assert validation_data(task(merge=known), places).labels == ("entailment", "other")
        with pytest.raises(
            DataError, match=r"'netural', which is no label. Did you mean 'neutral'"
        ):
            validation_data(task(merge={**known, "netural": "other"}), places)

    def test_spellings_are_merged_too(self, places):
        """A merge reads its labels as labels are compared: without case and separators."""
        merge = {"Neutral": "Non-Entailment", "CONTRADICTION": "Non-Entailment"}
        found = training_data(task(merge=merge), "all", 0.0, places)

        assert found.counts() == {"entailment": 20, "Non-Entailment": 40}

    @pytest.mark.parametrize(
        "given", [{"labels": ["yes", "no", "Yes"]}, {"merge": dict.fromkeys(NLI, "all")}]
    )
    def test_labels_that_are_one(self, places, given):
        """Two spellings of one label, or a merge of all, are no classes."""
        with pytest.raises(DataError, match="not two or more that differ"):
            training_data(task(**given), "all", 0.0, places)

    @pytest.mark.parametrize("read", [training_data, validation_data])
    def test_a_mixture_has_the_labels_of_the_task(self, places, tmp_path, read):
        """Its labels are read as those of the training data; another one is a line with the file."""
        names = pl.col("label").replace_strict(dict(enumerate(NLI)), return_dtype=pl.String)
        for name in ("train", "validation"):
            pl.read_parquet(tmp_path / f"{name}.parquet").with_columns(names).write_parquet(
                tmp_path / f"{name}.parquet"
            )
        named = nli(9, "m").with_columns(names.str.to_uppercase())
        named.write_parquet(tmp_path / "mixture.parquet")
        given = ("all", 0.1) if read is training_data else ()

        assert read(task(labels=None), *given, places).labels == tuple(sorted(NLI))
        named.with_columns(label=pl.lit("unsure")).write_parquet(tmp_path / "mixture.parquet")
        with pytest.raises(DataError, match=r"mixture.parquet: the label 'unsure' is none of"):
            read(task(labels=None), *given, places)

    def test_a_label_that_is_not_declared(self, places):
        """A label number beyond the names is refused."""
        with pytest.raises(DataError, match="'2' is none of"):
            training_data(task(labels=NLI[:2]), "all", 0.0, places)

    def test_characters_are_removed_everywhere(self, places):
        """No text of train, mixture or validation holds a removed character."""
        bare = task(remove_characters=".")
        tables = [
            training_data(bare, "all", 0.5, places).table,
            validation_data(bare, places).table,
        ]

        for table in tables:
            texts = table.select(pl.col("text_a", "text_b").str.contains(".", literal=True).any())
            assert not any(texts.row(0))
        assert tables[1]["text_a"][0] == "validation 0 It is"

    def test_rows_without_text_are_dropped_and_counted(self, places, tmp_path):
        """A text of removed characters alone leaves its row out."""
        table = nli(6, "x").with_columns(
            pl.when(pl.col("id") == "x2")
            .then(pl.lit("..."))
            .otherwise("hypothesis")
            .alias("hypothesis")
        )
        table.write_parquet(tmp_path / "train.parquet")
        found = training_data(task(remove_characters="."), "all", 0.0, places)

        assert (found.table.height, found.n_dropped) == (5, 1)
        assert found.table["row"].to_list() == [1, 2, 4, 5, 6]

    def test_files_follow_one_another(self, places):
        """Several files are one, with ids that tell them apart."""
        found = training_data(task(train=["train.parquet", "more.parquet"]), "all", 0.0, places)

        assert found.table.height == 90
        assert found.table["id"].n_unique() == 90
        assert found.table["file"].unique(maintain_order=True).to_list() == [
            "train.parquet",
            "more.parquet",
        ]


class TestWritePrepared:
    """Files in the zoo."""

    def test_is_read_as_a_task(self, places, tmp_path):
        """What is written reads back with the same texts and names."""
        found = validation_data(task(), places)
        write_prepared(found, tmp_path / "data" / "v.parquet")
        back = read_task(tmp_path / "data" / "v.parquet", labels=NLI)

        assert back.text_b == tuple(found.table["text_b"])
        assert [back.labels[i] for i in back.targets] == found.table["label"].to_list()

    def test_is_kept_and_never_changed(self, places, tmp_path):
        """The same examples are kept as they lie; others under that name are refused."""
        path = tmp_path / "v.parquet"
        write_prepared(validation_data(task(), places), path)
        before = path.stat().st_mtime_ns
        write_prepared(validation_data(task(), places), path)

        assert path.stat().st_mtime_ns == before
        with pytest.raises(WsgeoError, match="other examples"):
            write_prepared(validation_data(task(n_validation=3), places), path)
