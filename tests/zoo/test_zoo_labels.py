"""Names of classes and their orders."""

import pytest

from wsgeo.errors import EntryError
from wsgeo.zoo.labels import label_key, order_of, read_labels


class TestReadLabels:
    """`read_labels`."""

    @pytest.mark.parametrize(
        "config",
        [
            {"id2label": {"0": "a", "2": "b"}},
            {"id2label": {"0": "a", "1": "a"}},
            {"id2label": {"0": "a", "1": 3}},
            {"id2label": []},
            {"id2label": {"0": "a", "1": "b"}, "num_labels": 3},
            {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}},
            {"num_labels": 0},
        ],
    )
    def test_refuses_names_that_do_not_number_the_classes(self, config):
        """Holes, repeats, other types and contradictions are refused."""
        with pytest.raises(EntryError) as caught:
            read_labels(config, "config.json")

        assert caught.value.code == "malformed_labels"

    def test_default_names_say_nothing(self):
        """``LABEL_i`` counts as unnamed."""
        assert read_labels({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "c")[1] is False


class TestOrder:
    """`order_of` and `label_key`."""

    def test_every_order_maps_to_one(self, rng):
        """Whatever the order in the file, the mapped names are the same."""
        names = ["e", "N", "c", "x"]
        expected = [names[i] for i in order_of(names, named=True)]
        for _ in range(10):
            shuffled = list(rng.permutation(names))

            assert [shuffled[i] for i in order_of(shuffled, named=True)] == expected
            assert label_key(shuffled, named=True) == label_key(names, named=True)

    def test_unnamed_labels_stay(self):
        """Default names keep the order of the file, also beyond ten."""
        names = [f"LABEL_{i}" for i in range(12)]

        assert order_of(names, named=False) == tuple(range(12))

    def test_case_decides_where_it_must(self):
        """Names that differ in case only stay apart."""
        assert len(set(label_key(["A", "a"], named=True))) == 2
