"""Cheap scores of start models: how well a linear model reads a target off the frozen encoder."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError, WsgeoError
from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.worker import WorkFailure
from wsgeo.progress import Progress
from wsgeo.regions.start_tables import RANKS
from wsgeo.regions.transferability import h_score, log_me, probe_scores
from wsgeo.tasks.task import EncodedExamples
from wsgeo.training import FineTuneRecipe
from wsgeo.training.finished import ALGORITHM
from wsgeo.weights.layout import Weights
from wsgeo.workflows.start_candidates import Candidate
from wsgeo.workflows.start_encoders import empty_encoder, features_of, fill, start_weights
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_records import Records, key_of, making
from wsgeo.zoo import Base, Checkpoint, WholeBase

VERSION: Final = 1
"""Raised when the same encoder and examples would have other scores."""

SCORES: Final = ("probe_loss", "probe_metric", "logme", "h_score", "few_step_loss")
"""Cheap scores, as the table of starts calls them."""

Values = dict[str, float | None]

_SHOWN: Final = 3  # folders in a message


@final
@dataclass(frozen=True, eq=False)
class TargetSample:
    """Examples of a target on which candidates are scored.

    Parameters
    ----------
    examples : EncodedExamples
        Training examples of the target.
    seed : int
        Of the halves of the probe.
    few : FineTuneRecipe or None
        A few updates on half of them, measured on the other half; its base is each candidate.
    """

    examples: EncodedExamples
    seed: int = 0
    few: FineTuneRecipe | None = None

    @property
    def key(self) -> str:
        """Hash of all that a score depends on beside the encoder."""
        few: list[Any] = [making()]
        if self.few is not None:
            plan = dataclasses.asdict(self.few.optimization)
            made = [ALGORITHM, making(self.few.device)]
            few += [made, self.few.method.name, plan, self.few.seed, self.few.max_length]
        return key_of([VERSION, self.examples.key, self.seed, few])


@final
@dataclass
class Scorer:
    """Builds encoders in memory, one at a time, and scores them; is called in workers.

    Parameters
    ----------
    base : Base
        Of all of them.
    frame : WholeBase
        The same, read here: workers, to whom it is sent once, do not read models' configs.
    tokenizer : Path
        Folder of the tokenizer, for the few updates.
    samples : sequence of TargetSample
        What they are scored on.
    """

    base: Base
    frame: WholeBase
    tokenizer: Path
    samples: Sequence[TargetSample]
    _model: Any = field(default=None, init=False)

    def __call__(
        self, asked: tuple[tuple[Checkpoint, ...], tuple[float, ...], tuple[int, ...]]
    ) -> list[Values]:
        """Return the scores of one encoder on some of the samples, by their numbers."""
        from wsgeo.training.devices import alone

        members, shares, numbers = asked
        weights = start_weights(members, shares, self.base, self.frame)
        with alone(0):
            self._model = self._model or empty_encoder(self.frame)
            fill(self._model, weights)
            return [self._scores(self.samples[i], weights) for i in numbers]

    def _scores(self, sample: TargetSample, weights: Weights) -> Values:
        found = features_of(self._model.base_model, sample.examples)
        scores = scores_of(found, sample)
        if sample.few is not None:
            scores["few_step_loss"] = self._few_steps(sample.few, weights)
        return scores

    def _few_steps(self, recipe: FineTuneRecipe, weights: Weights) -> float | None:
        """Return the held-out loss after a few updates; None where they diverge."""
        from wsgeo.training.descent import DivergedError
        from wsgeo.training.fine_tuning import fine_tune

        with tempfile.TemporaryDirectory(prefix="wsgeo-") as place:
            folder = Path(place) / "start"
            write_plain(folder, weights, self.frame, self.tokenizer)
            try:
                trained = fine_tune(dataclasses.replace(recipe, base=folder))
            except DivergedError:
                return None
        return None if trained.evaluation is None else _finite(trained.evaluation.loss)


def score_candidates(
    wanted: Mapping[str, tuple[Candidate, Sequence[int]]],
    scorer: Scorer,
    records: Records,
    pool: AbstractPool,
    progress: Progress | None = None,
) -> dict[tuple[str, int], Values]:
    """Score encoders on samples; what was scored before is not scored again.

    Parameters
    ----------
    wanted : mapping of str to tuple of (Candidate, sequence of int)
        By content key of the encoder: a candidate, and the numbers of the samples.
    scorer : Scorer
        Knows base and samples.
    records : Records
        What is known, and what will be.
    pool : AbstractPool
        Workers.
    progress : Progress, optional
        Told how many encoders are scored.

    Returns
    -------
    dict of (str, int) to dict
        Scores by content key and number of the sample; a score that does not apply is None.

    Raises
    ------
    WsgeoError
        If an encoder cannot be built or run.
    """
    known: dict[tuple[str, int], Values] = {}
    asked: list[tuple[str, Candidate, tuple[int, ...]]] = []
    for key, (candidate, numbers) in wanted.items():
        for i in numbers:
            if (found := records.get(_key(key, scorer.samples[i]))) is not None:
                known[key, i] = found
        left = tuple(i for i in numbers if (key, i) not in known)
        if left:
            asked.append((key, candidate, left))
    arguments = [(c.members, c.weights, numbers) for _, c, numbers in asked]
    for done, (i, answer) in enumerate(pool.run(scorer, arguments), 1):
        key, candidate, numbers = asked[i]
        if isinstance(answer, WorkFailure):
            raise WsgeoError(
                f"the start {candidate.name} cannot be scored ({answer.reason})",
                where=", ".join(str(member.folder) for member in candidate.members[:_SHOWN])
                or None,
                remedy="Check its members, or leave them out: --leave-out ID.",
            )
        for number, scores in zip(numbers, answer, strict=True):
            records.put(_key(key, scorer.samples[number]), dict(scores))
            known[key, number] = scores
        if progress is not None:
            progress(done, len(asked), "starts scored")
    return known


def scores_of(features: NDArray[np.float32], sample: TargetSample) -> Values:
    """Return the cheap scores of features; one that cannot be had of so few examples is None.

    Parameters
    ----------
    features : ndarray of float32, shape (n_examples, width)
        Of an encoder.
    sample : TargetSample
        The examples.

    Returns
    -------
    dict of str to float or None
        By column of the table of starts.
    """
    targets, n_classes = sample.examples.targets, len(sample.examples.labels)
    probed = _tried(lambda: probe_scores(features, targets, n_classes, sample.seed))
    return {
        "probe_loss": None if probed is None else _finite(probed[0]),
        "probe_metric": None if probed is None else _finite(probed[1]),
        "logme": _tried(lambda: _finite(log_me(features, targets, n_classes))),
        "h_score": _tried(lambda: _finite(h_score(features, targets))),
        "few_step_loss": None,
    }


def ranked(scores: Mapping[str, Values], rank_by: str) -> dict[str, float | None]:
    """Return the score that ranks, by name of the start: less is better.

    Parameters
    ----------
    scores : mapping of str to dict
        Cheap scores by name.
    rank_by : str
        One of `RANKS`.

    Returns
    -------
    dict of str to float or None
        None where a start has no such score.

    Examples
    --------
    >>> ranked({"base": {"logme": -0.5}, "run-0": {"logme": -0.2}}, "logme")
    {'base': 0.5, 'run-0': 0.2}
    """
    column, sign = RANKS[rank_by]
    found = {name: values.get(column) for name, values in scores.items()}
    return {name: None if value is None else sign * value for name, value in found.items()}


def _tried(measure: Callable[[], Any]) -> Any:
    try:
        return measure()
    except DataError:
        # Too few examples of a label: other scores, and other targets, may still be had.
        return None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _key(encoder: str, sample: TargetSample) -> str:
    return key_of([encoder, sample.key])
