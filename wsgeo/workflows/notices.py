"""Notices to the user of what a scan into a folder that holds results replaces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from wsgeo.store import Run
from wsgeo.workflows.inputs import ZooRequest
from wsgeo.workflows.recording import FINISHED, asked
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest

_WORDS: Final = {"root": "zoo", "ids": "further members", "path": "data"}
_UNSAID: Final = {
    "tau": "auto",
    "data": "of the zoo",
    "labels": "as they are",
    "columns": "as named",
}


def replacement(
    run: Run, zoo: ZooRequest, settings: ScanSettings, request: DataRequest
) -> str | None:
    """Return what a scan that asks for something else changes in a finished run.

    Parameters
    ----------
    run : Run
        The run folder, before anything is written.
    zoo : ZooRequest
        What the user now says about the zoo.
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
    if facts.get("status") not in FINISHED:
        return None
    # As JSON, because a tuple comes back from the file as a list.
    before, now = _words(facts), _words(json.loads(json.dumps(asked(zoo, settings, request))))
    changed = [name for name in now if (before.get(name) or None) != (now[name] or None)]
    if not changed:
        return None
    was, becomes = (
        ", ".join(_said(name, of.get(name)) for name in changed) for of in (before, now)
    )
    return (
        f"This run was scanned with {was}; its tables will be replaced by those with {becomes}. "
        "Nothing measured is lost: the ledger keeps it."
    )


def _words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was asked for, by the words of a sentence."""
    blocks = {**facts["settings"], **facts["zoo"], **facts["request"]}
    # The name of a zoo follows from its folder.
    return {_WORDS.get(key, key): value for key, value in blocks.items() if key != "name"}


def _said(name: str, value: Any) -> str:
    """Return something asked for in words, such as ``11 points`` or ``tau auto``."""
    if name.startswith("n_"):
        return f"{value} {name[2:]}"
    if isinstance(value, bool) or name in {"all_steps", "allow_pickle"}:
        value = "yes" if value else "no"
    if value in (None, "", [], {}):
        value = _UNSAID.get(name, "none")
    if isinstance(value, dict):
        value = ", ".join(f"{old}={new}" for old, new in value.items())
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{name.replace('_', ' ')} {value}"
