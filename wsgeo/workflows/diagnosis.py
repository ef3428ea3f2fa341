"""The members of one loss group, asked all that a diagnosis asks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.heads import HeadPolicy, head_for
from wsgeo.graph.matrices import square
from wsgeo.probing import (
    DiagnosticSet,
    LineTables,
    choose_lines,
    encode_probes,
    encode_sets,
    measure_lines,
    probe_members,
    score_members,
    unknown_share,
)
from wsgeo.probing.perturbations import KINDS
from wsgeo.probing.tables import AGREEMENTS, PROBES
from wsgeo.probing.task_slices import task_slices
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger, Run
from wsgeo.tasks import Objective, Task
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.task import EncodedExamples
from wsgeo.workflows.basins import basins_of
from wsgeo.workflows.engines import backends_for
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData, group_labels, longest_input
from wsgeo.workflows.suites import Suite
from wsgeo.zoo import with_tokenizer

MUCH_UNKNOWN: Final = 0.1
"""Share of unknown tokens from which on a set says little of its members."""


@final
@dataclass(frozen=True)
class Questions:
    """What the members of a loss group are asked, encoded for their tokenizer.

    Parameters
    ----------
    suite : Suite
        Sets that are asked or refused.
    sets, probes : mapping of str to EncodedExamples
        By set, and by change of the task's own texts.
    refused : mapping of str to str
        Why a set does not apply, by its name.
    unprobed : mapping of str to str
        Why a change of the texts does not apply.
    train : Task or None
        Examples that the members were trained on.
    unknown : mapping of str to float
        Share of the tokens of a set that its members' tokenizer does not know, where that is much.
    lines : tuple of (str, str, bool)
        Ids of the ends of lines to follow, and whether both lie in one basin.
    """

    suite: Suite
    sets: Mapping[str, EncodedExamples]
    probes: Mapping[str, EncodedExamples] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    unprobed: Mapping[str, str] = field(default_factory=dict)
    train: Task | None = None
    lines: tuple[tuple[str, str, bool], ...] = ()
    unknown: Mapping[str, float] = field(default_factory=dict)

    @property
    def n_examples(self) -> int:
        """Examples that each member is asked beyond those of the scan."""
        return sum(map(len, [*self.sets.values(), *self.probes.values()]))

    @property
    def followed(self) -> tuple[DiagnosticSet, ...]:
        """Sets that lines are followed on: those that have a loss for each example."""
        # Without labels a loss means nothing, and masked sentences have a loss for each token.
        return tuple(
            one
            for one in self.suite.sets
            if one.kind is not Kind.INVARIANCE
            and len(self.sets.get(one.name, ())) == one.examples.height
        )


@final
@dataclass(frozen=True)
class Diagnosis:
    """What the members of a loss group answered.

    Parameters
    ----------
    scores, probes, agreements : DataFrame
        Schemas of `wsgeo.probing.tables`.
    lines : LineTables or None
        Losses along lines; None where none were asked for.
    """

    scores: pl.DataFrame
    probes: pl.DataFrame
    agreements: pl.DataFrame
    lines: LineTables | None = None


def prepare(
    group: GroupData,
    suite: Suite,
    run: Run,
    settings: ScanSettings,
    *,
    train: Task | None = None,
    n_lines: int = 0,
) -> Questions:
    """Encode for one loss group what fits it, and choose the lines to follow.

    Parameters
    ----------
    group : GroupData
        Members and the examples of the scan.
    suite : Suite
        Sets, and whether the task's own texts are probed.
    run : Run
        Where gaps and basins of the group are read.
    settings : ScanSettings
        Of the scan.
    train : Task, optional
        Examples that the members were trained on.
    n_lines : int, default 0
        Lines between every two basins, and within each.

    Returns
    -------
    Questions
        Where the user named no sets, only those whose labels are the members' by name.
    """
    own = suite.apart_from(group.task.name)
    first = group.members[0]
    use = functools.partial(
        _encode, own.sets, group.task, suite.probes,
        labels=group_labels(first), max_length=longest_input(group.members), seed=settings.seed,
    )  # fmt: skip
    n_texts = sum(one.examples.height for one in own.sets) + len(KINDS) * len(group.task)
    sets, refused, probes, unprobed, unknown = with_tokenizer(first, use, n_texts=n_texts)
    if not suite.named:
        # Labels matched by index would make any set with two labels fit any model with two.
        # Members that do not know the words of a set answer it alike.
        sets = {n: each for n, each in sets.items() if each.labels_named and n not in unknown}
        own = dataclasses.replace(own, sets=tuple(one for one in own.sets if one.name in sets))
        refused, unknown = {}, {}
    lines = _chosen_lines(group, run, settings, n_lines)
    return Questions(own, sets, probes, refused, unprobed, train, lines, unknown)


def ask(
    group: GroupData,
    questions: Questions,
    *,
    pool: AbstractPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None = None,
) -> Diagnosis:
    """Score, probe, and follow lines.

    Parameters
    ----------
    group : GroupData
        Members and the examples of the scan.
    questions : Questions
        What `prepare` returned.
    pool : AbstractPool
        Processes.
    ledger : Ledger
        Finished work.
    settings : ScanSettings
        Of the scan.
    progress : Progress, optional
        Told of each evaluation.

    Returns
    -------
    Diagnosis
        The tables.
    """
    members, task = group.members, group.task
    examples = {task.name: group.encoded, **questions.sets, **questions.probes}
    further = (*questions.sets.values(), *questions.probes.values())
    with Engine(
        members,
        examples,
        pool=pool,
        ledger=ledger,
        precision=settings.precision,
        backends=backends_for(group, pool, ledger, settings, further),
        token_budget=settings.token_budget,
    ) as engine:
        scores = score_members(
            engine, members, questions.suite.sets,
            examples=questions.sets, reasons=questions.refused, progress=progress,
        )  # fmt: skip
        probed = pl.DataFrame(schema=PROBES), pl.DataFrame(schema=AGREEMENTS)
        if questions.suite.probes:
            probed = probe_members(
                engine, members, task, examples,
                train=questions.train, reasons=questions.unprobed, seed=settings.seed,
                progress=progress,
            )  # fmt: skip
        lines = _lines(engine, group, questions, settings, progress)
    return Diagnosis(scores, *probed, lines)


def _encode(
    sets: tuple[DiagnosticSet, ...],
    task: Task,
    probed: bool,
    tokenizer: Any,
    *,
    labels: tuple[str, ...],
    max_length: int | None,
    seed: int,
) -> tuple[dict[str, Any], dict[str, str], dict[str, Any], dict[str, str], dict[str, float]]:
    """Encode sets, and the changed texts of a task; runs where untrusted tokenizers are loaded."""
    found, refused = encode_sets(
        sets, tokenizer, labels, objective=task.objective, max_length=max_length
    )
    probes: dict[str, Any] = {}
    unprobed: dict[str, str] = {}
    if probed and task.objective is Objective.CLASSIFICATION:
        probes, unprobed = encode_probes(task, tokenizer, labels, max_length=max_length, seed=seed)
    shares = {name: unknown_share(each, tokenizer) for name, each in found.items()}
    much = {name: share for name, share in shares.items() if share > MUCH_UNKNOWN}
    return found, refused, probes, unprobed, much


def _lines(
    engine: Engine,
    group: GroupData,
    questions: Questions,
    settings: ScanSettings,
    progress: Progress | None,
) -> LineTables | None:
    """Measure the sets along lines between and within basins."""
    if not questions.lines:
        return None
    policy = HeadPolicy(settings.head_policy)
    return measure_lines(
        engine,
        group.members,
        questions.lines,
        {
            group.task.name: task_slices(group.task),
            **{one.name: one.slices for one in questions.followed},
        },
        np.array(settings.positions),
        head=lambda start, _: head_for(policy, start, settings.seed),
        texts={group.task.name: _texts(group.task)},
        progress=progress,
    )


def _chosen_lines(
    group: GroupData, run: Run, settings: ScanSettings, n_lines: int
) -> tuple[tuple[str, str, bool], ...]:
    """Choose lines; with a head that is fitted anew there is no loss of every example."""
    if not n_lines or settings.head_policy == HeadPolicy.REFIT:
        return ()
    labels = basins_of(run, group.name)
    ids = [member.id for member in group.members if member.id in labels]
    gaps = square(run.table("pairs").filter(pl.col("group") == group.name), ids)
    rng = np.random.default_rng(settings.seed)
    return tuple(choose_lines(labels, gaps, ids, per_kind=n_lines, rng=rng))


def _texts(task: Task) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return id, label and text of each example."""
    labels = (
        tuple("" for _ in task.ids)
        if task.targets is None
        else tuple(task.labels[i] for i in task.targets)
    )
    pairs = task.text_a if task.text_b is None else zip(task.text_a, task.text_b, strict=True)
    return task.ids, labels, tuple(p if isinstance(p, str) else " / ".join(p) for p in pairs)
