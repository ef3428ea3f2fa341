"""The pair table, with losses that are known functions of the point."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses, Point
from wsgeo.paths import barriers
from wsgeo.paths.pairs import measure_pairs
from wsgeo.paths.tables import PAIRS, PROFILES
from wsgeo.weights.layout import Layout
from wsgeo.zoo.checkpoints import Checkpoint

N_EXAMPLES = 64
VALUES = [name for name, kind in PAIRS.items() if kind == pl.Float64 and name != "t_peak"]


def checkpoint(name, content=None):
    """Return a checkpoint that has a name and a hash, and nothing else."""
    content_hash = hashlib.sha256((content or name).encode()).hexdigest()
    layout = Layout(("w",), ((1,),))
    return Checkpoint(name, Path(name), content_hash, {}, "", {}, layout, (), True, Path(), "")


def place(member):
    """Return where a member lies on a plane."""
    return np.frombuffer(bytes.fromhex(member)[:16], dtype=np.uint64) / 2**64


class Landscape(AbstractEngine):
    """Losses of a wavy plane, by the position of the mixed point."""

    def __init__(self, failing=None, n_examples=N_EXAMPLES, stop_after=None):
        self.failing, self.n_examples, self.stop_after = failing or {}, n_examples, stop_after
        self.calls = []

    def evaluate(self, items):
        """Yield the items backwards, so that nothing may lean on their order."""
        finished = 0
        for i, item in reversed(list(enumerate(items))):
            if self.stop_after is not None and len(item.points) > 1:
                if finished == self.stop_after:
                    return
                finished += 1
            yield i, tuple(self.at(point) for point in item.points)

    def at(self, point):
        """Return the outcome at one point."""
        self.calls.append(point)
        for member in point.members:
            if member in self.failing and (len(point.members) > 1 or self.failing[member][1]):
                return self.failing[member][0]
        x, y = sum(c * place(m) for c, m in zip(point.coefficients, point.members, strict=True))
        rng = np.random.default_rng(0)
        weight = rng.exponential(size=self.n_examples)
        shift = 0.1 * len(point.head or "")
        loss = weight * (1.5 + np.sin(9 * x + rng.normal(size=self.n_examples)) * np.cos(7 * y))
        return Losses((loss + shift).astype(np.float32), (loss < 1).astype(np.float32))


@pytest.fixture
def zoo():
    """Return four checkpoints whose names and hashes are ordered differently."""
    return [checkpoint(name) for name in ("m/d", "m/a", "m/c", "m/b")]


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


class TestRefinement:
    """Grids that are finer where a peak lies between their positions."""

    def test_a_missed_peak_is_found(self, zoo):
        """With refinement a gap is nearer to that of a fine grid, and never lower than without."""
        tables = {
            name: measure_pairs(
                Landscape(n_examples=20_000), zoo, "dev", n_resamples=10, ts=ts, refinements=n
            ).pairs
            for name, ts, n in (
                ("coarse", np.linspace(0, 1, 9), 0),
                ("refined", np.linspace(0, 1, 9), 5),
                ("true", np.linspace(0, 1, 65), 0),
            )
        }
        gaps = {name: table["convexity_gap"].to_numpy() for name, table in tables.items()}
        errors = {name: np.abs(gaps[name] - gaps["true"]) for name in ("coarse", "refined")}

        assert (gaps["refined"] >= gaps["coarse"] - 1e-12).all()
        assert errors["refined"].max() < 0.3 * errors["coarse"].max()
        assert tables["refined"]["n_points"].max() > 9

    def test_what_may_be_missed_is_told(self, zoo):
        """The grid error of each pair is about what a fine grid finds above it."""
        table, true = (
            measure_pairs(Landscape(), zoo, "dev", n_resamples=10, ts=ts, refinements=0).pairs
            for ts in (np.linspace(0, 1, 11), np.linspace(0, 1, 81))
        )
        missed = (true["convexity_gap"] - table["convexity_gap"]).to_numpy()

        assert table["grid_error"].to_numpy() == pytest.approx(
            missed, abs=0.15 * missed.max() + 1e-6
        )

    def test_a_plateau_is_left_alone(self):
        """Two copies of one checkpoint have no peak, and cost nothing."""
        zoo = [checkpoint("a", "x"), checkpoint("b", "x")]
        pairs = measure_pairs(Landscape(), zoo, "dev", n_resamples=5).pairs

        assert (pairs["n_points"][0], pairs["grid_error"][0]) == (11, 0.0)


class TestFailures:
    """Pairs without a value are rows with a reason."""

    def test_a_failed_gate_costs_nothing(self, zoo):
        """Pairs of a checkpoint that fails the gate are not evaluated and say why."""
        engine = Landscape()
        gates = {
            "m/a": EndpointGate(True, "passed", ""),
            "m/c": EndpointGate(False, "endpoint_failed", "loss 1.4 is above 1.1"),
        }
        pairs, profiles, matrices = measure_pairs(engine, zoo, "dev", gates=gates, n_resamples=10)
        failed = pairs.filter(pl.col("measured") == "endpoint_failed")
        bad = next(m.content_hash for m in zoo if m.id == "m/c")

        assert set(failed["reason"]) == {"m/c: loss 1.4 is above 1.1"}
        assert len(failed) == 3
        assert failed["convexity_gap"].null_count() == 3
        assert len(profiles) == 3
        assert not any(bad in p.members for p in engine.calls)
        assert np.isnan(matrices[:, 2, [0, 1, 3]]).all()

    @pytest.mark.parametrize("status", ["nonfinite", "failed"])
    @pytest.mark.parametrize("at_the_end", [True, False])
    def test_an_evaluation_that_failed_is_a_row(self, zoo, status, at_the_end):
        """A failure at an end or inside marks the pairs it touches, and no other."""
        bad = zoo[0].content_hash
        engine = Landscape({bad: (Failure(status, "it broke"), at_the_end)})
        pairs, _, _ = measure_pairs(engine, zoo, "dev", n_resamples=10)

        assert pairs["reason"].to_list().count("it broke") == 3
        assert sorted(pairs["measured"].to_list()) == sorted(["measured"] * 3 + [status] * 3)

    def test_a_loss_that_is_not_finite_is_caught(self, zoo):
        """NaN among the losses makes the pair nonfinite, not its numbers."""
        bad = Losses(np.full(N_EXAMPLES, np.nan, np.float32), np.zeros(N_EXAMPLES, np.float32))
        engine = Landscape({zoo[0].content_hash: (bad, False)})
        pairs, _, _ = measure_pairs(engine, zoo, "dev", n_resamples=10)

        assert pairs["measured"].to_list().count("nonfinite") == 3

    def test_a_pair_left_out_is_pending(self, zoo):
        """Excluded pairs, in either order of names, are pending and not evaluated."""
        engine = Landscape()
        pairs, _, _ = measure_pairs(
            engine, zoo, "dev", exclude=[("m/d", "m/a"), ("m/b", "m/c")], n_resamples=10,
            refinements=0,
        )  # fmt: skip

        assert pairs["measured"].to_list().count("pending") == 2
        assert len(engine.calls) == 4 + 4 * 9

    def test_an_engine_that_stops_leaves_pairs_pending(self, zoo):
        """Pairs that were not reached are pending; those reached are measured."""
        pairs, _, _ = measure_pairs(Landscape(stop_after=2), zoo, "dev", n_resamples=10)

        assert pairs["measured"].to_list().count("measured") == 2
        assert pairs["measured"].to_list().count("pending") == 4
