"""Which members went on from which: what a model has seen, those that were tuned from it know too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from wsgeo.zoo import Checkpoint
from wsgeo.zoo.discovery import WEIGHTS


@final
@dataclass(frozen=True)
class Ancestry:
    """The members from which each member went on.

    Parameters
    ----------
    parents : mapping of str to tuple of str
        By id: the start of its fine-tuning, and earlier steps of its run.
    twins : mapping of str to str
        The original by id of its copy.
    strangers : frozenset of str
        Members that went on from a model that is not among them, and what went on from these.
    """

    parents: Mapping[str, tuple[str, ...]]
    twins: Mapping[str, str]
    strangers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, members: Sequence[Checkpoint], root: Path) -> Ancestry:
        """Read the ancestry of members from what is written down with them.

        Parameters
        ----------
        members : sequence of Checkpoint
            All of a geometry group.
        root : Path
            The zoo, from which the paths of starts are seen.

        Returns
        -------
        Ancestry
            A start is found by its path, else by the hash of its weights.
        """
        at, starts = _places(members), _starts(members, root)
        parents = {
            member.id: tuple(
                name
                for name in (starts.get(member.id), _parent(member, at), *_earlier(member, members))
                if name is not None
            )
            for member in members
        }
        twins = {m.id: m.duplicate_of for m in members if m.duplicate_of is not None}
        lost = {name: "" for name, start in starts.items() if start is None}
        return cls(parents, twins, frozenset(cls(parents, twins).inherited(lost)))

    def inherited(self, reasons: Mapping[str, str]) -> dict[str, str]:
        """Return reasons by member for all whom they concern: copies, and what went on from them.

        Parameters
        ----------
        reasons : mapping of str to str
            Why a member knows a target, by id.

        Returns
        -------
        dict of str to str
            With those of all that went on from such a member, over any number of fine-tunings.
        """
        found = dict(reasons)
        origin = {name: name for name in reasons}
        waiting = list(reasons)
        while waiting:
            name = waiting.pop(0)
            for heir, is_copy in self._heirs(name):
                if heir not in found:
                    first = origin[name]
                    told = f"it goes on from {first} ({reasons[first]})"
                    found[heir] = found[name] if is_copy else told
                    origin[heir] = first
                    waiting.append(heir)
        return found

    def _heirs(self, name: str) -> Iterator[tuple[str, bool]]:
        """Give the members that know what one knows, and whether they are the same model."""
        for copy, first in self.twins.items():
            if name in (copy, first):
                yield (first if name == copy else copy), True
        for heir, parents in self.parents.items():
            if name in parents:
                yield heir, False


def _starts(members: Sequence[Checkpoint], root: Path) -> dict[str, str | None]:
    """Return where each fine-tuning went on from: None for a model that is no member."""
    at = _places(members)
    named = {member.id: start for member in members if (start := _text(member, "start"))}
    found = {name: at.get((root / start).resolve()) for name, start in named.items()}
    if None in found.values():
        # Only now are files hashed: every member's, once.
        hashes = {_hash(member.folder / WEIGHTS): member.id for member in members}
        for member in members:
            digest = _text(member, "start_hash")
            if member.id in found and digest:
                found[member.id] = found[member.id] or hashes.get(digest)
    return found


def _places(members: Sequence[Checkpoint]) -> dict[Path, str]:
    return {member.folder.resolve(): member.id for member in members}


def _parent(member: Checkpoint, at: Mapping[Path, str]) -> str | None:
    """Return the earlier step that a member names."""
    parent = _text(member, "parent")
    return at.get((member.folder.parent / parent).resolve()) if parent else None


def _earlier(member: Checkpoint, members: Sequence[Checkpoint]) -> list[str]:
    """Return the earlier steps of a member's run; any of them may be missing from the zoo."""
    run, step = _run(member), _step(member)
    if run is None or step is None:
        return []
    return [m.id for m in members if _run(m) == run and (_step(m) or 0) < step and m is not member]


def _run(member: Checkpoint) -> tuple[Path, str] | None:
    name = _text(member, "trajectory")
    return (member.folder.parent, name) if name else None


def _step(member: Checkpoint) -> int | float | None:
    fact = member.facts.get("step")
    return fact.value if fact is not None and isinstance(fact.value, int | float) else None


def _text(member: Checkpoint, name: str) -> str:
    fact = member.facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, str) else ""


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
