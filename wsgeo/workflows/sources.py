"""On what data each loss group is measured."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError, EntryError, WsgeoError
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.tasks import Objective, Task, count_tokens, countable, drawn, encode, read_task
from wsgeo.tasks.task import EncodedExamples
from wsgeo.workflows.settings import ScanSettings
from wsgeo.zoo import Checkpoint, Zoo, objective_of, with_tokenizer
from wsgeo.zoo.model_classes import positions_of

_USUAL = 512  # tokens


@final
@dataclass(frozen=True)
class DataRequest:
    """What the user said about the data.

    Parameters
    ----------
    path : Path or None
        File or folder; None takes what the zoo names.
    split : str or None
        Which file of a folder.
    columns : mapping of str to str
        Column by field.
    objective : str or None
        What the loss is; None takes it from the model class.
    labels : mapping of str to str
        Label of the members by label of the data, where they are not called the same.
    """

    path: Path | None = None
    split: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    objective: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class GroupData:
    """A loss group with the examples it is measured on.

    Parameters
    ----------
    name : str
        Name of the loss group.
    members : tuple of Checkpoint
        Its members, in the order of their ids.
    task : Task
        The examples.
    encoded : EncodedExamples
        The same, for the group's tokenizer and label order.
    text : Task or None
        For language models rows of the file in which tokens are counted, beyond the examples.
    """

    name: str
    members: tuple[Checkpoint, ...]
    task: Task
    encoded: EncodedExamples
    text: Task | None = None

    def token_counts(self) -> NDArray[np.int64] | None:
        """Return how often each token occurs in the text; None for classification."""
        if self.text is None:
            return None
        use = functools.partial(count_tokens, self.text)
        return with_tokenizer(self.members[0], use, n_texts=len(self.text))


def find_data(
    zoo: Zoo, request: DataRequest, settings: ScanSettings
) -> tuple[list[GroupData], list[str]]:
    """Choose, read and encode the examples of each loss group.

    Parameters
    ----------
    zoo : Zoo
        The zoo.
    request : DataRequest
        What the user said.
    settings : ScanSettings
        Number of examples and seed.

    Returns
    -------
    groups : list of GroupData
        The groups with data, the largest first.
    alerts : list of str
        Why a group has none.

    Raises
    ------
    DataError
        If the file that the user named fits no group.
    EntryError
        If there is one group only, and its tokenizer cannot encode the texts.
    """
    names = dict.fromkeys(member.loss_group for member in zoo.members)
    found: list[GroupData] = []
    misfits: list[WsgeoError] = []
    alerts: list[str] = []
    for name in names:
        members = zoo.loss_group(name)
        path = request.path or _named_path(zoo, members)
        if path is None:
            alerts.append(f"No data is named for group {name}: its weights alone are compared.")
            continue
        try:
            found.append(_group(name, members, path, request, settings))
        except (DataError, EntryError) as error:
            misfits.append(error)
            alerts.append(f"Group {name} is not measured: {error}")
    if misfits and not found:
        raise misfits[0]
    return sorted(found, key=lambda group: -len(group.members)), alerts


def _group(
    name: str,
    members: tuple[Checkpoint, ...],
    path: Path,
    request: DataRequest,
    settings: ScanSettings,
) -> GroupData:
    first = members[0]
    whole = read_task(
        path,
        objective=request.objective or objective_of(first.model_class),
        columns=request.columns or None,
        seed=settings.seed,
        split=request.split,
    )
    task = _renamed(drawn(whole, settings.n_examples), request.labels)
    models_language = task.objective is not Objective.CLASSIFICATION
    if models_language and settings.head_policy == HeadPolicy.REFIT:
        raise DataError(
            f"head policy refit fits a classifier, and the objective is {task.objective}",
            where=str(path),
            remedy="Use --head-policy interpolate.",
        )
    use = functools.partial(
        encode, task, labels=group_labels(first), max_length=longest_input(members)
    )
    encoded = with_tokenizer(first, use, n_texts=len(task.ids))
    return GroupData(name, members, task, encoded, countable(whole) if models_language else None)


def _renamed(task: Task, labels: Mapping[str, str]) -> Task:
    """Call the labels of a task as the user says; those that are called the same become one."""
    if unknown := [name for name in labels if name not in task.labels]:
        raise DataError(
            f"--label names {unknown[0]!r}, which is no label of the data",
            where=task.source,
            remedy=f"Its labels: {', '.join(task.labels) or 'none'}.",
        )
    if not labels:
        return task
    said = [labels.get(name, name) for name in task.labels]
    merged = tuple(dict.fromkeys(said))
    places = np.array([merged.index(name) for name in said], np.int64)
    targets = None if task.targets is None else places[task.targets]
    return dataclasses.replace(task, labels=merged, targets=targets)


def group_labels(member: Checkpoint) -> tuple[str, ...]:
    """Return the labels of a member in the order of its loss group."""
    return tuple(member.labels[i] for i in member.label_order) or member.labels


def longest_input(members: Sequence[Checkpoint]) -> int | None:
    """Return how many tokens of an example a group's members may see; None if nothing limits them.

    Parameters
    ----------
    members : sequence of Checkpoint
        Of one loss group.

    Returns
    -------
    int or None
        What the positions hold, and no more than any member was trained with, where that is known:
        the positions behind are as the base left them. At most 512 where there are positions: some
        tokenizers name no limit, and a position beyond the table is an error.
    """
    facts = (member.facts.get("max_length") for member in members)
    limits: list[object] = [fact.value for fact in facts if fact is not None]
    if (positions := positions_of(members[0].config)) is not None:
        limits.append(min(_USUAL, positions))
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def _named_path(zoo: Zoo, members: Sequence[Checkpoint]) -> Path | None:
    """Return the data file that the members agree on, if it lies in the zoo."""
    named = {member.facts["data"].value for member in members if "data" in member.facts}
    if len(named) != 1:
        return None
    # A path inside a file of the zoo must not make us read elsewhere.
    path = (zoo.root / str(named.pop())).resolve()
    return path if path.is_relative_to(zoo.root.resolve()) and path.exists() else None
