import polars as pl
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.draws import drawn_rows, even_subset
from wsgeo.probing.pairs import better_label, check_pairs, pair_codes
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.grammar import EXAMPLES

MINIMAL, COUNTER, SAME = Kind.MINIMAL_PAIRS, Kind.COUNTERFACTUAL, Kind.INVARIANCE


def examples(*rows):
    """Return examples given as (label, slice, pair)."""
    full = [(f"t{i}", None, label, part, None, pair) for i, (label, part, pair) in enumerate(rows)]
    return pl.DataFrame(full, schema=EXAMPLES, orient="row")


SOUND = {
    "labelled": (Kind.LABELLED, [("a", "s", None)]),
    "labelled in pairs": (Kind.LABELLED, [("a", "s", "1")]),
    "minimal": (MINIMAL, [("b", "s", "1"), ("a", "s", "1")]),
    "counterfactual": (COUNTER, [("b", "s", "1"), ("a", "t", "1"), ("a", "t", None)]),
    "invariance": (SAME, [("a", "s", "1")] * 3),
    "invariance without labels": (SAME, [(None, "s", "1")] * 2),
}
FAULTS = {
    "no pairs": (COUNTER, [("a", "s", None)], "no examples are paired"),
    "one in no pair": (SAME, [("a", "s", "1"), ("a", "s", "1"), ("a", "s", None)], "example 3"),
    "one alone": (COUNTER, [("a", "s", "x")], "pair 'x' has one example"),
    "one label": (MINIMAL, [("a", "s", "x"), ("a", "s", "x")], "not one example of each label"),
    "three": (MINIMAL, [("a", "s", "x"), ("b", "s", "x"), ("b", "s", "x")], "not one example"),
    "two labels": (SAME, [("a", "s", "x"), ("b", "s", "x")], "more than one label.*counterfactual"),
    "two slices": (SAME, [("a", "s", "x"), ("a", "t", "x")], "more than one slice"),
}


class TestCheckPairs:
    """Pairs and the kind of their set."""

    @pytest.mark.parametrize("case", SOUND)
    def test_sound_pairs_pass(self, case):
        """Pairs that are what their kind needs are accepted."""
        kind, rows = SOUND[case]

        check_pairs(examples(*rows), kind, ("a", "b"))

    @pytest.mark.parametrize("case", FAULTS)
    def test_each_fault_names_the_pair(self, case):
        """Pairs that do not fit are refused, with the pair or example at fault."""
        kind, rows, message = FAULTS[case]

        with pytest.raises(DataError, match=message):
            check_pairs(examples(*rows), kind, ("a", "b"), "toy")

    def test_minimal_pairs_have_two_labels(self):
        """Three labels leave open which text is the better one."""
        with pytest.raises(DataError, match="two labels, not 3"):
            check_pairs(examples(("a", "s", "1"), ("b", "s", "1")), MINIMAL, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("labels", "better"),
    [
        (("acceptable", "unacceptable"), "acceptable"),
        (("ungrammatical", "grammatical"), "grammatical"),
        (("not_plausible", "plausible"), "plausible"),
        (("right", "wrong"), "right"),
    ],
)
def test_the_better_label_is_the_one_that_is_negated(labels, better):
    """Of two labels the one that the other negates is the better, else the first."""
    assert better_label(labels) == better


def test_pairs_are_numbered_as_they_come():
    """Codes count pairs from 0; rows in none have -1."""
    table = examples(("a", "s", "z"), ("a", "s", None), ("a", "s", "b"), ("a", "s", "z"))

    assert pair_codes(table).tolist() == [0, -1, 1, 0]
    assert pair_codes(table.with_columns(pair=pl.lit(None, pl.String))).tolist() == [-1] * 4


class TestDrawnRows:
    """Subsets of rows."""

    @pytest.mark.parametrize("evenly", [False, True])
    @pytest.mark.parametrize("n", [1, 7, 20, 39, 40, 99])
    def test_pairs_stay_whole(self, rng, n, evenly):
        """Whatever is drawn, both rows of a pair are drawn or none, and about n in all."""
        pair = rng.permutation(40) // 2
        rows = drawn_rows(pair % 3, pair, n, 0, evenly=evenly)
        held = set(pair[rows].tolist())

        assert sorted(rows) == [i for i in range(40) if pair[i] in held]
        assert abs(len(rows) - min(n, 40)) <= 1

    def test_an_even_draw_gives_each_stratum_its_fill(self, rng):
        """Small strata are taken whole and the others share the rest equally."""
        strata = rng.permutation([0] * 3 + [1] * 50 + [2] * 50)
        rows = even_subset(strata, 43, seed=1)

        assert [int((strata[rows] == k).sum()) for k in range(3)] == [3, 20, 20]
        assert len(set(rows.tolist())) == 43

    def test_the_same_seed_draws_the_same(self, rng):
        """A draw is the seed's."""
        strata = rng.integers(3, size=50)
        one, same, other = (even_subset(strata, 20, seed).tolist() for seed in (1, 1, 2))

        assert one == same != other
