"""Pairs that cannot be measured, and grids that are refined."""

import numpy as np
import polars as pl
import pytest
from pair_cases import N_EXAMPLES, Landscape, checkpoint

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.paths.pairs import measure_pairs


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
