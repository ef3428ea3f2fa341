"""The pair table, with losses that are known functions of the point."""

import numpy as np
import polars as pl
import pytest
from pair_cases import Landscape, checkpoint

from wsgeo.evaluation.losses import Point
from wsgeo.paths import barriers
from wsgeo.paths.pairs import measure_pairs
from wsgeo.paths.tables import PAIRS, PROFILES

VALUES = [name for name, kind in PAIRS.items() if kind == pl.Float64 and name != "t_peak"]


class TestRows:
    """Which rows there are."""

    @pytest.mark.parametrize("n", [0, 1, 2, 5])
    def test_there_is_one_row_per_unordered_pair(self, n):
        """The table has n (n - 1) / 2 rows with a < b, and the matrices fit."""
        pairs, profiles, matrices = measure_pairs(
            Landscape(), [checkpoint(f"m{i}") for i in range(n)], "dev", n_resamples=10
        )

        assert pairs.schema == PAIRS
        assert profiles.schema == PROFILES
        assert len(pairs) == len(profiles) == n * (n - 1) // 2
        assert all(a < b for a, b in pairs.select("a", "b").iter_rows())
        assert matrices.shape == (10, n, n)
        assert np.isfinite(matrices).all()

    def test_order_of_the_checkpoints_does_not_matter(self, zoo):
        """Shuffling the zoo gives the same tables."""
        one, two = (measure_pairs(Landscape(), z, "dev", n_resamples=20) for z in (zoo, zoo[::-1]))

        assert one.pairs.equals(two.pairs)
        assert one.profiles.equals(two.profiles)
        assert (one.gap_matrices == two.gap_matrices).all()

    def test_names_do_not_change_a_value(self):
        """Exchanging two names mirrors the profile and keeps every number."""
        one = measure_pairs(Landscape(), [checkpoint("a", "x"), checkpoint("b", "y")], "dev")
        two = measure_pairs(Landscape(), [checkpoint("b", "x"), checkpoint("a", "y")], "dev")

        assert one.pairs.select(VALUES).equals(two.pairs.select(VALUES))
        assert one.pairs["t_peak"][0] == pytest.approx(1 - two.pairs["t_peak"][0])
        assert one.profiles["loss"][0].to_list() == two.profiles["loss"][0].to_list()[::-1]

    def test_an_uneven_grid_is_counted_from_a(self):
        """Positions of the profile run from a to b whatever the direction walked."""
        ts = [0, 0.1, 0.5, 1]
        grids = set()
        for x, y in (("x", "y"), ("y", "x")):
            zoo = [checkpoint("a", x), checkpoint("b", y)]
            _, profiles, _ = measure_pairs(Landscape(), zoo, "dev", ts=ts, n_resamples=10)
            grids.add(tuple(profiles["t"][0].to_list()))

        assert grids == {(0, 0.1, 0.5, 1), (0, 0.5, 0.9, 1)}

    def test_names_must_be_distinct(self):
        """Two checkpoints of one name raise."""
        with pytest.raises(ValueError, match="distinct"):
            measure_pairs(Landscape(), [checkpoint("a")] * 2, "dev")


class TestValues:
    """What the numbers are."""

    def test_scalars_are_those_of_the_profile(self, zoo):
        """Every scalar of a row can be computed again from its profile."""
        pairs, profiles, _ = measure_pairs(Landscape(), zoo, "dev", n_resamples=50)
        for row, curve in zip(pairs.to_dicts(), profiles.to_dicts(), strict=True):
            t, loss = curve["t"], curve["loss"]

            assert row["convexity_gap"] == pytest.approx(barriers.convexity_gap(t, loss), abs=1e-12)
            assert row["barrier_height"] == pytest.approx(
                barriers.barrier_height(t, loss), abs=1e-12
            )
            assert row["error_barrier"] == pytest.approx(
                barriers.error_barrier(t, curve["metric"]), abs=1e-12
            )

    def test_profiles_start_and_end_at_the_checkpoints(self, zoo):
        """The profile begins with the mean loss of a and ends with that of b."""
        engine = Landscape()
        _, profiles, _ = measure_pairs(engine, zoo, "dev", n_resamples=10)
        loss = {m.id: engine.at(Point.of(m.content_hash)).mean for m in zoo}

        for row in profiles.to_dicts():
            assert row["loss"][0] == pytest.approx(loss[row["a"]])
            assert row["loss"][-1] == pytest.approx(loss[row["b"]])

    def test_values_lie_in_their_intervals(self, zoo):
        """Lower limit, value and upper limit are in order and never below zero."""
        pairs, _, _ = measure_pairs(Landscape(), zoo, "dev")
        for name in ("barrier_height", "barrier_mean", "convexity_gap"):
            assert (pairs[f"{name}_lo"] >= 0).all()
            assert (pairs[f"{name}_lo"] <= pairs[f"{name}_hi"]).all()

    def test_geometry_is_looked_up_by_name(self, zoo):
        """Distances follow their checkpoints through the sorting; a missing cosine is null."""
        l2 = np.arange(16.0).reshape(4, 4)
        l2 += l2.T
        pairs, _, _ = measure_pairs(
            Landscape(), zoo, "dev", l2=l2, cosine=np.full((4, 4), np.nan), n_resamples=10
        )
        names = [m.id for m in zoo]

        for row in pairs.to_dicts():
            assert row["l2"] == l2[names.index(row["a"]), names.index(row["b"])]
        assert pairs["cosine"].null_count() == 6

    def test_a_grid_without_the_middle_has_no_midpoint_excess(self, zoo):
        """On ten even points the midpoint excess is null, and the rest is there."""
        pairs, _, _ = measure_pairs(
            Landscape(), zoo, "dev", ts=np.linspace(0, 1, 10), n_resamples=10
        )

        assert pairs["midpoint_excess"].null_count() == len(pairs)
        assert pairs["convexity_gap"].null_count() == 0

    def test_matrices_share_their_resamples(self):
        """Pairs with the same losses have the same resampled gaps."""
        zoo = [checkpoint("a", "x"), checkpoint("b", "y"), checkpoint("c", "y")]
        _, _, matrices = measure_pairs(Landscape(), zoo, "dev", n_resamples=30)

        assert (matrices[:, 0, 1] == matrices[:, 0, 2]).all()
        assert (matrices == matrices.transpose(0, 2, 1)).all()


class TestWork:
    """What is evaluated, and how often."""

    def test_every_point_is_evaluated_once(self, zoo):
        """Ends cost one evaluation per checkpoint, pairs nine each and two where they are refined."""
        plain, refined = Landscape(), Landscape(n_examples=20_000)  # intervals are narrow
        measure_pairs(plain, zoo, "dev", n_resamples=10, refinements=0)
        found = measure_pairs(refined, zoo, "dev", n_resamples=10, refinements=5)

        assert len(plain.calls) == len(set(plain.calls)) == 4 + 6 * 9
        further = found.pairs["n_points"].sum() - 6 * 11
        assert len(refined.calls) == len(set(refined.calls)) == 4 + 6 * 9 + further
        assert further > 0

    def test_lines_are_walked_from_the_smaller_hash(self, zoo):
        """The first member of each interior point has the smaller content hash."""
        engine = Landscape()
        measure_pairs(engine, zoo, "dev", n_resamples=10)

        assert all(list(p.members) == sorted(p.members) for p in engine.calls)

    def test_twins_are_not_evaluated_again(self):
        """A twin has gap zero to its twin and the same values as the twin to others."""
        engine = Landscape()
        zoo = [checkpoint("a", "x"), checkpoint("b", "y"), checkpoint("c", "x")]
        pairs, profiles, _ = measure_pairs(engine, zoo, "dev", n_resamples=20)
        rows = {(r["a"], r["b"]): r for r in pairs.to_dicts()}

        assert len(engine.calls) == 2 + 9
        assert [rows["a", "c"][f"convexity_gap{s}"] for s in ("", "_lo", "_hi", "_se")] == [0] * 4
        assert rows["a", "c"]["measured"] == "measured"
        assert {k: rows["a", "b"][k] for k in VALUES} == {k: rows["b", "c"][k] for k in VALUES}
        assert len(profiles) == 3

    def test_progress_counts_lines(self, zoo):
        """Each line that is done is told once, up to the total."""
        told = []
        measure_pairs(Landscape(), zoo, "dev", n_resamples=5, progress=lambda *a: told.append(a))

        assert told == [(i, 6, "pairs") for i in range(1, 7)]

    @pytest.mark.parametrize("policy", ["own", "source"])
    def test_one_head_reaches_every_point(self, zoo, policy):
        """With one end's head throughout, each point carries it, save that end itself."""
        engine = Landscape()
        pairs, _, _ = measure_pairs(
            engine, zoo[:2], "dev", n_resamples=5, head_policy=policy, refinements=0
        )
        first, second = sorted(m.content_hash for m in zoo[:2])

        assert pairs["head_policy"].to_list() == [policy]
        assert [p.head for p in engine.calls if len(p.members) == 2] == [first] * 9
        assert {p for p in engine.calls if len(p.members) == 1} == {
            Point.of(first),
            Point((second,), (1.0,), first),
        }

    def test_a_fitted_head_is_fitted_at_the_ends_too(self, zoo):
        """Under refit the whole path has one kind of loss, and each end is fitted once."""
        engine = Landscape()
        pairs, _, _ = measure_pairs(
            engine, zoo, "dev", n_resamples=5, head_policy="refit", seed=3, refinements=0
        )

        assert set(pairs["head_policy"]) == {"refit"}
        assert {p.head for p in engine.calls} == {"refit:3"}
        assert len(engine.calls) == 4 + 6 * 9
