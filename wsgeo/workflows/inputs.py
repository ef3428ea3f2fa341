"""A zoo with its data, read and checked: what a scan starts from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import ZooError
from wsgeo.progress import Progress
from wsgeo.workflows.plans import ScanPlan, plan_of
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest, GroupData, find_data
from wsgeo.zoo import Zoo, read_zoo


@final
@dataclass(frozen=True)
class ZooRequest:
    """What the user said about the zoo.

    Parameters
    ----------
    root : Path
        Its folder.
    ids : tuple of str
        Further members.
    base : str or None
        Folder or hub id of the pre-trained model.
    all_steps, allow_pickle : bool
        See `scan`.
    """

    root: Path
    ids: tuple[str, ...] = ()
    base: str | None = None
    all_steps: bool = False
    allow_pickle: bool = False


@final
@dataclass(frozen=True)
class ScanInputs:
    """A zoo with its data, read and checked.

    Parameters
    ----------
    zoo : Zoo
        Members and exclusions.
    request : ZooRequest
        How it was asked for.
    groups : tuple of GroupData
        Loss groups that can be measured.
    alerts : tuple of str
        What was guessed or looks odd.
    """

    zoo: Zoo
    request: ZooRequest
    groups: tuple[GroupData, ...]
    alerts: tuple[str, ...]

    def plan(self, settings: ScanSettings) -> ScanPlan:
        """Return what scanning this costs."""
        hashes = [member.content_hash for member in self.zoo.members]
        n_excluded = len(self.zoo.excluded)
        return plan_of(self.zoo.name, hashes, n_excluded, self.groups, settings, self.alerts)


def read_inputs(
    wanted: ZooRequest, request: DataRequest, settings: ScanSettings, progress: Progress | None
) -> ScanInputs:
    """Read a zoo and the data of its groups.

    Parameters
    ----------
    wanted : ZooRequest
        Which zoo.
    request : DataRequest
        Which data.
    settings : ScanSettings
        Number of examples and seed.
    progress : Progress or None
        Told of the inventory.

    Returns
    -------
    ScanInputs
        Zoo, groups and alerts.

    Raises
    ------
    ZooError
        If no two members can be compared.
    """
    zoo = read_zoo(
        wanted.root,
        ids=wanted.ids,
        base=wanted.base,
        all_steps=wanted.all_steps,
        allow_pickle=wanted.allow_pickle,
        progress=progress,
    )
    if not zoo.members:
        _refuse_empty(zoo)
    sizes = Counter(member.geometry_group for member in zoo.members)
    if max(sizes.values()) < 2:
        raise ZooError(
            f"no two of its members can be compared (members: {len(zoo.members)})",
            where=str(zoo.root),
            remedy=why_apart(zoo),
        )
    groups, alerts = find_data(zoo, request, settings)
    return ScanInputs(zoo, wanted, tuple(groups), (*zoo.alerts, *alerts))


def why_apart(zoo: Zoo) -> str:
    """Return why no two members of a zoo can be compared, with a remedy.

    Parameters
    ----------
    zoo : Zoo
        A zoo with a member.

    Returns
    -------
    str
        The alert about an unknown base, or else the first one; without any what to look at.
    """
    told = "`wsgeo check` says what each member is and what was left out."
    if len(zoo.members) == 1:
        return f"There is one member, {zoo.members[0].id}; a comparison takes two. {told}"
    # What keeps most zoos apart is a base that nobody named.
    alerts = sorted(zoo.alerts, key=lambda alert: "--base" not in alert)
    return f"{alerts[0]} {told}" if alerts else told


def _refuse_empty(zoo: Zoo) -> Never:
    if not zoo.excluded:
        raise ZooError(
            "no model folder was found",
            where=str(zoo.root),
            remedy="Name a folder whose subfolders hold config.json and safetensors files.",
        )
    first = zoo.excluded[0]
    raise ZooError(
        f"none of {len(zoo.excluded)} entries can be used; the first, {first.id}: {first.cause}",
        where=str(zoo.root),
        remedy=f"{first.remedy} `wsgeo check` lists them all.",
    )
