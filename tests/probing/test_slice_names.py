"""Names of columns are read as slices."""

import pytest

from wsgeo.probing.slice_names import slice_keys


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
