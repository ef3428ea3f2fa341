"""Which members may be compared: geometry groups by base, loss groups by labels and task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, final

from wsgeo.zoo.candidates import Candidate
from wsgeo.zoo.checkpoints import UNKNOWN
from wsgeo.zoo.group_alerts import base_alerts, label_alerts, unknown_base_alert
from wsgeo.zoo.labels import label_key
from wsgeo.zoo.likeness import families

_Item = TypeVar("_Item")


@final
@dataclass
class Grouping:
    """Names of the groups of each candidate, and what to tell.

    Parameters
    ----------
    geometry : list of str
        One per candidate, such as ``g0``.
    loss : list of str
        One per candidate, such as ``g0.l0``.
    kin : dict of int to int
        Position of a candidate that names no base -> that of one with like weights that does.
    alerts : list of str
        Sentences.
    """

    geometry: list[str]
    loss: list[str]
    kin: dict[int, int] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)


def group(candidates: Sequence[Candidate]) -> Grouping:
    """Sort candidates into groups.

    A geometry group shares model class, shapes of the body, computing settings, tokenizer and base; a
    loss group also label names and task. Names of bases are checked against the weights: candidates
    of different pre-trainings never share a group without a word.

    Parameters
    ----------
    candidates : sequence of Candidate
        In the order of their ids.

    Returns
    -------
    Grouping
        The largest group is the first.
    """
    result = Grouping([""] * len(candidates), [""] * len(candidates))
    cells = _split(range(len(candidates)), lambda i: _function(candidates[i]))
    geometry = [part for cell in cells for part in _split_by_base(cell, candidates, result)]
    geometry.sort(key=lambda part: (-len(part), part[0]))
    for g, part in enumerate(geometry):
        loss = _split_by_task(part, candidates)
        for k, members in enumerate(sorted(loss, key=lambda m: (-len(m), m[0]))):
            for i in members:
                result.geometry[i], result.loss[i] = f"g{g}", f"g{g}.l{k}"
    result.alerts += label_alerts(candidates, result.loss)
    return result


def _function(candidate: Candidate) -> Hashable:
    """Return what must be equal for two weight vectors to mean the same."""
    draft = candidate.draft
    shapes = draft.architecture.shapes
    body = [(name, shape) for name, shape in shapes.items() if name not in draft.architecture.head]
    text = repr((draft.model_class, draft.config.computing_hash, body))
    tokenizer = draft.tokenizer.sha256 if draft.tokenizer else ""
    return hashlib.sha256(text.encode()).hexdigest(), tokenizer


def _declared_base(candidate: Candidate) -> tuple[str, str] | None:
    """Return the base's hash, else its name, with what to call it."""
    if candidate.base is not None:
        return candidate.base.content_hash, candidate.base.id
    facts = candidate.draft.facts
    name = facts["base"].value if "base" in facts else None
    digest = facts["base_hash"].value if "base_hash" in facts else None
    if isinstance(digest, str) and digest:
        return digest, str(name or digest[:12])
    return (name.rstrip("/"), name) if isinstance(name, str) and name else None


def _split_by_base(
    cell: list[int], candidates: Sequence[Candidate], result: Grouping
) -> list[list[int]]:
    declared = {i: _declared_base(candidates[i]) for i in cell}
    family = families(cell, candidates)
    result.alerts += base_alerts(cell, candidates, declared, family)
    keys: dict[int, Hashable] = {}
    for i in cell:
        named = declared[i]
        if named is not None:
            # The user's word holds over the weights; a file's word does not.
            base = candidates[i].draft.facts.get("base", UNKNOWN)
            trusted = base.source in ("command line", "zoo.toml")
            keys[i] = (named[0], None if trusted else family[i])
    for i in cell:
        if declared[i] is not None:
            continue
        kin = [j for j in cell if declared[j] is not None and family[j] == family[i]]
        bases = {keys[j] for j in kin}
        keys[i] = bases.pop() if len(bases) == 1 else (None, family[i])
        if kin and keys[i] == keys[kin[0]]:
            result.kin[i] = kin[0]
    parts = _split(cell, lambda i: keys[i])
    unknown = [part for part in parts if keys[part[0]][0] is None]  # type: ignore[index]
    result.alerts += unknown_base_alert(unknown, candidates)
    return parts


def _split_by_task(part: list[int], candidates: Sequence[Candidate]) -> list[list[int]]:
    """Split by label names, then by task; an unknown task joins where there is only one."""
    losses: list[list[int]] = []
    for members in _split(part, lambda i: _label_set(candidates[i])):
        tasks = _split(members, lambda i: _task(candidates[i]) or "")
        known = [task for task in tasks if _task(candidates[task[0]])]
        losses += [sorted(members)] if len(known) <= 1 else tasks
    return losses


def _label_set(candidate: Candidate) -> Hashable:
    draft = candidate.draft
    return draft.labels_named, label_key(draft.labels, named=draft.labels_named)


def _task(candidate: Candidate) -> str | None:
    fact = candidate.draft.facts.get("task")
    return str(fact.value) if fact is not None and fact.value is not None else None


def _split(items: Iterable[_Item], key: Callable[[_Item], Hashable]) -> list[list[_Item]]:
    """Return the items by key, each part in order."""
    parts: dict[Hashable, list[_Item]] = {}
    for item in items:
        parts.setdefault(key(item), []).append(item)
    return list(parts.values())
