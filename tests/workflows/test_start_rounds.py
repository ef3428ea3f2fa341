"""Rounds: fine-tunings seed by seed, within a budget."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from study_cases import AS_ASKED, NO_DISTANCES, QUICK, regions, study_of

from wsgeo.processes.pool import WorkerPool
from wsgeo.workflows.start_candidates import GENERAL, candidates_for, named
from wsgeo.workflows.start_rounds import Cell, Rounds
from wsgeo.workflows.start_targets import read_target
from wsgeo.workflows.start_trials import Bench

KNOWN = {"status": "trained", "reason": "", "validation_loss": 0.5, "validation_metric": 0.5}


class TestBudget:
    """What is known counts, whatever may still be made."""

    @pytest.fixture
    def made(self, members, frame, film, tmp_path):
        """Give rounds of a budget, and cells; trials of base and centroid are known."""
        target = read_target(str(film))
        bench = Bench(tmp_path / "trials", QUICK, AS_ASKED)
        candidates = candidates_for(members, regions(*members), NO_DISTANCES, ())
        ranking = SimpleNamespace(target=target, shots=None)
        cells = [
            Cell(ranking, tuple(named(candidates, name) for name in names))
            for names in (("base", GENERAL), ("base", GENERAL, members[0].id))
        ]
        rounds = Rounds(study_of(members, frame, target), bench, tmp_path / "starts", budget=0)
        for seed in range(QUICK.seeds):
            for trial in rounds._of(cells[0], seed):
                trial.records.put(trial.key, KNOWN)
        return rounds, cells

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_spent_budget_loses_nothing(self, made, place):
        """All seeds that are known are looked up, whether another start waits for its turn or not."""
        rounds, cells = made
        with WorkerPool(0) as pool:
            rounds.run([cells[place]], pool)

        assert rounds.trials.select("start", "seed").rows() == [
            (name, seed) for seed in range(QUICK.seeds) for name in ("base", GENERAL)
        ]
        assert (rounds.n_new, rounds.is_stopped) == (0, place == 1)
