"""The zoo and data of a finished run, read again and checked against what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsgeo.errors import StoreError
from wsgeo.progress import Progress
from wsgeo.store import Run
from wsgeo.workflows.inputs import ScanInputs, ZooRequest, read_inputs
from wsgeo.workflows.recording import FINISHED
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest


def reopen(run: Run, progress: Progress | None = None) -> tuple[ScanInputs, ScanSettings]:
    """Read the zoo and the data of a run again.

    Parameters
    ----------
    run : Run
        A finished run.
    progress : Progress, optional
        Told of the inventory.

    Returns
    -------
    inputs : ScanInputs
        Zoo and data, as when they were scanned.
    settings : ScanSettings
        Settings of the scan.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since.
    """
    facts = run.read("run")
    if facts.get("status") not in FINISHED:
        raise StoreError(
            "the run is unfinished", where=str(run.folder), remedy="Run the same scan again."
        )
    settings = ScanSettings(**facts["settings"])
    inputs = read_inputs(_zoo(facts), _data(facts["request"]), settings, progress)
    _check_unchanged(run, inputs)
    return inputs, settings


def _zoo(facts: dict[str, Any]) -> ZooRequest:
    zoo = facts["zoo"]
    return ZooRequest(
        Path(zoo["root"]), tuple(zoo["ids"]), zoo["base"], zoo["all_steps"], zoo["allow_pickle"]
    )


def _data(request: dict[str, Any]) -> DataRequest:
    path = request["path"]
    return DataRequest(
        None if path is None else Path(path),
        request["split"],
        request["columns"],
        request["objective"],
        request.get("labels", {}),  # runs of earlier versions say nothing of them
    )


def _check_unchanged(run: Run, inputs: ScanInputs) -> None:
    now = {member.id: member.content_hash for member in inputs.zoo.members}
    for name, digest in run.table("models").select("id", "content_hash").iter_rows():
        if now.get(name) != digest:
            state = "is gone" if name not in now else "has changed"
            raise StoreError(
                f"member {name} {state} since the scan",
                where=str(run.folder),
                remedy="Scan the zoo again; only what is new is measured.",
            )
