"""What a scan into a folder that holds results replaces."""

from __future__ import annotations

from typing import Any

from wsgeo.store import Run
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest


def replacement(run: Run, settings: ScanSettings, request: DataRequest) -> str | None:
    """Return what a scan with other settings changes in a finished run.

    Parameters
    ----------
    run : Run
        The run folder, before anything is written.
    settings : ScanSettings
        Settings of the new scan.
    request : DataRequest
        What the user now says about the data.

    Returns
    -------
    str or None
        One sentence; None where there are no results, or the same were asked for.
    """
    facts = run.read("run")
    if facts.get("status") != "complete":
        return None
    before, now = _asked(facts["settings"], facts["request"]), _asked_now(settings, request)
    changed = [name for name in now if before.get(name) != now[name]]
    if not changed:
        return None
    was, becomes = (
        ", ".join(_said(name, of.get(name)) for name in changed) for of in (before, now)
    )
    return (
        f"This run was scanned with {was}; its tables will be replaced by those with {becomes}. "
        "Nothing measured is lost: the ledger keeps it."
    )


def _asked(settings: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    return settings | {"data": request.get("path"), "labels": request.get("labels") or {}}


def _asked_now(settings: ScanSettings, request: DataRequest) -> dict[str, Any]:
    path = None if request.path is None else str(request.path.resolve())
    return _asked(settings.as_dict(), {"path": path, "labels": dict(request.labels)})


def _said(name: str, value: Any) -> str:
    """Return a setting in words, such as ``11 points`` or ``tau auto``."""
    if name.startswith("n_"):
        return f"{value} {name[2:]}"
    if value in (None, {}):
        value = {"tau": "auto", "data": "of the zoo", "labels": "as they are"}.get(name, "none")
    if isinstance(value, dict):
        value = ", ".join(f"{old}={new}" for old, new in value.items())
    return f"{name.replace('_', ' ')} {value}"
