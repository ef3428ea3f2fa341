"""Which distance tells how members will generalise."""

import itertools
import time

import numpy as np
import polars as pl
import pytest

from wsgeo.graph.mantel import rank_correlation
from wsgeo.probing.coordinates import basin_coordinate
from wsgeo.probing.predictors import mantel_tests, predictors
from wsgeo.probing.tables import PREDICTORS, SCORES


def table(values, ids):
    """Return measured scores from an array, one slice per column."""
    rows = [
        {"id": name, "set": "hans", "slice": f"s{k:02}", "metric": value, "outcome": "measured"}
        for name, row in zip(ids, values.tolist(), strict=True)
        for k, value in enumerate(row)
    ]
    return pl.DataFrame(rows, schema=SCORES).drop_nulls("metric")


def line(z, noise, rng):
    """Return noisy distances between places on a line."""
    values = np.triu(np.abs(z[:, None] - z) + rng.exponential(noise, (len(z), len(z))), 1)
    return values + values.T


class TestMantelTests:
    """The shared test of many distances and slices."""

    def test_agrees_with_the_test_of_one(self, rng):
        """Rho is that of the two-sided test, and the one-sided p-value about half of its."""
        z = rng.random(12)
        distances = line(z, 0.3, rng)
        scores = z + rng.normal(0, 0.2, 12)
        rho, p = mantel_tests(distances[None], scores[:, None], rng=rng)
        expected = rank_correlation(scores, distances, rng=rng)

        assert rho[0, 0] == pytest.approx(expected[0])
        assert p[0, 0] <= expected[1] + 0.01

    def test_agrees_with_counting(self, rng):
        """Drawn dealings give the share of all orders of the members with a rho as high."""
        distances, scores = line(rng.random(5), 0.3, rng), rng.random(5)
        rho, p = mantel_tests(distances[None], scores[:, None], rng=rng)
        every = [
            mantel_once(distances, scores[list(order)])
            for order in itertools.permutations(range(5))
        ]
        exact = np.mean(np.array(every) >= rho[0, 0] - 1e-9)

        assert p[0, 0] == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 1_999) + 5e-4)

    def test_farther_members_that_differ_less_are_no_evidence(self):
        """The test is one-sided: a negative correlation has a p-value near 1."""
        z = np.arange(8.0)
        near = np.abs(z[:, None] - z)
        turned = np.where(near > 0, 8 - near, 0.0)
        rho, p = mantel_tests(turned[None], z[:, None], rng=np.random.default_rng(0))

        assert rho[0, 0] == pytest.approx(-1.0)
        assert p[0, 0] > 0.9

    def test_without_differences_there_is_no_correlation(self, rng):
        """Equal scores, or equal distances, give NaN."""
        equal, z = 1.0 - np.eye(6), rng.random(6)
        distances = np.stack([equal, line(z, 0.1, rng)])
        rho, _ = mantel_tests(distances, np.column_stack([np.full(6, 0.1), z]), rng=rng)

        assert np.isnan(rho).tolist() == [[True, True], [True, False]]


def mantel_once(distances, scores):
    """Return Spearman's correlation over pairs, plainly."""
    from scipy.stats import spearmanr

    a, b = np.triu_indices(len(scores), 1)
    return spearmanr(distances[a, b], np.abs(scores[a] - scores[b])).statistic


class TestPredictors:
    """The table of distances against slices."""

    @pytest.fixture
    def zoo(self, rng):
        """Give 14 members on a line, a distance that follows it, one that does not, and scores."""
        z = np.concatenate([rng.normal(0, 0.1, 8), rng.normal(1, 0.1, 6)])
        ids = [f"m{k:02}" for k in range(14)]
        matrices = {"gap": line(z, 0.05, rng), "none": line(np.zeros(14), 1.0, rng)}
        values = np.column_stack([0.5 + 0.3 * z, rng.random(14)])
        return matrices, ids, values, z

    def test_the_distance_that_tells_is_found(self, zoo):
        """Of two distances and two slices only one tells of one."""
        matrices, ids, values, z = zoo
        labels = dict.fromkeys(ids, -1)
        found = predictors(matrices, ids, table(values, ids), labels, rng=np.random.default_rng(0))
        first = found.row(0, named=True)

        assert found.schema == PREDICTORS
        assert found.select("slice", "matrix").rows() == [
            ("s00", "gap"), ("s00", "none"), ("s01", "gap"), ("s01", "none"),
        ]  # fmt: skip
        assert (found["p_adjusted"] < 0.05).to_list() == [True, False, False, False]
        split = basin_coordinate(matrices["gap"], np.full(14, -1))
        assert first["correlation"] == pytest.approx(abs(np.corrcoef(split, z)[0, 1]))
        assert first["correlation_lo"] < first["correlation"] < first["correlation_hi"]

    def test_the_order_of_members_does_not_matter(self, zoo):
        """Shuffled members and scores give the same table."""
        matrices, ids, values, _ = zoo
        order = np.random.default_rng(5).permutation(14)
        turned = {name: m[np.ix_(order, order)] for name, m in matrices.items()}
        scores, labels = table(values, ids), dict.fromkeys(ids, 0)
        one = predictors(matrices, ids, scores, labels, rng=np.random.default_rng(0))
        other = predictors(
            turned, [ids[k] for k in order], scores.sample(fraction=1, shuffle=True), labels,
            rng=np.random.default_rng(0),
        )  # fmt: skip

        assert other.equals(one)

    def test_members_that_lack_a_score_or_a_place_are_left_out(self, zoo):
        """Each row counts the members that have both."""
        matrices, ids, values, _ = zoo
        matrices["gap"][:, 0] = matrices["gap"][0] = np.nan
        values[1, 0] = np.nan
        labels = {name: 0 for name in ids if name != "m05"}
        scores = table(values, ids).filter(pl.col("metric").is_finite())
        found = predictors(matrices, ids, scores, labels, rng=np.random.default_rng(0))

        assert found["n"].to_list() == [11, 12, 12, 13]

    def test_equal_scores_leave_the_numbers_empty(self, zoo):
        """A slice on which all are alike has rows without a correlation, and counts as no question."""
        matrices, ids, values, _ = zoo
        values[:, 1] = 0.1
        found = predictors(
            matrices, ids, table(values, ids), dict.fromkeys(ids, 0), rng=np.random.default_rng(0)
        )
        empty = found.filter(slice="s01").select("rho", "p_value", "p_adjusted", "correlation")

        assert empty.null_count().row(0) == (2, 2, 2, 2)
        first = found.row(0, named=True)
        assert first["p_adjusted"] == pytest.approx(min(1, 2 * first["p_value"]))

    @pytest.mark.parametrize("n", [0, 3])
    def test_few_members_make_no_rows(self, zoo, n):
        """Three pairs tell nothing."""
        matrices, ids, values, _ = zoo
        labels = dict.fromkeys(ids[:n], 0)
        found = predictors(matrices, ids, table(values, ids), labels, rng=np.random.default_rng(0))

        assert found.schema == PREDICTORS
        assert found.is_empty()

    @pytest.mark.slow
    def test_a_hundred_members_take_seconds(self, rng):
        """100 members, 40 slices and 6 distances are compared within 20 s."""
        z, ids = rng.random(100), [f"m{k:03}" for k in range(100)]
        matrices = {name: line(z, 0.1, rng) for name in "abcdef"}
        start = time.perf_counter()
        predictors(matrices, ids, table(rng.random((100, 40)), ids), dict.fromkeys(ids, 0), rng=rng)

        assert time.perf_counter() - start < 20
