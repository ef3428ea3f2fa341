import math

import numpy as np
import polars as pl
import pytest

from wsgeo.graph.matrices import square
from wsgeo.graph.status import Tau, choose_tau, edge_status

PAIRS = pl.DataFrame(
    {
        "a": list("aaaaaaa"),
        "b": list("bcdefgh"),
        "convexity_gap": [0.01, 0.05, 0.5, 0.01, None, None, 0.02],
        "convexity_gap_lo": [0.00, 0.01, 0.4, 0.00, None, None, None],
        "convexity_gap_hi": [0.02, 0.20, 0.6, 0.02, None, None, None],
        "rule": ["exact", "exact", "exact", "inferred", "exact", "exact", "exact"],
        "measured": ["measured"] * 4 + ["endpoint_failed", "pending", "measured"],
    }
)


class TestEdgeStatus:
    """What a pair is at a threshold."""

    def test_limits_decide(self):
        """Both limits on one side decide, a straddling interval does not, failures pass on."""
        found = edge_status(PAIRS, Tau(0.1, "given"))

        assert found["status"].to_list() == [
            "connected",
            "undecided",
            "separated",
            "inferred",
            "endpoint_failed",
            "pending",
            "connected",
        ]
        assert set(found["tau"]) == {0.1}

    def test_the_upper_limit_may_equal_tau(self):
        """A pair whose upper limit is tau itself is connected."""
        assert edge_status(PAIRS[:1], 0.02)["status"].to_list() == ["connected"]

    def test_without_tau_nothing_is_decided(self):
        """Where no threshold exists measured pairs are undecided."""
        found = edge_status(PAIRS, Tau(None, "nothing"))

        assert found["status"].to_list()[:3] == ["undecided"] * 3
        assert found["tau"].null_count() == len(PAIRS)

    def test_infinite_limits_decide_nothing(self):
        """A gap that is not a number is undecided; an infinite one is separated."""
        pairs = pl.DataFrame(
            {"a": ["a", "a"], "b": ["b", "c"], "convexity_gap": [float("nan"), float("inf")]}
        )

        assert edge_status(pairs, 0.1)["status"].to_list() == ["undecided", "separated"]


class TestChooseTau:
    """Where the threshold comes from."""

    def test_lies_between_basins(self):
        """With two basins it is the middle of the two percentiles."""
        gaps = np.array([[0, 0.1, 0.9, 0.9], [0.1, 0, 0.9, 0.9], [0.9, 0.9, 0, 0.1]])
        gaps = np.vstack([gaps, [0.9, 0.9, 0.1, 0]])

        assert choose_tau(gaps, None, np.array([0, 0, 1, 1])).value == pytest.approx(0.5)

    def test_one_basin_takes_three_standard_errors(self):
        """With one basin it is three times the median error; missing errors are left out."""
        errors = np.array([[0, 0.02, np.nan], [0.02, 0, 0.02], [np.nan, 0.02, 0]])

        assert choose_tau(np.zeros((3, 3)), errors, np.zeros(3, int)).value == pytest.approx(0.06)

    def test_a_gap_too_small_to_matter_is_no_barrier(self):
        """A threshold below 1 % of the chance loss is raised to it, and its origin says both."""
        errors = np.full((3, 3), 3.4e-5)

        tau = choose_tau(np.zeros((3, 3)), errors, np.zeros(3, int), math.log(2))

        assert tau.value == pytest.approx(0.01 * math.log(2))
        assert "1 % of the loss of the best constant predictor (0.693)" in tau.origin
        assert "three times the median standard error of the gaps is less (0.000102)" in tau.origin

    def test_basins_less_apart_than_the_floor_are_connected(self):
        """The floor holds for the middle between basins too."""
        gaps = np.full((4, 4), 1e-3) - np.diag([1e-3] * 4)

        tau = choose_tau(gaps, None, np.array([0, 0, 1, 1]), math.log(3))

        assert tau.value == pytest.approx(0.01 * math.log(3))

    def test_a_larger_threshold_is_kept(self):
        """Above the floor the threshold is what it is without."""
        errors, labels = np.full((3, 3), 0.1), np.zeros(3, int)

        assert choose_tau(np.zeros((3, 3)), errors, labels, 1.0) == choose_tau(
            np.zeros((3, 3)), errors, labels
        )

    def test_noise_members_set_nothing(self):
        """Members outside every basin do not enter."""
        gaps = np.array([[0, 0.1, 5.0], [0.1, 0, 5.0], [5.0, 5.0, 0]])

        assert choose_tau(gaps, None, np.array([0, 0, -1])).value is None


class TestSquare:
    """From rows to a matrix."""

    def test_holds_measured_pairs_only(self):
        """Pairs that failed are missing; the rest stands in both triangles."""
        values = square(PAIRS, list("abf"))

        assert values[0, 1] == values[1, 0] == 0.01
        assert np.isnan(values[0, 2])
