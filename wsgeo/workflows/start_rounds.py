"""Stage 2 of a choice of a start: rounds of fine-tunings, one seed each, until starts are decided."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import polars as pl

from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.regions.start_tables import TRIALS
from wsgeo.regions.stopping import planned_looks, undecided
from wsgeo.workflows.file_names import file_name
from wsgeo.workflows.start_candidates import Candidate
from wsgeo.workflows.start_encoders import start_weights
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_ranks import Ranking
from wsgeo.workflows.start_studies import Study
from wsgeo.workflows.start_trials import Bench, Start, Trial, make_trials


@final
@dataclass(frozen=True)
class Cell:
    """What is tried for one target and number of shots.

    Parameters
    ----------
    ranking : Ranking
        The candidates.
    tried : tuple of Candidate
        Those that are fine-tuned, the base first.
    """

    ranking: Ranking
    tried: tuple[Candidate, ...]


@final
@dataclass
class Rounds:
    """Fine-tunings of all cells, and what came of them.

    Parameters
    ----------
    study : Study
        Base and members.
    bench : Bench
        Makes trials.
    starts : Path
        Folder of start models.
    budget : int or None
        Most fine-tunings that are made anew.
    progress : Progress, optional
        Told how many fine-tunings of a round are made.
    """

    study: Study
    bench: Bench
    starts: Path
    budget: int | None = None
    progress: Progress | None = None
    trials: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TRIALS), init=False)
    n_new: int = field(default=0, init=False)
    is_stopped: bool = field(default=False, init=False)

    def run(self, cells: Sequence[Cell], pool: WorkerPool) -> None:
        """Make the trials seed by seed; a start that is decided gets no further seed.

        Parameters
        ----------
        cells : sequence of Cell
            Targets and shots.
        pool : WorkerPool
            One trial per worker.

        Raises
        ------
        WsgeoError
            If a start cannot be written, or a recipe cannot be run.
        """
        for seed in range(self.bench.settings.seeds):
            wanted = [trial for cell in cells for trial in self._of(cell, seed)]
            chosen = self._affordable(wanted)
            self._write(cells, chosen)
            done = make_trials(chosen, pool, self.progress)
            self.trials = pl.concat([self.trials, done])
            # Where the budget is spent, what is known of further seeds still counts.
            if not wanted:
                break
        if not self.bench.keep and not self.is_stopped:
            for cell in cells:
                for start in self._starts(cell):
                    shutil.rmtree(start.folder, ignore_errors=True)

    def n_wanted(self, cells: Sequence[Cell]) -> tuple[int, int]:
        """Return how many fine-tunings there are at most, and how many of them are known."""
        seeds = range(self.bench.settings.seeds)
        every = [
            self.bench.trial(cell.ranking.target, cell.ranking.shots, start, seed)
            for cell in cells
            if len(cell.tried) > 1
            for start in self._starts(cell)
            for seed in seeds
        ]
        return len(every), sum(trial.is_known for trial in every)

    def _of(self, cell: Cell, seed: int) -> list[Trial]:
        """Return the trials of a seed: of starts that are not decided, and of the base beside them."""
        starts, ranking = self._starts(cell), cell.ranking
        same_shots = pl.col("shots").eq_missing(pl.lit(ranking.shots, dtype=pl.Int64))
        before = self.trials.filter(pl.col("target") == ranking.target.name, same_shots)
        looks = planned_looks(self.bench.settings.seeds)
        open_ = [
            one
            for one in starts[1:]
            if not seed or undecided(before, ranking.target.name, one.name, looks=looks)
        ]
        # The base alone tells nothing.
        needed = [starts[0], *open_] if open_ else []
        return [self.bench.trial(ranking.target, ranking.shots, one, seed) for one in needed]

    def _starts(self, cell: Cell) -> list[Start]:
        base = self.study.base_key
        return [
            Start(one.name, key, self.starts / f"{file_name(one.name)}-{key[:8]}")
            for one in cell.tried
            for key in [one.key(base)]
        ]

    def _affordable(self, wanted: Sequence[Trial]) -> list[Trial]:
        """Return what is known, and as much of the rest as the budget allows."""
        chosen: list[Trial] = []
        for trial in wanted:
            new = not trial.is_known
            if new and self.budget is not None and self.n_new >= self.budget:
                self.is_stopped = True
                continue
            self.n_new += new
            chosen.append(trial)
        return chosen

    def _write(self, cells: Sequence[Cell], trials: Sequence[Trial]) -> None:
        """Write the starts of trials that are to be made."""
        needed = {trial.order.recipe.base for trial in trials if not trial.is_known}  # type: ignore[union-attr]
        for cell in cells:
            for start, candidate in zip(self._starts(cell), cell.tried, strict=True):
                if start.folder in needed and not start.folder.exists():
                    weights = start_weights(
                        candidate.members, candidate.weights, self.study.base, self.study.frame
                    )
                    write_plain(start.folder, weights, self.study.frame, self.study.tokenizer)
