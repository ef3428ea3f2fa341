"""Models that are no members of a run, read as members are, and the loss group that takes each."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from wsgeo.escapes import shown
from wsgeo.progress import Progress
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.zoo import Checkpoint, Zoo, read_zoo
from wsgeo.zoo.checkpoints import Exclusion
from wsgeo.zoo.discovery import Found
from wsgeo.zoo.named_entries import entry_from_user


@final
@dataclass(frozen=True)
class NewModel:
    """A model that somebody names beside a run.

    Parameters
    ----------
    id : str
        What it is called; a number is added where a member, or another model, has the name.
    checkpoint : Checkpoint or None
        The model, as one of a loss group of the run; None where it cannot be used.
    content_hash : str or None
        Of its weights; None where they could not be read.
    reason : str
        Why it cannot be compared, without a full stop; empty where it can.
    duplicate_of : str or None
        The member whose weights it has.
    """

    id: str
    checkpoint: Checkpoint | None = None
    content_hash: str | None = None
    reason: str = ""
    duplicate_of: str | None = None


def entries_named(models: Sequence[str]) -> dict[str, Found]:
    """Find models, before anything that takes long is done.

    Parameters
    ----------
    models : sequence of str
        Folders of models or adapters, hub ids ``org/name@revision``, or ``base+adapter``.

    Returns
    -------
    dict of str to Found
        By what was written.

    Raises
    ------
    ZooError
        If a text names no folder and no hub id.
    MissingAssetError
        If a hub id is neither cached nor to be fetched.
    """
    return {text: entry_from_user(text) for text in models}


def read_new_models(
    inputs: ScanInputs,
    models: Mapping[str, Found],
    progress: Progress | None = None,
    *,
    earlier: Mapping[str, str | None] | None = None,
) -> list[NewModel]:
    """Read models by the rules of the zoo that a run is of.

    The zoo is read once more with the models among its entries: every check of a member is then a
    check of them, and the zoo's own grouping says which members they may be compared with.

    Parameters
    ----------
    inputs : ScanInputs
        The zoo and data of the run.
    models : mapping of str to Found
        From `entries_named`.
    progress : Progress, optional
        Told of the inventory.
    earlier : mapping of str to str or None, optional
        Content hash of each model that was placed before: its name is left to these weights.

    Returns
    -------
    list of NewModel
        One per distinct model, in the given order.
    """
    asked = inputs.request
    both = read_zoo(
        asked.root,
        ids=(*asked.ids, *models),
        base=asked.base,
        all_steps=asked.all_steps,
        allow_pickle=asked.allow_pickle,
        progress=progress,
    )
    distinct: dict[tuple[Path, str | None], Found] = {}
    for one in models.values():
        distinct.setdefault((one.folder.resolve(), one.base), one)
    read = {entry: _member_of(both, entry) for entry in distinct.values()}
    refused = [entry for entry, model in read.items() if model is None]
    reasons = _reasons(refused, both, inputs.zoo)
    found = [
        NewModel(entry.id, reason=reasons[entry])
        if model is None
        else _among_members(entry.id, model, both, inputs)
        for entry, model in read.items()
    ]
    return _told_apart(found, {member.id for member in inputs.zoo.members}, earlier or {})


def _member_of(both: Zoo, entry: Found) -> Checkpoint | None:
    return next((member for member in both.members if _is_of(member, entry)), None)


def _told_apart(
    models: Sequence[NewModel], members: Collection[str], earlier: Mapping[str, str | None]
) -> list[NewModel]:
    """Add a number to names that are taken, or were of other weights when placed before."""
    taken, found = set(members), []
    for one in models:
        names = itertools.chain([one.id], (f"{one.id}#{k}" for k in itertools.count(2)))
        others = {
            name for name, digest in earlier.items() if digest not in {None, one.content_hash}
        }
        # A member that is named beside its own run keeps its name.
        own = one.id == one.duplicate_of
        name = one.id if own else next(name for name in names if name not in taken | others)
        taken.add(name)
        model = one.checkpoint and dataclasses.replace(one.checkpoint, id=name)
        found.append(dataclasses.replace(one, id=name, checkpoint=model))
    return found


def _among_members(name: str, model: Checkpoint, both: Zoo, inputs: ScanInputs) -> NewModel:
    """Find the members that a model may be compared with, or why there are none."""
    members = {member.id: member for member in inputs.zoo.members}
    digest = model.content_hash
    if model.id in members:
        return NewModel(model.id, members[model.id], digest, duplicate_of=model.id)
    # Names of groups may change with a further member: those of the run are its members'.
    mates = [members[m.id] for m in both.loss_group(model.loss_group) if m.id in members]
    if not mates:
        return NewModel(name, None, digest, _why_apart(model, inputs))
    group, geometry = mates[0].loss_group, mates[0].geometry_group
    if group not in {found.name for found in inputs.groups}:
        reason = f"its loss group {group} was not measured in this run"
        return NewModel(name, None, digest, reason)
    twin = next((m.id for m in mates if m.content_hash == digest), None)
    own = dataclasses.replace(
        model, loss_group=group, geometry_group=geometry, base=model.base or mates[0].base
    )
    return NewModel(name, own, digest, duplicate_of=twin)


def _is_of(member: Checkpoint, entry: Found) -> bool:
    """Return whether a member was read from an entry's folder, with the base that it names."""
    folder = member.adapter or member.folder
    named = entry.base is None or member.id.startswith(f"{entry.base}+") or member.id == entry.id
    return folder.resolve() == entry.folder.resolve() and named


def _reasons(refused: Sequence[Found], both: Zoo, before: Zoo) -> dict[Found, str]:
    """Return why the zoo refuses each of some models; of one name it numbers all but the first."""
    known = {(row.id, row.code) for row in before.excluded}
    new = [row for row in both.excluded if (row.id, row.code) not in known]
    reasons = {}
    for entry in refused:
        own = [
            row for row in both.excluded if (both.root / row.id).resolve() == entry.folder.resolve()
        ]
        numbered = {k: row for row in new if (k := _number(row.id, entry.id))}
        row = own[0] if own else numbered[min(numbered)] if numbered else None
        new = [other for other in new if other is not row]
        reasons[entry] = _said(row)
    return reasons


def _said(row: Exclusion | None) -> str:
    if row is None:
        return "it was left out of the zoo"
    file = f"{row.file}: " if row.file else ""
    return f"{file}{row.cause}. {row.remedy}".rstrip(". ")


def _number(name: str, entry: str) -> int:
    """Return the number that the zoo added to an entry's name; 0 where it is not that entry's."""
    number = name.removeprefix(f"{entry}#")
    return int(number) if number.isdecimal() and name != number else int(name == entry)


def _why_apart(model: Checkpoint, inputs: ScanInputs) -> str:
    """Return what parts a model from the loss group that is most like it."""
    groups = [(found.name, found.members[0]) for found in inputs.groups]
    found = {name: list(_differences(model, member)) for name, member in groups}
    name = min(found, key=lambda one: len(found[one]))
    what = "; ".join(found[name]) or "its weights come from another pre-training"
    return f"it cannot be compared with the members of {name}: {what}"


def _differences(model: Checkpoint, member: Checkpoint) -> Iterator[str]:
    """Say in what a model is unlike a member, of all that a loss group has in common."""
    if model.model_class != member.model_class:
        yield f"it is a {model.model_class}, and they are {member.model_class}"
    elif _body(model) != _body(member):
        yield "its tensors have other names or shapes"
    elif model.computing_hash != member.computing_hash:
        yield "its config computes otherwise"
    elif _base(model) is None:
        yield f"it names no base, and its weights are unlike those of {_base(member) or 'theirs'}"
    elif _base(model) != _base(member):
        yield f"its base is {_base(model)}, and theirs {_base(member) or 'unknown'}"
    if model.tokenizer_hash != member.tokenizer_hash:
        yield "its tokenizer is another"
    if sorted(model.labels) != sorted(member.labels):
        yield f"its labels are {_listed(model.labels)}, and theirs {_listed(member.labels)}"
    own, theirs = _task(model), _task(member)
    # A model that names no task joins any, if there is only one.
    if own != theirs and own is not None:
        yield f"its task is {own}, and theirs {theirs or 'unknown'}"


def _body(model: Checkpoint) -> dict[str, tuple[int, ...]]:
    pairs = zip(model.layout.names, model.layout.shapes, strict=True)
    return {name: shape for name, shape in pairs if name not in model.head}


def _base(model: Checkpoint) -> str | None:
    """Return the base as text, with a part of its hash where it was found; None if unknown."""
    if model.base is not None:
        return f"{shown(model.base.id)} ({model.base.content_hash[:8]})"
    fact = model.facts.get("base")
    return None if fact is None or fact.value is None else f"{shown(fact.value)} (not found)"


def _task(model: Checkpoint) -> str | None:
    fact = model.facts.get("task")
    return None if fact is None or fact.value is None else shown(fact.value)


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(shown, labels)) or "none"
