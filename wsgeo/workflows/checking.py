"""What is in a zoo: members by group, facts with sources, exclusions, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.progress import Progress
from wsgeo.zoo.checkpoints import Checkpoint, Zoo
from wsgeo.zoo.inventory import read_zoo
from wsgeo.zoo.manifest import NAME, write_manifest


def check(
    zoo: Path | str | None,
    *,
    ids: Sequence[str] = (),
    base: str | Path | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    write: bool = False,
    lineage: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Say what is in a zoo, which members may be compared, and why others are left out.

    Parameters
    ----------
    zoo : Path, str or None
        Folder of the zoo; None where ``ids`` name all there is.
    ids : sequence of str
        More entries: paths, hub ids ``org/name@revision``, or ``base+adapter``.
    base : str or Path, optional
        Folder or hub id of the pre-trained model.
    all_steps : bool, default False
        Whether every ``checkpoint-N`` is an entry.
    allow_pickle : bool, default False
        Whether pickled weights are converted.
    write : bool, default False
        Whether to write what was inferred as ``zoo.toml``; an existing one is never replaced.
    lineage : bool, default False
        Whether to tell from the weights alone which members are copies, and from which model each
        was tuned.
    progress : callable, optional
        Is told of entries and files read.

    Returns
    -------
    dict
        ``zoo``, ``verdict``, ``n_members``, ``n_comparable_pairs``, ``groups``, ``members``,
        ``excluded``, ``alerts``, ``exit_code`` (0, 3 where no pair can be compared, 4 where an entry
        was rejected), ``lineage`` (fields of `wsgeo.regions.lineage.Relation`, or None where it was
        not asked for) and ``written`` (the path of the new ``zoo.toml``, or None). Plain values only.

    Raises
    ------
    WsgeoError
        If the zoo or its ``zoo.toml`` cannot be read, or ``write`` finds a ``zoo.toml``.
    """
    if write and (zoo is None or (Path(zoo) / NAME).exists()):
        raise WsgeoError(
            f"there is a {NAME} already" if zoo is not None else "there is no folder to write to",
            where=str(zoo),
            remedy="Move it away, or edit it.",
        )
    found = read_zoo(
        zoo, ids=ids, base=base, all_steps=all_steps, allow_pickle=allow_pickle, progress=progress
    )
    summary = summarize_zoo(found)
    summary["lineage"] = _lineage(found, progress) if lineage else None
    summary["written"] = None
    if write:
        assert zoo is not None
        target = Path(zoo) / NAME
        write_manifest(found, target)
        summary["written"] = str(target)
    return summary


def summarize_zoo(zoo: Zoo) -> dict[str, Any]:
    """Return a zoo as plain values.

    Parameters
    ----------
    zoo : Zoo
        The zoo.

    Returns
    -------
    dict
        As `check`, without ``lineage`` and ``written``.
    """
    groups = [_group(zoo, name) for name in sorted({m.geometry_group for m in zoo.members})]
    n_pairs = sum(
        len(loss["members"]) * (len(loss["members"]) - 1) // 2
        for group in groups
        for loss in group["loss_groups"]
    )
    return {
        "zoo": zoo.name,
        "verdict": _verdict(zoo, n_pairs),
        "n_members": len(zoo.members),
        "n_comparable_pairs": n_pairs,
        "groups": groups,
        "members": [_member(member) for member in zoo.members],
        "excluded": [
            {name: getattr(row, name) for name in ("id", "fate", "code", "file", "cause", "remedy")}
            for row in zoo.excluded
        ],
        "alerts": list(zoo.alerts),
        "exit_code": exit_code(zoo),
    }


def exit_code(zoo: Zoo) -> int:
    """Return the exit code of a check; that of a scan without data is the same.

    Parameters
    ----------
    zoo : Zoo
        The zoo.

    Returns
    -------
    int
        3 where no two members can be compared, not even by their weights, 4 where an entry was
        rejected, else 0.
    """
    sizes = Counter(member.geometry_group for member in zoo.members)
    if max(sizes.values(), default=0) < 2:
        return 3
    return 4 if any(row.fate == "rejected" for row in zoo.excluded) else 0


def _lineage(zoo: Zoo, progress: Progress | None) -> list[dict[str, Any]]:
    # It imports much that a plain check has no use for.
    from wsgeo.workflows.lineage import read_lineage

    return read_lineage(zoo, progress)


def _verdict(zoo: Zoo, n_pairs: int) -> str:
    fates = Counter(row.fate for row in zoo.excluded)
    n_groups = len({m.geometry_group for m in zoo.members})
    if not zoo.members and not zoo.excluded:
        return "no model folder was found; name one whose subfolders hold config.json and weights."
    held = f"{counted(len(zoo.members), 'member')} in {counted(n_groups, 'group')}"
    parts = [f"{held}, {counted(n_pairs, 'pair')} to compare"]
    parts += [f"{count} {fate}" for fate, count in sorted(fates.items())]
    sizes = Counter(m.geometry_group for m in zoo.members)
    why = ""
    if len(zoo.members) == 1:
        why = " One member alone has nothing to be compared with."
    elif max(sizes.values(), default=0) < 2 and zoo.members:
        why = " No two members can be compared: each is in a group of its own."
    return ", ".join(parts) + "." + why


def _group(zoo: Zoo, name: str) -> dict[str, Any]:
    members = zoo.geometry_group(name)
    first = members[0]
    losses = sorted({m.loss_group for m in members})
    return {
        "name": name,
        "model_class": first.model_class,
        "n_parameters": first.layout.n_parameters,
        "base": _fact(first, "base"),
        "tokenizer_hash": first.tokenizer_hash,
        "loss_groups": [_loss_group(zoo.loss_group(loss)) for loss in losses],
    }


def _loss_group(members: Sequence[Checkpoint]) -> dict[str, Any]:
    tasks = sorted({str(v) for m in members if (v := _fact(m, "task")) is not None})
    return {
        "name": members[0].loss_group,
        "task": tasks[0] if tasks else None,
        "labels": list(members[0].group_labels),
        "labels_named": members[0].labels_named,
        "members": [m.id for m in members],
    }


def _member(member: Checkpoint) -> dict[str, Any]:
    return {
        "id": member.id,
        "content_hash": member.content_hash,
        "duplicate_of": member.duplicate_of,
        "geometry_group": member.geometry_group,
        "loss_group": member.loss_group,
        "revision": member.revision,
        "facts": {
            name: {"value": fact.value, "source": fact.source}
            for name, fact in sorted(member.facts.items())
        },
    }


def _fact(member: Checkpoint, name: str) -> str | int | float | None:
    return member.facts[name].value if name in member.facts else None
