"""What a choice of a start would do and cost."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import polars as pl

from wsgeo.counting import counted
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import duration
from wsgeo.tasks import encode
from wsgeo.workflows.start_candidates import GENERAL, SOUP, Candidate, can_be_soup, named
from wsgeo.workflows.start_features import Scorer, TargetSample
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_settings import StartSettings
from wsgeo.workflows.start_studies import Study
from wsgeo.workflows.start_trials import Bench
from wsgeo.workflows.trials import fine_tuning_cost
from wsgeo.zoo import with_tokenizer

_FEW, _MANY = 32, 160  # examples of a trial; the difference is free of loading


@final
@dataclass(frozen=True)
class StartPlan:
    """Counts and estimates of a choice.

    Parameters
    ----------
    targets : mapping of str to int
        Candidates by target, with the soup that may be made of their scores.
    n_scores : int
        Encoders to score, each on one sample.
    n_trials : int
        Fine-tunings at most: the base, the centroid of all, the best, and what was asked for, over
        all seeds.
    steps : tuple of int
        Updates of one, by number of shots.
    seconds : tuple of (float, float)
        Estimates of scoring and of fine-tuning.
    jobs : int
        Workers.
    notes : tuple of str
        What a user should know of members, targets and settings.
    """

    targets: Mapping[str, int]
    n_scores: int
    n_trials: int
    steps: tuple[int, ...]
    seconds: tuple[float, float]
    jobs: int
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {**dataclasses.asdict(self), "exit_code": 0}

    def __str__(self) -> str:
        """Return the plan in words."""
        lines = [f"{name}: {counted(n, 'candidate')}" for name, n in self.targets.items()]
        updates = " or ".join(f"{n:,}" for n in dict.fromkeys(self.steps))
        scoring, tuning = map(duration, self.seconds)
        lines.append(f"Scoring {counted(self.n_scores, 'encoder')}: about {scoring}.")
        lines.append(
            f"At most {counted(self.n_trials, 'fine-tuning')} of {updates} updates: about {tuning} "
            f"in {counted(self.jobs, 'worker')}, less where some were made before or starts are decided early."
        )
        return "\n".join([*lines, *self.notes])


def plan_starts(
    study: Study, settings: StartSettings, pool: WorkerPool, start: Sequence[str] = ()
) -> StartPlan:
    """Count candidates and fine-tunings, and time a few of each on the first target.

    Parameters
    ----------
    study : Study
        Targets and members.
    settings : StartSettings
        How they are scored and tried.
    pool : WorkerPool
        As many trials run at once as it has workers.
    start : sequence of str
        Names of candidates that are tried too.

    Returns
    -------
    StartPlan
        Nothing is written to the run.
    """
    n_candidates = {name: _n_with_soup(found) for name, found in study.candidates.items()}
    sizes = {min(shots or settings.examples, settings.examples) for shots in settings.shots}
    n_scores = sum(n_candidates.values()) * len(sizes)
    n_tried = sum(_most_tried(found, settings.top, start) for found in study.candidates.values())
    n_trials = n_tried * settings.seeds * len(settings.shots)
    jobs = max(1, pool.n_jobs)
    each = _seconds_per_score(study, max(sizes))
    costs = _trial_costs(study, settings, pool)
    tuning = sum(seconds for _, seconds in costs) * n_trials / len(costs)
    return StartPlan(
        n_candidates, n_scores, n_trials, tuple(steps for steps, _ in costs),
        (each * n_scores / jobs, tuning / jobs), jobs, study.begun,
    )  # fmt: skip


def _n_with_soup(candidates: Sequence[Candidate]) -> int:
    return len(candidates) + can_be_soup(candidates)


def _most_tried(candidates: Sequence[Candidate], top: int, start: Sequence[str]) -> int:
    """Return how many starts of a target are fine-tuned at most, the base among them."""
    base, *others = candidates
    if not others:
        return 0  # the base alone tells nothing
    always = {base.name, *(one.name for one in others if GENERAL in one.names)}
    always |= {one.name for name in start if (one := named(candidates, name))}
    always |= {SOUP}.intersection(start)
    return min(len(always) + top, _n_with_soup(candidates))


def _seconds_per_score(study: Study, n_examples: int) -> float:
    """Time the base on a few examples and on more of the first target."""
    target = study.targets[0]
    task = target.sample(_MANY, 0)
    use = partial(encode, task, labels=target.labels, max_length=study.tuning.max_length)
    examples = with_tokenizer(study.members[0], use, n_texts=len(task))
    samples = [TargetSample(examples.rows(pl.int_range(n, eager=True).to_numpy())) for n in (
        min(_FEW, len(examples)), len(examples)
    )]  # fmt: skip
    scorer = Scorer(study.base, study.frame, study.tokenizer, samples)
    scorer(((), (), (0,)))
    times = []
    for i in range(2):
        started = time.monotonic()
        scorer(((), (), (i,)))
        times.append(time.monotonic() - started)
    extra = max(1, len(samples[1].examples) - len(samples[0].examples))
    return times[0] + n_examples * max(0.0, times[1] - times[0]) / extra


def _trial_costs(
    study: Study, settings: StartSettings, pool: WorkerPool
) -> list[tuple[int, float]]:
    """Return updates and seconds of one fine-tuning, by number of shots."""
    with tempfile.TemporaryDirectory(prefix="wsgeo-") as place:
        root = Path(place)
        frame = study.frame
        base = write_plain(root / "base", frame.weights, frame, study.tokenizer)
        bench = Bench(root / "trials", settings, study.tuning)
        first = bench.recipe(study.targets[0], settings.shots[0], 0)
        tables = {
            "train": pl.read_parquet(first.train), "validation": pl.read_parquet(first.validation)
        }  # fmt: skip
        recipe = dataclasses.replace(first, base=base)
        cost, _ = fine_tuning_cost(recipe, tables, pool, root / "costs")
    found = []
    for shots in settings.shots:
        n = min(shots or len(study.targets[0].train), len(study.targets[0].train))
        steps = settings.n_steps(n)
        found.append((steps, cost.seconds(steps, 1, min(n, steps * settings.batch_size))))
    return found
