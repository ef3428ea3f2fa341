"""Medoids are members, and nothing is averaged across a barrier."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.regions.centroids import largest_gap, medoid, refuse_across_barrier
from wsgeo.regions.tables import CENTROIDS, CentroidPlan, Evidence, centroid_row


class TestMedoid:
    """The member in the middle."""

    def test_is_the_point_nearest_to_all(self):
        """On a line the medoid is the middle point, in any order of the members."""
        points = np.array([0.0, 10, 4, 3, 7])
        distance = abs(points[:, None] - points[None])

        assert medoid(distance) == 2
        assert medoid(distance, [4, 0, 3]) == 3
        assert medoid(distance, [1]) == 1

    def test_unknown_distances_are_refused(self):
        """A pair without a distance among the members is an error; one outside is not."""
        distance = np.array([[0, 1, np.nan], [1, 0, 1], [np.nan, 1, 0]])

        assert medoid(distance, [0, 1]) == 0
        for members in (None, []):
            with pytest.raises(ValueError, match="finite"):
                medoid(distance, members)


class TestGuard:
    """No centroid across a barrier."""

    GAPS = np.array([[0, 0.01, 0.3], [0.01, 0, 0.2], [0.3, 0.2, 0]])

    def test_members_of_one_basin_pass(self):
        """Members without a gap above tau pass, with their largest gap."""
        assert refuse_across_barrier(self.GAPS[:2, :2], ["x", "y"], 0.05) == 0.01
        assert refuse_across_barrier(self.GAPS, ["x", "y", "z"], 0.3) == 0.3
        assert refuse_across_barrier([[0]], ["x"], 0.05) == 0

    def test_the_worst_pair_is_named(self):
        """The refusal names the worst pair, its gap, the number of pairs, and what to do."""
        with pytest.raises(WsgeoError, match=r"0\.3 nats .* 'x' and 'z' \(2 of 3") as caught:
            refuse_across_barrier(self.GAPS, ["x", "y", "z"], 0.05)
        assert "--force" in str(caught.value)

    def test_an_undecided_pair_is_not_refused(self):
        """A gap above tau whose lower limit is below it separates nothing."""
        lower = [[0, 0.0, 0.2], [0.0, 0, np.nan], [0.2, np.nan, 0]]
        undecided = np.zeros((3, 3))

        assert refuse_across_barrier(self.GAPS, ["x", "y", "z"], 0.05, lower=undecided) == 0.3
        with pytest.raises(WsgeoError, match="of 3 pairs are separated"):
            refuse_across_barrier(self.GAPS, ["x", "y", "z"], 0.05, lower=lower)

    def test_the_remedy_fits_the_number_of_basins(self):
        """One basin at a time is advice only where there are several."""
        for several, remedy in ((True, "one basin at a time"), (False, "connected members")):
            with pytest.raises(WsgeoError, match=remedy):
                refuse_across_barrier(self.GAPS, ["x", "y", "z"], 0.05, several=several)

    def test_unmeasured_pairs_are_refused(self):
        """What was not measured does not count as connected."""
        gaps = self.GAPS.copy()
        gaps[0, 1] = gaps[1, 0] = np.nan

        with pytest.raises(WsgeoError, match="1 of 3 pairs of members were not measured"):
            refuse_across_barrier(gaps, ["x", "y", "z"], 0.5)
        with pytest.raises(WsgeoError, match="barrier"):
            refuse_across_barrier(gaps, ["x", "y", "z"], 0.05)

    def test_names_cannot_forge_a_message(self):
        """Control characters of an id are escaped."""
        with pytest.raises(WsgeoError) as caught:
            refuse_across_barrier(self.GAPS[1:, 1:], ["\x1b[2J", "b\n"], 0.05)
        assert str(caught.value).isprintable()

    def test_largest_gap(self):
        """Nothing measured is NaN, never zero."""
        assert np.isnan(largest_gap([[0, np.nan], [np.nan, 0]]))
        assert largest_gap(self.GAPS) == 0.3


class TestCentroidRow:
    """The table of centroids."""

    def test_has_the_schema(self):
        """Every row has the columns and types of the schema, whatever was measured."""
        plan = CentroidPlan("basin-0", "basin", "0", "mean", ("a", "b"), (3, 1))
        evidence = Evidence(0.4, 0.9, {"a": 0.5, "b": 0.3}, {"a": 0.8, "b": 0.7}, "a", 0.02)

        row = centroid_row(plan, evidence, "centroids/0", "written")
        empty = centroid_row(plan, Evidence(loss=float("nan")), None, "failed", "why")

        assert row.schema == empty.schema == CENTROIDS
        assert row["weights"][0].to_list() == [0.75, 0.25]
        assert row["best_member"][0] == "b"
        assert row["best_member_metric"][0] == 0.7
        assert row["mean_member_loss"][0] == pytest.approx(0.4)
        assert row["medoid_loss"][0] == 0.5
        assert empty["loss"][0] is None
        assert empty["best_member"][0] is None

    def test_a_mean_over_some_members_is_no_mean(self):
        """Where one member has no loss, the mean is unknown rather than that of the others."""
        plan = CentroidPlan("n", "task", "nli", "mean", ("a", "b"))

        assert centroid_row(plan, Evidence(member_loss={"a": 0.5}), None, "x")[
            "mean_member_loss"
        ].to_list() == [None]

    def test_weights_must_match(self):
        """No members, other lengths and negative shares are errors."""
        for members, weights in [((), ()), (("a",), (1, 2)), (("a", "b"), (2, -1)), (("a",), (0,))]:
            with pytest.raises(ValueError, match="no centroid"):
                CentroidPlan("n", "basin", "0", "mean", members, weights)


class TestWarning:
    """A centroid that is worse than its members says so."""

    @pytest.mark.parametrize(("loss", "said"), [(0.4, False), (0.4004, False), (0.5, True)])
    def test_against_the_mean_member(self, loss, said):
        """It is told where the loss is above the members' mean by more than rounding, with the best."""
        evidence = Evidence(loss=loss, member_loss={"a": 0.5, "b": 0.3})

        warning = evidence.warning(["a", "b"])
        assert bool(warning) == said
        assert not said or "0.1 nats above that of the mean member" in warning
        assert not said or "b, its best member" in warning

    def test_without_figures_nothing_is_said(self):
        """What was not measured is no warning."""
        assert Evidence(member_loss={"a": 0.5}).warning(["a"]) == ""
        assert Evidence(loss=0.5).warning(["a"]) == ""
