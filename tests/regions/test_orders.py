"""Which kinds of points have the lower losses."""

import numpy as np
import polars as pl
import pytest

from wsgeo.probing.intervals import wilson_interval
from wsgeo.regions.orders import ORDERED_KINDS, n_failed, region_orders
from wsgeo.regions.region_tables import REGION_ORDERS, REGION_POINTS
from wsgeo.regions.sampling import hull_samples


def row(kind, point, loss, task="g0.l0", head="refit", **changes):
    """Return one measurement; a member is a mix of itself alone."""
    members, shares = changes.pop("mix", ([point], [1.0]))
    return {
        "level": "dataset", "name": "snli", "kind": kind, "point": point, "members": members,
        "coefficients": shares, "task": task, "head": head, "loss": loss, **changes,
    }  # fmt: skip


def table(rows):
    return pl.DataFrame(rows, schema=REGION_POINTS)


def region(rng, n=4, outside=0.0):
    """Return the points of a flat region, with noise, and of members that many nats above it."""
    ids = [f"m{i}" for i in range(n)]
    rows = [row("member", id_, 1 + 0.1 * rng.normal()) for id_ in ids]
    for sample in hull_samples(n, n, rng):
        value = 1 + 0.1 * rng.normal()
        rows.append(row(sample.kind, sample.name, value, mix=(ids, list(sample.coefficients))))
    rows += [row("other_member", f"o{i}", 1 + outside + 0.1 * rng.normal()) for i in range(n)]
    return table(rows)


def orders(points, **options):
    return region_orders(points, seed=0, **{"n_resamples": 200, **options})


def cell(found, a, b):
    return found.row(by_predicate=(pl.col("a") == a) & (pl.col("b") == b), named=True)


def by_hand(points, a, b):
    """Return P_B by counting pairs of points."""
    losses = {
        (kind, point): part["loss"].mean()
        for (kind, point), part in points.group_by("kind", "point")
    }
    pairs = [
        losses[x] <= losses[y]
        for x in losses
        for y in losses
        if x[0] in ORDERED_KINDS[a] and y[0] in ORDERED_KINDS[b] and x != y
    ]
    return np.mean(pairs)


class TestProbability:
    """P_B itself."""

    def test_agrees_with_counting(self, rng):
        """Of every two kinds P_B is the share of pairs in order."""
        points = region(rng)
        found = orders(points)

        assert len(found) == 64
        for each in found.iter_rows(named=True):
            assert each["probability"] == pytest.approx(by_hand(points, each["a"], each["b"]))

    def test_the_order_of_rows_does_not_matter(self, rng):
        """Shuffled measurements give the same probabilities."""
        points = region(rng)
        shuffled = points.sample(fraction=1, shuffle=True, seed=3)
        key = ["a", "b"]

        found, other = orders(points).sort(key), orders(shuffled).sort(key)
        assert other["probability"].to_list() == found["probability"].to_list()
        assert other["mean_a"].to_list() == pytest.approx(found["mean_a"].to_list())

    def test_without_ties_both_directions_sum_to_one(self, rng):
        """What is not at most the other is above it."""
        found = orders(region(rng))
        there, back = cell(found, "members", "outside"), cell(found, "outside", "members")

        assert there["probability"] + back["probability"] == pytest.approx(1)
        assert there["probability_lo"] + back["probability_hi"] == pytest.approx(1, abs=1e-12)

    def test_ties_count_in_both_directions(self):
        """Equal losses are at most each other."""
        points = [row("member", "a", 0.5), row("member", "b", 0.5), row("base", "base", 0.5)]
        found = orders(table(points))

        for a, b in [("members", "base"), ("base", "members"), ("members", "members")]:
            assert cell(found, a, b)["probability"] == 1

    def test_a_kind_against_itself(self, rng):
        """Without ties a kind is at most itself in half of all pairs; nothing needs an interval."""
        mine = cell(orders(region(rng)), "hull", "hull")

        assert mine["probability"] == 0.5
        assert mine["probability_lo"] is None
        assert mine["probability_hi"] is None

    def test_a_monotone_change_of_losses_changes_nothing(self, rng):
        """P_B is of the order of losses alone."""
        points = region(rng)
        steep = points.with_columns(pl.col("loss").exp())

        assert (
            orders(steep).drop("mean_a", "mean_b").equals(orders(points).drop("mean_a", "mean_b"))
        )

    def test_the_loss_is_the_mean_over_common_tasks(self):
        """A task on which a point of the two kinds was not measured does not count."""
        points = [
            row("member", "a", 0.2), row("member", "a", 0.9, "g0.l1"), row("member", "a", 9, "g0.l2"),
            row("base", "base", 0.4), row("base", "base", 0.3, "g0.l1"),
        ]  # fmt: skip
        found = cell(orders(table(points)), "members", "base")

        assert found["n_tasks"] == 2
        assert (found["mean_a"], found["mean_b"]) == pytest.approx((0.55, 0.35))
        assert found["probability"] == 0

    def test_nothing_in_common(self):
        """Kinds that share no task are a row without a probability."""
        found = orders(table([row("member", "a", 0.2), row("base", "base", 0.4, "g0.l1")]))

        assert cell(found, "members", "base")["n_tasks"] == 0
        assert found["probability"].null_count() == len(found) == 2

    @pytest.mark.parametrize("broken", [None, np.nan, np.inf])
    def test_failed_points_are_dropped_and_counted(self, rng, broken):
        """A point with a loss that has no value, on any task, takes no part."""
        points = region(rng)
        half = points.with_columns(task=pl.lit("g0.l1"), loss=pl.lit(broken, dtype=pl.Float64))
        more = pl.concat([points, half.filter(pl.col("point").is_in(["m0", "uniform-1"]))])
        found = orders(more)

        assert n_failed(more) == 2
        assert n_failed(points) == 0
        assert cell(found, "members", "uniform")["n_a"] == 3
        assert cell(found, "members", "uniform")["n_b"] == 3
        assert found["probability"].is_finite().all()

    def test_regions_and_heads_are_apart(self, rng):
        """Several regions and head policies in one table have the rows that each has alone."""
        one = region(rng)
        two = region(rng).with_columns(name=pl.lit("agnews"), head=pl.lit("own"))
        both = orders(pl.concat([one, two]))

        assert both.schema == REGION_ORDERS
        assert both.equals(pl.concat([orders(one), orders(two)]))

    def test_no_points(self):
        """An empty table, and one of failed points, give an empty table."""
        assert orders(table([])).is_empty()
        assert orders(table([row("base", "base", None)])).schema == REGION_ORDERS


class TestInterval:
    """Its 95 % limits."""

    def test_holds_the_estimate(self, rng):
        """The limits lie in [0, 1] around the estimate."""
        found = orders(region(rng)).drop_nulls()

        assert (found["probability_lo"] <= found["probability"]).all()
        assert (found["probability_hi"] >= found["probability"]).all()
        assert found["probability_lo"].min() >= 0
        assert found["probability_hi"].max() <= 1

    def test_the_same_from_the_same_seed(self, rng):
        """Limits are a function of points and seed."""
        points = region(rng)

        assert orders(points).equals(orders(points))

    def test_no_certainty_from_few(self, rng):
        """An order without exception is as sure as one comparison per member, whatever the pairs."""
        far = orders(region(rng, outside=10))

        for a in ("members", "hull", "uniform"):
            found = cell(far, a, "outside")
            assert found["probability"] == 1
            low, high = wilson_interval(4, 4)
            assert (found["probability_lo"], found["probability_hi"]) == pytest.approx((low, high))

    def test_two_points_have_none(self):
        """Of two single points nothing was drawn."""
        points = [
            row("member", "a", 0.2),
            row("base", "base", 0.4),
            row("centroid", "centroid", 0.1),
        ]
        found = cell(orders(table(points)), "centroid", "base")

        assert (found["probability"], found["probability_lo"]) == (1, None)

    def test_narrows_with_members(self, rng):
        """Four times the members halve the width, or nearly so."""
        width = {}
        for n in (5, 20):
            found = cell(orders(region(rng, n)), "hull", "outside")
            width[n] = found["probability_hi"] - found["probability_lo"]

        assert 1.5 < width[5] / width[20] < 3

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [4, 12])
    @pytest.mark.parametrize("curved", [True, False])
    def test_coverage(self, n, curved):
        """In a bowl and on a slope, limits hold the mean over many regions 19 times in 20."""
        rng = np.random.default_rng(1)
        cells = [("hull", "members"), ("members", "outside"), ("hull", "outside")]
        found = {each: [] for each in cells}
        for _ in range(200):
            table_ = orders(_planted(rng, n, curved=curved), n_resamples=80)
            for each in cells:
                found[each].append(cell(table_, *each))
        for each in cells:
            truth = np.mean([one["probability"] for one in found[each]])
            held = [one["probability_lo"] <= truth <= one["probability_hi"] for one in found[each]]
            assert np.mean(held) >= 0.93, each


def _planted(rng, n, *, curved):
    """Return points of a region of random members in a quadratic bowl, or on a slope."""
    places = rng.standard_normal((n, 2))
    others = rng.standard_normal((n, 2)) + 0.7

    def loss(x):
        return float((x**2).sum() if curved else x[0] + 0.1 * (x**2).sum())

    ids = [f"m{i}" for i in range(n)]
    rows = [row("member", id_, loss(x)) for id_, x in zip(ids, places, strict=True)]
    rows += [row("other_member", f"o{i}", loss(x)) for i, x in enumerate(others)]
    for sample in hull_samples(n, n, rng):
        value = loss(np.array(sample.coefficients) @ places)
        rows.append(row(sample.kind, sample.name, value, mix=(ids, list(sample.coefficients))))
    return table(rows)
