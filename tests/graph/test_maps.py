import numpy as np
import pytest
from graph_cases import NOISES, planted

from wsgeo.graph.guard import guard
from wsgeo.graph.maps import classical_scaling, embed, stress


def named(values):
    return guard(values, [f"m{i:02d}" for i in range(len(values))])


class TestClassicalScaling:
    """The map of few members."""

    def test_recovers_points_in_the_plane(self, rng):
        """Distances in the plane are drawn exactly."""
        values = NOISES["cloud 2-d"](10, rng)
        xy = classical_scaling(values)

        assert np.linalg.norm(xy[:, None] - xy, axis=2) == pytest.approx(values)
        assert stress(values, xy) == pytest.approx(0.0, abs=1e-7)

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_few_members_have_places(self, n):
        """One, two and three members are placed without a warning."""
        assert classical_scaling(1.0 - np.eye(n)).shape == (n, 2)

    def test_sign_is_fixed(self, rng):
        """The entry of largest size is positive on both axes."""
        xy = classical_scaling(NOISES["cloud 4-d"](9, rng))

        assert (xy[np.abs(xy).argmax(axis=0), [0, 1]] > 0).all()


class TestEmbed:
    """The table of places."""

    def test_below_fifteen_there_is_no_umap(self, rng):
        """Fourteen members are drawn by classical scaling alone."""
        found = embed(named(NOISES["cloud 2-d"](14, rng)))

        assert found.table["method"].unique().to_list() == ["mds"]

    def test_unit_scales_the_map(self, rng):
        """Ten times the distance is ten times the map."""
        values = NOISES["cloud 2-d"](6, rng)

        assert embed(named(10 * values)).table["x"].to_numpy() == pytest.approx(
            10 * embed(named(values)).table["x"].to_numpy()
        )

    @pytest.mark.slow
    def test_umap_is_seeded(self, rng):
        """From fifteen members UMAP is drawn too; the same seed draws the same."""
        values, labels = planted((10, 6), 0.01, rng)
        one, two = (embed(named(values), seed=1) for _ in range(2))
        xy = one.table.filter(method="umap").select("x", "y").to_numpy()

        assert one.table.equals(two.table)
        assert np.linalg.norm(xy[labels == 0].mean(0) - xy[labels == 1].mean(0)) > 1
