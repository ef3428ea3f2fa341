"""Probes: how members behave on the task's own texts, and on changed copies of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wsgeo.errors import DataError
from wsgeo.evaluation.losses import AbstractEngine, Item, Point
from wsgeo.probing.agreements import measure_agreements
from wsgeo.probing.perturbations import KINDS, perturbed
from wsgeo.probing.probe_questions import MEANINGS, Answers, Ask, answers_in, questions_of
from wsgeo.probing.tables import AGREEMENTS, PROBES
from wsgeo.progress import Progress
from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import EncodedExamples, Objective, Task
from wsgeo.zoo.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["MEANINGS", "encode_probes", "perturbed_tasks", "probe_members"]

Row = dict[str, Any]

_OWN = ""


def perturbed_tasks(task: Task, seed: int = 0) -> tuple[dict[str, Task], dict[str, str]]:
    """Return a task's texts changed in every way that applies.

    Parameters
    ----------
    task : Task
        The examples.
    seed : int, default 0
        Seed of new orders of words.

    Returns
    -------
    tasks : dict of str to Task
        By name, ``TASK~KIND``.
    reasons : dict of str to str
        Why a change does not apply, by the name that it would have.

    Examples
    --------
    >>> task = Task("toy", Objective.CLASSIFICATION, ("0",), ("a b",), None, np.array([0]), ("x",))
    >>> tasks, reasons = perturbed_tasks(task)
    >>> list(tasks), len(reasons)
    (['toy~words_shuffled', 'toy~shifted'], 3)
    """
    tasks, reasons = {}, {}
    for kind in KINDS:
        name = f"{task.name}~{kind}"
        try:
            tasks[name] = perturbed(task, kind, seed)
        except DataError as error:
            reasons[name] = str(error)
    return tasks, reasons


def encode_probes(
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    *,
    max_length: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, EncodedExamples], dict[str, str]]:
    """Encode a task's texts, changed in every way that applies, for one loss group.

    Parameters
    ----------
    task : Task
        The examples.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the group.
    labels : sequence of str
        Labels of the group, in its order.
    max_length : int, optional
        Longest input in tokens.
    seed : int, default 0
        Seed of new orders of words.

    Returns
    -------
    examples : dict of str to EncodedExamples
        By name, ``TASK~KIND``; the task's own examples are not among them.
    reasons : dict of str to str
        Why a change does not apply, by the name that it would have.
    """
    tasks, reasons = perturbed_tasks(task, seed)
    examples = {}
    for name, changed in tasks.items():
        try:
            found = encode(changed, tokenizer, labels=labels, max_length=max_length)
        except DataError as error:
            reasons[name] = str(error)
            continue
        if found.lengths.all():
            examples[name] = found
        else:
            reasons[name] = f"{name}: a text has no tokens left."
    return examples, reasons


def probe_members(
    engine: AbstractEngine,
    members: Sequence[Checkpoint],
    task: Task,
    encoded: Mapping[str, EncodedExamples],
    *,
    train: Task | None = None,
    reasons: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Probe the members of one loss group, and compare every two of them.

    Checkpoints of equal content are evaluated once and each gets its rows. Every member has the same
    rows; what could not be evaluated has failed, and what a task does not allow is not applicable,
    each with its reason.

    Parameters
    ----------
    engine : AbstractEngine
        Knows the members by content hash and the examples by name.
    members : sequence of Checkpoint
        Members of one loss group.
    task : Task
        The task that the members were measured on.
    encoded : mapping of str to EncodedExamples
        By name: the task's own examples, and those of `encode_probes`; others are not looked at.
    train : Task, optional
        Examples that the members were trained on, from which the word-count model learns; without
        them it learns from the task's own.
    reasons : mapping of str to str, optional
        Why a change does not apply (from `encode_probes`).
    seed : int, default 0
        Seed of the word-count model.
    progress : Progress, optional
        Told how many evaluations are done.

    Returns
    -------
    probes : DataFrame
        Schema `PROBES`, in the order of members; see `MEANINGS`. Members that are no classifiers
        have one row that says so.
    agreements : DataFrame
        Schema `AGREEMENTS`: one row per pair of members that were evaluated.
    """
    if task.objective is not Objective.CLASSIFICATION:
        return _no_classifiers(members), pl.DataFrame(schema=AGREEMENTS)
    own = encoded[task.name]
    questions = questions_of(task, encoded, reasons or {}, train=train, seed=seed)
    names = {kind: name for kind in KINDS if (name := f"{task.name}~{kind}") in encoded}
    answers = _asked(engine, members, {_OWN: task.name, **names}, progress)
    blocks = {
        content: [_row(*question, given, len(own)) for question in questions.items()]
        for content, given in answers.items()
    }
    rows = [{"id": member.id, **row} for member in members for row in blocks[member.content_hash]]
    told = {member.id: answers[member.content_hash][_OWN] for member in members}
    return pl.DataFrame(rows, schema=PROBES), _agreements(told, own, task.name)


def _asked(
    engine: AbstractEngine,
    members: Sequence[Checkpoint],
    names: Mapping[str, str],
    progress: Progress | None,
) -> dict[str, dict[str, Answers | str]]:
    """Return what each content answered to each example set; a text is why it did not."""
    answers: dict[str, dict[str, Answers | str]] = {m.content_hash: {} for m in members}
    wanted = [(content, kind) for content in answers for kind in names]
    items = [Item((Point.of(content),), names[kind]) for content, kind in wanted]
    for done, (i, (outcome,)) in enumerate(engine.evaluate(items), start=1):
        content, kind = wanted[i]
        answers[content][kind] = answers_in(outcome)
        if progress:
            progress(done, len(items), "probes")
    return answers


def _row(
    name: tuple[str, str], ask: Ask | str, given: Mapping[str, Answers | str], n_examples: int
) -> Row:
    """Return the row of one probe and measure, without an id."""
    probe, measure = name
    row = {"probe": probe, "measure": measure, "n_examples": n_examples}
    if isinstance(ask, str):
        return {**row, "outcome": "not applicable", "reason": ask}
    own, changed = given[_OWN], given[probe if probe in KINDS else _OWN]
    if isinstance(own, str) or isinstance(changed, str):
        reason = own if isinstance(own, str) else changed
        return {**row, "outcome": "failed", "reason": reason}
    try:
        found = ask(own, changed)
    except DataError as error:
        return {**row, "outcome": "not applicable", "reason": str(error)}
    numbers = {"value": found.value, "lo": found.lo, "hi": found.hi, "n_examples": found.n}
    return {**row, **numbers, "outcome": "measured"}


def _agreements(told: Mapping[str, Answers | str], own: EncodedExamples, task: str) -> pl.DataFrame:
    """Compare the members that answered."""
    logits = {name: given.logits for name, given in told.items() if isinstance(given, Answers)}
    if not logits:
        return pl.DataFrame(schema=AGREEMENTS)
    return measure_agreements(list(logits), np.stack(list(logits.values())), own.targets, task)


def _no_classifiers(members: Sequence[Checkpoint]) -> pl.DataFrame:
    row = {
        "probe": "all",
        "measure": "all",
        "outcome": "not applicable",
        "reason": "Only classifiers are probed: these members give texts no labels.",
    }
    return pl.DataFrame([{"id": member.id, **row} for member in members], schema=PROBES)
