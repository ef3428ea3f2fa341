"""Where a model lies: which members are looked at, which basin, which place on the map."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from placement_cases import distances, planted, scores

from wsgeo.graph.maps import classical_scaling
from wsgeo.probing.held_out import hold_out
from wsgeo.probing.map_places import map_place
from wsgeo.probing.placement import NO_BASINS, placed, reaches, representatives

NAN = np.nan


class TestRepresentatives:
    """The members of each basin that are looked at."""

    def test_the_first_is_the_medoid(self):
        """The first has the least mean gap to the others, by the plain formula."""
        gaps, labels = planted((7, 4))
        chosen = representatives(gaps, labels, 2)

        for label, rows in chosen.items():
            own = np.flatnonzero(labels == label)
            assert rows[0] == min(own, key=lambda i: gaps[i, own].sum())

    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_covers_as_well_as_twice_the_best(self, n):
        """No member is more than twice as far from the chosen as the best choice would leave it."""
        gaps, labels = planted((8,), spread=1.0, seed=n)
        rows = representatives(gaps, labels, n)[0]

        def radius(chosen):
            return gaps[:, list(chosen)].min(axis=1).max()

        best = min(radius(chosen) for chosen in itertools.combinations(range(8), n))
        # The start is fixed to the medoid, which the bound does not mind.
        assert radius(rows) <= 2 * best + 1e-12

    def test_a_small_basin_is_looked_at_whole(self):
        """A basin with no more members than asked for gives them all."""
        gaps, labels = planted((3, 6))

        assert sorted(representatives(gaps, labels, 3)[0]) == [0, 1, 2]

    def test_members_of_no_basin_are_left_out(self):
        """A member with label -1 is never chosen."""
        gaps, labels = planted((4, 4))
        labels[[0, 5]] = -1

        chosen = representatives(gaps, labels, 10)
        assert {b: sorted(rows) for b, rows in chosen.items()} == {0: [1, 2, 3], 1: [4, 6, 7]}

    def test_pairs_that_were_not_measured_say_nothing(self):
        """A member without a gap to the others is chosen after those with one."""
        gaps, labels = planted((4,))
        gaps[2, :] = gaps[:, 2] = NAN

        assert representatives(gaps, labels, 4)[0][-1] == 2

    def test_order_of_members_does_not_matter(self, rng):
        """Members in another order give the same choice."""
        gaps, labels = planted((6, 5))
        order = rng.permutation(11)
        turned = representatives(gaps[np.ix_(order, order)], labels[order], 3)

        assert {b: order[rows].tolist() for b, rows in turned.items()} == representatives(
            gaps, labels, 3
        )

    def test_none_at_all_is_refused(self):
        """Looking at no member is an error, and so are labels of another number."""
        with pytest.raises(ValueError, match="none to look at"):
            representatives([[0.0]], [0], 0)
        with pytest.raises(ValueError, match="square"):
            representatives([[0.0]], [0, 1], 1)


class TestPlaced:
    """The basin of a model."""

    def test_a_member_of_a_clump_lies_in_it(self):
        """Each point of clear clumps is placed in its own by its gaps to three of each."""
        gaps, labels = planted((6, 5, 4))

        assert (
            hold_out(gaps, [f"m{i}" for i in range(15)], labels, scores({}), tau=0.3)
            .placements["basin"]
            .to_list()
            == labels.tolist()
        )

    def test_a_model_far_from_all_lies_in_none(self):
        """A model beyond the reach of the nearest basin lies in none, with both numbers."""
        found = placed([0.7, 0.8, 0.9], [0, 0, 1], {0: 0.1, 1: 0.1})

        assert found.basin is None
        assert found.reason == (
            "basin 0 is nearest, at a median gap of 0.75 nats; its own reach is 0.1 nats"
        )
        assert (found.nearest, found.gap, found.next_gap, found.n_lines) == (0, 0.75, 0.9, 3)

    def test_a_model_as_near_to_two_lies_in_none(self):
        """A model with equal gaps to two basins lies in neither."""
        found = placed([0.05, 0.05], [0, 1], {0: 0.1, 1: 0.1})

        assert found.basin is None
        assert found.reason.startswith("basins 0 and 1 are about as near")

    def test_one_outlier_does_not_move_it(self):
        """One large gap of three to its own basin changes nothing."""
        assert placed([0.01, 0.02, 5.0, 1.0], [0, 0, 0, 1], {0: 0.1, 1: 0.1}).basin == 0

    def test_the_upper_limit_must_be_within_reach(self, rng):
        """Resamples that often lie beyond the reach leave the model in none."""
        gaps, labels, reach = np.array([0.08, 0.9]), [0, 1], {0: 0.1, 1: 0.1}
        few, many = (gaps + s * rng.standard_normal((200, 2)) for s in (0.05, 0.001))

        assert placed(gaps, labels, reach, resampled=many).basin == 0
        assert "(up to" in placed(gaps, labels, reach, resampled=few).reason

    def test_resamples_are_compared_in_pairs(self, rng):
        """Noise that both gaps share does not hide which is smaller; noise of their own does."""
        gaps, labels, reach = np.array([0.10, 0.12]), [0, 1], {0: 1.0, 1: 1.0}
        shared = gaps + 0.05 * rng.standard_normal((200, 1))
        own = gaps + 0.05 * rng.standard_normal((200, 2))

        assert placed(gaps, labels, reach, resampled=shared).basin == 0
        assert "as near" in placed(gaps, labels, reach, resampled=own).reason

    def test_without_basins_the_nearest_member_is_told(self):
        """Where no basins were found there is a nearest member, and no basin."""
        found = placed([0.4, 0.2], [-1, -1], {})

        assert (found.basin, found.nearest, found.reason) == (None, 1, NO_BASINS)

    def test_without_a_line_nothing_is_said(self):
        """A model whose lines all failed has no nearest member."""
        found = placed([NAN, NAN], [0, 1], {0: 1.0, 1: 1.0})

        assert (found.basin, found.nearest, found.n_lines) == (None, None, 0)

    def test_nothing_is_within_an_unknown_reach(self):
        """Where neither tau nor gaps are known no model lies in a basin."""
        assert placed([0.0], [0], reaches([[0.0]], [0], None)).basin is None


class TestReaches:
    """How far a basin reaches."""

    def test_a_single_basin_ends_at_tau(self):
        """With one basin the reach is tau, however far its members lie apart."""
        assert reaches([[0, 5], [5, 0]], [0, 0], 0.1) == {0: 0.1}

    def test_a_wide_basin_reaches_as_far_as_its_members(self):
        """Beside others a basin reaches to the 95th percentile of its gaps, and at least to tau."""
        gaps, labels = planted((6, 6))
        own = gaps[:6, :6][np.triu_indices(6, 1)]

        assert reaches(gaps, labels, 1e-9)[0] == pytest.approx(np.percentile(own, 95))
        assert reaches(gaps, labels, 0.5) == {0: 0.5, 1: 0.5}


class TestMapPlace:
    """The place on the map."""

    @pytest.mark.parametrize("whole", [True, False])
    def test_a_member_is_put_back(self, rng, whole):
        """A member of points in the plane is put where it was, by all distances or by four."""
        values = distances(rng.standard_normal((9, 2)))
        xy = classical_scaling(values)
        gaps = values[4].copy()
        if not whole:
            gaps[[0, 3, 4, 5, 8]] = NAN

        assert map_place(gaps, xy, values) == pytest.approx(xy[4], abs=1e-6)

    def test_the_formula_is_exact_in_any_dimension(self, rng):
        """By all distances a member of points in five dimensions is put where it was."""
        values = distances(rng.standard_normal((9, 5)))
        xy = classical_scaling(values)

        assert map_place(values[2], xy, values) == pytest.approx(xy[2], abs=1e-9)

    def test_the_unit_does_not_matter(self, rng):
        """Gaps a million times smaller give a place a million times nearer."""
        values = distances(rng.standard_normal((6, 2)))
        gaps = values[1] + 0.1
        small = map_place(1e-6 * gaps, classical_scaling(1e-6 * values))

        assert np.array(small) * 1e6 == pytest.approx(
            map_place(gaps, classical_scaling(values)), abs=1e-6
        )

    def test_members_close_together_do_not_throw_it_off(self):
        """Gaps to two tight clumps, which no place fits, give one no farther away than they say."""
        values, _ = planted((3, 3), spread=1e-4)
        xy = classical_scaling(values)
        gaps = np.array([0.5, 0.6, 0.55, 1.3, 1.2, 1.25])
        place = np.array(map_place(gaps, xy))

        assert np.abs(np.linalg.norm(xy - place, axis=1) - gaps).max() < 0.15

    def test_one_gap_gives_the_member(self):
        """With one gap known the place is that of its member; with none there is no place."""
        xy = np.array([[0.0, 0.0], [1.0, 0.0]])

        assert map_place([0.0, NAN], xy) == pytest.approx((0.0, 0.0))
        assert map_place([NAN, NAN], xy) is None

    def test_members_off_the_map_do_not_count(self):
        """A member without coordinates is left out."""
        assert map_place([0.5, 0.5, 9.0], [[0.0, 0.0], [1.0, 0.0], [NAN, NAN]]) == pytest.approx(
            (0.5, 0.0), abs=1e-6
        )

    def test_other_shapes_are_refused(self):
        """Gaps and coordinates of different numbers are an error."""
        with pytest.raises(ValueError, match="2 gaps"):
            map_place([0.0, 1.0], [[0.0, 0.0]])


def test_gaps_that_are_rounding_errors_have_a_place():
    """A model without a ridge to anyone lies among them, and nothing overflows on the way."""
    xy = np.array([[0.004, 0.0], [-0.003, 0.001], [0.0, -0.002], [0.001, 0.002]])
    gaps = np.array([1e-16, 0.0, 3e-17, np.nan])

    x, y = map_place(gaps, xy)

    assert -0.003 <= x <= 0.004
    assert -0.002 <= y <= 0.002
