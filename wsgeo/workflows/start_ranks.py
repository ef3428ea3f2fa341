"""Stage 1 of a choice of a start: every candidate gets cheap scores, and its rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, final

import polars as pl

from wsgeo.evaluation.heads import halves
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.regions.differences import BASE
from wsgeo.regions.start_tables import STARTS
from wsgeo.tasks import encode
from wsgeo.training import FineTuneRecipe
from wsgeo.workflows.file_names import file_name
from wsgeo.workflows.start_candidates import (
    GENERAL,
    Candidate,
    named,
    soup_of,
)
from wsgeo.workflows.start_features import (
    Scorer,
    TargetSample,
    Values,
    ranked,
    score_candidates,
)
from wsgeo.workflows.start_records import Records
from wsgeo.workflows.start_settings import StartSettings
from wsgeo.workflows.start_studies import Study
from wsgeo.workflows.start_targets import Target, write_examples
from wsgeo.workflows.start_trials import Bench
from wsgeo.zoo import with_tokenizer

_Score = Callable[[Mapping[str, tuple[Candidate, Sequence[int]]]], Mapping[tuple[str, int], Values]]


@final
@dataclass(frozen=True)
class Ranking:
    """The candidates for one target and number of shots, with their scores.

    Parameters
    ----------
    target : Target
        The data.
    shots : int or None
        Training examples; None for all.
    candidates : tuple of Candidate
        The base first.
    scores : mapping of str to dict
        Cheap scores by name.
    rank_by : str
        By which of them they are ranked.
    """

    target: Target
    shots: int | None
    candidates: tuple[Candidate, ...]
    scores: Mapping[str, Values]
    rank_by: str

    @property
    def ranks(self) -> dict[str, int]:
        """Rank by name, from 1; neither the base nor a start without a score has one."""
        scores = ranked(self.scores, self.rank_by)
        known = [(v, name) for name, v in scores.items() if v is not None and name != BASE]
        return {name: place for place, (_, name) in enumerate(sorted(known), 1)}

    def tried(self, top: int, also: Sequence[str] = ()) -> list[Candidate]:
        """Return the starts that are to be fine-tuned.

        Parameters
        ----------
        top : int
            How many of the best.
        also : sequence of str
            Names of others; one that this target has not is passed over.

        Returns
        -------
        list of Candidate
            The base first; the centroid of all, where there is one, is always among them.
        """
        best = [name for name, place in self.ranks.items() if place <= top]
        general = [c.name for c in self.candidates if GENERAL in c.names]
        asked = [one.name for name in also if (one := named(self.candidates, name))]
        names = [BASE, *general, *best, *asked]
        by_name = {candidate.name: candidate for candidate in self.candidates}
        return [by_name[name] for name in dict.fromkeys(names)]

    def table(self, tried: Sequence[Candidate]) -> pl.DataFrame:
        """Return the rows of the table of starts, the base first, then by rank."""
        ranks, names = self.ranks, {candidate.name for candidate in tried}
        last = len(self.candidates) + 1
        ordered = sorted(
            self.candidates, key=lambda c: (c.name != BASE, ranks.get(c.name, last), c.name)
        )
        rows: list[dict[str, Any]] = [
            {
                "target": self.target.name,
                "shots": self.shots,
                "start": one.name,
                "kind": one.kind,
                "level": one.level,
                "members": list(one.ids),
                "weights": list(one.weights),
                "left_out": list(one.left_out),
                **self.scores[one.name],
                "rank": ranks.get(one.name),
                "is_tried": one.name in names,
                "note": one.note,
            }
            for one in ordered
        ]
        return pl.DataFrame(rows, schema=STARTS)


def rank_starts(
    study: Study,
    settings: StartSettings,
    bench: Bench,
    records: Records,
    pool: AbstractPool,
    progress: Progress | None = None,
) -> list[Ranking]:
    """Score the candidates of every target; soups are made of the scores and scored after them.

    Parameters
    ----------
    study : Study
        Targets and members.
    settings : StartSettings
        Examples, shots and ranking.
    bench : Bench
        For the recipe of a few updates.
    records : Records
        What is known of encoders.
    pool : AbstractPool
        Workers.
    progress : Progress, optional
        Told how many encoders are scored.

    Returns
    -------
    list of Ranking
        One per target and number of shots, in their order.

    Raises
    ------
    WsgeoError
        If an encoder cannot be scored, or a text cannot be encoded.
    """
    cells = [(target, shots) for target in study.targets for shots in settings.shots]
    sizes = [min(shots or settings.examples, settings.examples) for _, shots in cells]
    kinds = list(dict.fromkeys((t.name, n) for (t, _), n in zip(cells, sizes, strict=True)))
    by_name = {target.name: target for target in study.targets}
    samples = [_sample(by_name[name], n, study, settings, bench) for name, n in kinds]
    scorer = Scorer(study.base, study.frame, study.tokenizer, samples)
    table = _Table(study, partial(
        score_candidates, scorer=scorer, records=records, pool=pool, progress=progress
    ))  # fmt: skip
    found = [study.candidates[name] for name, _ in kinds]
    table.add(found)
    soups = [soup_of(c, ranked(table.of(c, i), settings.rank_by)) for i, c in enumerate(found)]
    table.add([[soup] if soup else [] for soup in soups])
    whole = [[*c, *([soup] if soup else [])] for c, soup in zip(found, soups, strict=True)]
    places = [kinds.index((t.name, n)) for (t, _), n in zip(cells, sizes, strict=True)]
    return [
        Ranking(target, shots, tuple(whole[i]), table.of(whole[i], i), settings.rank_by)
        for (target, shots), i in zip(cells, places, strict=True)
    ]


@final
@dataclass(frozen=True)
class _Table:
    """Cheap scores by encoder and number of the sample; each encoder is built once for all."""

    study: Study
    score: _Score
    known: dict[tuple[str, int], Values] = field(default_factory=dict)

    def add(self, candidates: Sequence[Sequence[Candidate]]) -> None:
        """Score the candidates of each sample."""
        wanted: dict[str, tuple[Candidate, list[int]]] = {}
        for i, mine in enumerate(candidates):
            for candidate in mine:
                wanted.setdefault(self._key(candidate), (candidate, []))[1].append(i)
        self.known.update(self.score(wanted))

    def of(self, candidates: Sequence[Candidate], i: int) -> dict[str, Values]:
        """Return the scores on a sample, by name."""
        return {c.name: self.known[self._key(c), i] for c in candidates}

    def _key(self, candidate: Candidate) -> str:
        return candidate.key(self.study.base_key)


def _sample(
    target: Target, n: int, study: Study, settings: StartSettings, bench: Bench
) -> TargetSample:
    """Draw and encode the training examples on which candidates are scored."""
    task = target.sample(n, settings.seed)
    use = partial(encode, task, labels=target.labels, max_length=study.tuning.max_length)
    examples = with_tokenizer(study.members[0], use, n_texts=len(task))
    few = _few(target, n, settings, bench) if settings.few_steps else None
    return TargetSample(examples, settings.seed, few)


def _few(target: Target, n: int, settings: StartSettings, bench: Bench) -> FineTuneRecipe:
    """Return the recipe of a few updates: one half of the sample is measured, not what is held out."""
    task = target.sample(n, settings.seed)
    assert task.targets is not None
    train, rest = (task.rows(rows) for rows in halves(task.targets, settings.seed))
    stem = file_name(f"{target.name}-{target.key}-few-{n}-seed{settings.seed}")
    recipe = bench.recipe(target, n, settings.seed)
    return replace(
        recipe,
        train=write_examples(train, bench.folder / "data" / f"{stem}-train.parquet"),
        validation=write_examples(rest, bench.folder / "data" / f"{stem}-rest.parquet"),
        optimization=bench.tuning.optimization(settings, settings.few_steps),
    )
