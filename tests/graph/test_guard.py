import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wsgeo.errors import DataError
from wsgeo.graph.guard import DistanceMatrix, guard
from wsgeo.graph.result import cluster

NAN, INF = float("nan"), float("inf")


class TestGuard:
    """What may be clustered."""

    def test_leaves_good_distances_alone(self):
        """A valid matrix passes unchanged and without a note."""
        found = guard([[0, 1], [1, 0]], ["a", "b"])

        assert found.values.tolist() == [[0.0, 1.0], [1.0, 0.0]]
        assert found.notes == ()

    def test_fills_a_missing_pair_with_the_lowest_pass(self):
        """The missing pair gets the largest distance on the best path around it."""
        found = guard([[0, 1, NAN], [1, 0, 3], [NAN, 3, 0]], ["a", "b", "c"])

        assert found.values[0, 2] == 3.0
        assert found.filled == (("a", "c"),)

    def test_a_pair_given_once_counts(self):
        """A pair known in one direction only is known."""
        assert guard([[0, NAN], [2, 0]], ["a", "b"]).values[0, 1] == 2.0

    def test_sets_aside_a_member_without_pairs(self):
        """A member whose every pair failed is not placed, and a note says so."""
        found = guard([[0, 1, NAN], [1, 0, NAN], [NAN, NAN, 0]], ["a", "b", "c"])

        assert found.ids == ("a", "b")
        assert found.set_aside == ("c",)
        assert "c" in found.notes[0]

    def test_two_islands_are_as_far_as_anything_measured(self):
        """Groups without any path between them are set at the largest distance."""
        values = np.full((4, 4), NAN)
        values[0, 1], values[2, 3] = 1.0, 5.0

        assert guard(values, list("abcd")).values[0, 2] == 5.0

    def test_caps_infinite_distances(self):
        """An infinite distance becomes twice the largest finite one."""
        found = guard([[0, INF, 2], [INF, 0, INF], [2, INF, 0]], ["a", "b", "c"])

        assert found.values[0, 1] == 4.0
        assert "infinite" in found.notes[0]

    def test_clamps_negative_entries_and_says_so(self):
        """A negative distance counts as zero; rounding error is not worth a note."""
        assert "negative" in guard([[0, -0.1], [-0.1, 0]], ["a", "b"]).notes[0]
        assert guard([[0, -1e-17, 1], [-1e-17, 0, 1], [1, 1, 0]], list("abc")).notes == ()

    def test_float32_becomes_float64(self):
        """Single precision is widened."""
        assert guard(np.ones((2, 2), np.float32) - np.eye(2), ["a", "b"]).values.dtype == np.float64

    @pytest.mark.parametrize(
        ("matrix", "ids", "words"),
        [
            ([[0, 1], [2, 0]], ["a", "b"], "not symmetric"),
            ([[0, 1, 2], [1, 0, 2]], ["a", "b"], "2 x 3"),
            ([[0, 1], [1, 0]], ["a", "a"], "twice"),
            ([["x", 1], [1, 0]], ["a", "b"], "not numbers"),
            ([[0, INF], [3, 0]], ["a", "b"], "not symmetric"),
            (np.zeros((0, 0)), [], "empty"),
        ],
    )
    def test_refuses_what_is_no_distance_matrix(self, matrix, ids, words):
        """What cannot be mended is one line that says what is wrong."""
        with pytest.raises(DataError, match=words):
            guard(matrix, ids)

    def test_the_type_checks_itself(self):
        """A matrix that was not guarded cannot be made into the type."""
        with pytest.raises(ValueError, match="finite"):
            DistanceMatrix(np.array([[0.0, -1.0], [-1.0, 0.0]]), ("a", "b"))

    @given(
        values=st.integers(1, 9).flatmap(
            lambda n: arrays(
                np.float64,
                (n, n),
                elements=st.sampled_from([0.0, 1.0, 2.5, -0.1, 1e-300, 1e300, NAN, INF, 1e-9]),
            )
        )
    )
    @settings(max_examples=30, deadline=None)
    def test_nothing_that_passes_breaks_the_clustering(self, values):
        """Whatever mixture of entries comes, clustering ends with labels for all."""
        upper = np.triu(values, 1)
        ids = [f"m{i}" for i in range(len(values))]
        found = cluster(upper + upper.T, ids, n_draws=20)

        assert len(found.labels) == len(ids)
        assert found.verdict
