"""Points and curves of regions, in words."""

import math

import polars as pl
import pytest

from wsgeo.regions.region_tables import REGION_CURVES, REGION_ORDERS, REGION_POINTS, STARS
from wsgeo.workflows.region_findings import (
    headlines,
    line_sentences,
    order_sentences,
    radial_sentences,
)
from wsgeo.workflows.region_stars import star_sentence

REGION = {"level": "dataset", "name": "snli"}


def order(a, b, probability, low, high, head="refit"):
    """Return a row of P_B."""
    figures = {"probability": probability, "probability_lo": low, "probability_hi": high}
    row = {**REGION, "head": head, "a": a, "b": b, **figures, "mean_a": 0.4, "mean_b": 0.5}
    return pl.DataFrame([row | {"n_a": 5, "n_b": 5, "n_tasks": 1}], schema=REGION_ORDERS)


def curve(kind, losses, line="a -> b", head="refit", task="g0.l0"):
    """Return the rows of a curve by its losses at positions."""
    rows = [
        {
            **REGION,
            "curve": kind,
            "line": line,
            "position": t,
            "task": task,
            "head": head,
            "loss": y,
        }
        for t, y in losses.items()
    ]
    return pl.DataFrame(rows, schema=REGION_CURVES)


class TestOrders:
    """What P_B says."""

    @pytest.mark.parametrize(
        ("probability", "low", "high", "said"),
        [
            (0.93, 0.8, 0.99, "Hull samples do at least as well as members: P_B 0.93 [0.80, 0.99]"),
            (0.1, 0.0, 0.3, "Hull samples do worse than members: P_B 0.10 [0.00, 0.30]"),
            (0.6, 0.4, 0.8, "Hull samples and members are not told apart: P_B 0.60"),
            (0.6, None, None, "Hull samples and members are not told apart: P_B 0.60,"),
        ],
    )  # fmt: skip
    def test_only_an_interval_that_leaves_one_half_tells_a_difference(
        self, probability, low, high, said
    ):
        """Which is better is said where the interval lies on one side of one half."""
        [sentence] = order_sentences(order("hull", "members", probability, low, high))

        assert sentence.startswith(said)
        assert sentence.endswith("0.400 against 0.500 nats (probe).")

    def test_levels_are_told_with_their_range(self):
        """A headline has the range of P_B and how often its interval is above one half."""
        rows = [order("hull", "members", 0.9, 0.8, 1.0), order("hull", "members", 0.6, 0.3, 0.8)]
        other = rows[1].with_columns(name=pl.lit("bbc"))

        [sentence] = headlines(pl.concat([rows[0], other]))

        assert sentence == (
            "2 regions of level dataset: P_B of hull samples over members 0.60 to 0.90, with its "
            "95 % interval above one half in 1 of 2 (probe)."
        )


class TestLines:
    """What lines between and beyond members say."""

    def test_the_edge_is_where_the_loss_passes_the_worse_end(self):
        """Both ways out are followed, in lengths of the line from the far end."""
        curves = pl.concat([
            curve("interpolation", {0.0: 0.3, 0.5: 0.2, 1.0: 0.4}),
            curve("extrapolation", {-3.0: 0.5, -1.0: 0.5, 0.0: 0.3, 1.0: 0.4, 2.0: 0.6, 4.0: 0.9}),
        ])  # fmt: skip

        between, beyond = line_sentences(curves)

        assert (
            "of the worse end on 1 of 1 line; on 1 a point inside is better than both ends."
            in between
        )
        assert beyond.endswith(
            "on 1 of 2 ways out, at 1.5 to 1.5 line lengths; on the others nowhere up to 4 line lengths."
        )

    def test_a_loss_that_is_not_finite_is_high(self):
        """Where the loss has no value the region has ended."""
        curves = pl.concat([
            curve("interpolation", {0.0: 0.3, 0.5: 0.3, 1.0: 0.3}),
            curve("extrapolation", {-1.0: None, 0.0: 0.3, 1.0: 0.3, 2.0: None}),
        ])  # fmt: skip

        assert (
            "at 1.0 line lengths (median; 1.0 to 1.0 on 2 of 2 ways out)"
            in line_sentences(curves)[1]
        )

    def test_tasks_are_averaged(self):
        """A position has the mean of its tasks; one that lacks a task has no value."""
        curves = pl.concat([
            curve("interpolation", {0.0: 0.1, 0.5: 0.6, 1.0: 0.1}),
            curve("interpolation", {0.0: 0.9, 0.5: 0.2, 1.0: 0.9}, task="g0.l1"),
        ])  # fmt: skip

        assert "on 1 of 1 line; on 1 a point inside is better" in line_sentences(curves)[0]

    def test_head_policies_are_told_apart(self):
        """Losses under a probe and under one head are not averaged; each sentence names its own."""
        curves = pl.concat([
            curve("interpolation", {0.0: 0.3, 0.5: 0.2, 1.0: 0.3}),
            curve("interpolation", {0.0: 3.0, 0.5: 9.0, 1.0: 3.0}, task="g0.l1", head="own"),
        ])  # fmt: skip

        probe, own = line_sentences(curves)

        assert "on 1 of 1 line; on 1 a point inside is better than both ends (probe)." in probe
        assert "on 0 of 1 line; on 0 a point inside is better than both ends (one head)." in own

    def test_without_lines_nothing_is_said(self):
        """No curve, no sentence."""
        assert line_sentences(pl.DataFrame(schema=REGION_CURVES)) == []


class TestWaysOut:
    """What radial curves say."""

    @pytest.fixture
    def points(self):
        """Give two members of mean loss 0.4."""
        rows = [{**REGION, "kind": "member", "point": p, "task": "g0.l0", "head": "refit", "loss": y}
                for p, y in (("a", 0.3), ("b", 0.5))]  # fmt: skip
        return pl.DataFrame(rows, schema=REGION_POINTS)

    @pytest.mark.parametrize(
        ("losses", "said"),
        [
            (
                {0.0: 0.2, 1.0: 0.3, 2.0: 0.5},
                "at 1.5 times the members' radius; by 0.1 nats nowhere",
            ),
            (
                {0.0: 0.2, 8.0: 0.4},
                "nowhere up to 8 times the members' radius; by 0.1 nats nowhere",
            ),
            ({0.0: 0.4002, 2.0: 0.4004}, "nowhere up to 2 times the members' radius; by"),
            ({0.0: 0.45, 1.0: 0.45, 2.0: 0.55}, "from the start; by 0.1 nats at 1.5 times"),
            (
                {0.0: 0.2, 1.0: 0.3, 2.0: math.inf},
                "at 1.0 times the members' radius; by 0.1 nats at 1.0",
            ),
        ],
    )
    def test_the_members_loss_is_the_level(self, points, losses, said):
        """How far the loss stays at or below the mean of the members' losses is said."""
        [sentence] = radial_sentences(curve("random", losses, "direction-0"), points)

        assert sentence.startswith("In random directions from the centroid the loss")
        assert said in sentence

    def test_without_members_there_is_no_level(self, points):
        """Nothing is said under a head policy that members were not measured under."""
        curves = curve("base", {0.0: 0.1, 1.0: 0.2}, "base", head="own")

        assert radial_sentences(curves, points) == []


def test_the_star_is_named_beside_the_next():
    """The point of the smallest largest gap is told, and who comes after it."""
    rows = [
        {**REGION, "point": p, "largest_gap": gap, "is_star": p == "centroid"}
        for p, gap in (("a", 0.05), ("b", 0.07), ("centroid", 0.01), ("c", None))
    ]

    losses = [
        {**REGION, "kind": kind, "point": point, "head": "interpolate", "loss": loss}
        for kind, point, loss in (("member", "a", 0.4), ("centroid", "centroid", 0.6))
    ]
    points = pl.DataFrame(losses, schema=REGION_POINTS)
    stars = pl.DataFrame(rows, schema=STARS)

    assert star_sentence(stars, points) == [
        "Star point: the centroid, whose largest gap to a member is 0.0100 nats (next: a, 0.0500).",
        (
            "With the mean of the heads the centroid itself has a loss of 0.600 nats, members "
            "0.400: gaps are taken from there."
        ),
    ]
    assert len(star_sentence(stars, points.filter(kind="member"))) == 1
    assert star_sentence(stars.clear(), points) == []
