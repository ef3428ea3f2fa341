"""Candidates in their groups become the members of a zoo."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from wsgeo.counting import counted
from wsgeo.errors import EntryError
from wsgeo.escapes import printable
from wsgeo.weights.files import open_regular
from wsgeo.zoo.candidates import Candidate
from wsgeo.zoo.checkpoints import Checkpoint, Exclusion, Fact, Zoo
from wsgeo.zoo.groups import group
from wsgeo.zoo.labels import order_of


def assemble(
    root: Path,
    candidates: Sequence[Candidate],
    excluded: Sequence[Exclusion],
    alerts: Sequence[str],
) -> Zoo:
    """Group candidates and return the zoo.

    Parameters
    ----------
    root : Path
        The zoo.
    candidates : sequence of Candidate
        In the order of their ids.
    excluded : sequence of Exclusion
        Rows so far.
    alerts : sequence of str
        Sentences so far.

    Returns
    -------
    Zoo
        With groups, duplicates and alerts.
    """
    served = _users_of_bases(candidates)
    excluded = [_explained(row, len(served.get((root / row.id).resolve(), ()))) for row in excluded]
    bases, kept = _part_bases(candidates, served)
    grouping = group(kept)
    first: dict[tuple[str, str], str] = {}
    members = []
    for i, candidate in enumerate(kept):
        key = (candidate.content_hash, grouping.loss[i])
        known = first.setdefault(key, candidate.draft.id)
        kin = kept[grouping.kin[i]] if i in grouping.kin else None
        members.append(_member(candidate, kin, (grouping.geometry[i], grouping.loss[i]), known))
    rows = sorted([*excluded, *bases], key=lambda row: (row.id, row.code))
    told = [*alerts, *grouping.alerts, *_declared_hash_alerts(kept)]
    told += [*_precision_alerts(members), *_duplicate_alerts(members)]
    name = root.resolve().name or "zoo"
    return Zoo(name, root, tuple(members), tuple(rows), tuple(dict.fromkeys(told)))


def _users_of_bases(candidates: Sequence[Candidate]) -> dict[Path, list[Candidate]]:
    users: dict[Path, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.base is not None:
            users.setdefault(candidate.base.folder, []).append(candidate)
    return users


def _part_bases(
    candidates: Sequence[Candidate], users: Mapping[Path, list[Candidate]]
) -> tuple[list[Exclusion], list[Candidate]]:
    """Take out the entries that are only the base of others: of another class than all of these."""
    rows, kept = [], []
    for candidate in candidates:
        draft = candidate.draft
        served = [c for c in users.get(draft.folder.resolve(), []) if c is not candidate]
        if served and all(c.draft.model_class != draft.model_class for c in served):
            rows.append(_base_row(draft.id, len(served)))
        else:
            kept.append(candidate)
    return rows, kept


def _explained(row: Exclusion, n_served: int) -> Exclusion:
    """Say of an entry that cannot be a member that it is the base of members, if it is."""
    return _base_row(row.id, n_served) if n_served and row.code == "unsupported_class" else row


def _base_row(name: str, n_served: int) -> Exclusion:
    cause = f"it is the base of {counted(n_served, 'member')}"
    remedy = "Nothing needs to be done; distances are taken from it."
    return Exclusion(name, "set aside", "base", "", cause, remedy)


def _member(
    candidate: Candidate, kin: Candidate | None, names: tuple[str, str], known: str
) -> Checkpoint:
    """Return a member; the base of its kin is its own where it names none."""
    draft = candidate.draft
    assert draft.tokenizer is not None
    return Checkpoint(
        id=draft.id,
        folder=draft.folder,
        content_hash=candidate.content_hash,
        config=draft.config.raw,
        model_class=draft.model_class,
        tensors=draft.tensors,
        layout=draft.architecture.layout,
        labels=draft.labels,
        labels_named=draft.labels_named,
        tokenizer_folder=draft.tokenizer.folder,
        tokenizer_hash=draft.tokenizer.sha256,
        geometry_group=names[0],
        loss_group=names[1],
        label_order=order_of(draft.labels, named=draft.labels_named),
        facts=_facts(candidate, kin),
        duplicate_of=None if known == draft.id else known,
        adapter=draft.adapter,
        file_hashes=candidate.file_hashes,
        label_rows=draft.architecture.label_rows,
        head=draft.architecture.head,
        lora=draft.lora,
        scalings=draft.scalings,
        base=candidate.base or (kin.base if kin is not None else None),
        revision=draft.revision,
        computing_hash=draft.config.computing_hash,
    )


def _facts(candidate: Candidate, kin: Candidate | None) -> dict[str, Fact]:
    """Return the facts of a member, with the base that its weights say it shares with its kin."""
    facts = dict(candidate.draft.facts)
    if kin is not None and "base" in kin.draft.facts:
        facts["base"] = Fact(kin.draft.facts["base"].value, "weights")
    return facts


def _declared_hash_alerts(candidates: Sequence[Candidate]) -> list[str]:
    """Compare the base that was found with the hash that a member's file holds."""
    alerts, sha256_of = [], cache(_sha256_of)  # a base of many is read once
    for candidate in candidates:
        fact = candidate.draft.facts.get("base_hash")
        base = candidate.base
        if fact is None or base is None or fact.value == base.content_hash:
            continue
        name, base_name = printable(candidate.draft.id), printable(base.id)
        found = {sha256_of(path) for path in base.file_hashes}
        if fact.value in found:
            continue
        if None in found:
            alerts.append(
                f"Whether {name} was trained from {base_name} could not be checked: a file of the "
                "base cannot be read. Make it readable and read the zoo again."
            )
        else:
            alerts.append(
                f"{name} was trained from a base with another hash than {base_name}. "
                "Name the right one with --base PATH."
            )
    return alerts


def _sha256_of(path: Path) -> str | None:
    """Return the plain hash of a file, which is how others name it; None if it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (EntryError, OSError):
        return None


def _precision_alerts(members: Sequence[Checkpoint]) -> list[str]:
    """Say which members were rounded when they were saved."""
    types = [{ref.dtype for ref in member.tensors.values()} for member in members]
    n_coarse = sum("BF16" in kinds for kinds in types)
    if not n_coarse:
        return []
    are = counted(n_coarse, "member is", "members are")
    return [f"{are} stored in bfloat16; rounding alone can move a barrier by 0.001."]


def _duplicate_alerts(members: Sequence[Checkpoint]) -> list[str]:
    """Say which members are copies of others."""
    duplicates = Counter(m.duplicate_of for m in members if m.duplicate_of)
    return [
        f"{counted(count, 'member is an exact duplicate', 'members are exact duplicates')} of "
        f"{printable(original)}."
        for original, count in sorted(duplicates.items())
    ]
