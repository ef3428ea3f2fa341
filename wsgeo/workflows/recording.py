"""What a scan writes into its run folder."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from wsgeo.files import write_text
from wsgeo.store import TABLES, Run
from wsgeo.store.tables import NORMS
from wsgeo.version import __version__
from wsgeo.workflows.inputs import ScanInputs, ZooRequest
from wsgeo.workflows.merge_requests import PAPERS
from wsgeo.workflows.outcomes import ScanOutcome
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest
from wsgeo.workflows.staleness import drop_changed
from wsgeo.zoo import Checkpoint, Zoo
from wsgeo.zoo.axes import settings_table
from wsgeo.zoo.tables import exclusions_table, models_table

REFERENCES: Final = ("juneja2022", "gueta2023")
_VERSIONED: Final = ("torch", "transformers", "numpy", "scikit-learn", "hdbscan", "networkx")


def record_request(
    run: Run, inputs: ScanInputs, settings: ScanSettings, request: DataRequest, command: str
) -> None:
    """Write what is about to be measured: ``run.json``, ``config.toml``, ``zoo.lock.json``.

    Parameters
    ----------
    run : Run
        The run folder.
    inputs : ScanInputs
        Zoo and data.
    settings : ScanSettings
        Settings of the scan.
    request : DataRequest
        What the user said about the data.
    command : str
        The command that was given.
    """
    wanted = asked(inputs.request, settings, request)
    facts = {
        **run.read("run"),
        "status": "started",
        "wsgeo": __version__,
        "command": command,
        **wanted,
        "zoo": {**wanted["zoo"], "name": inputs.zoo.name},
        "data": [_data(group.name, group.task, group.encoded) for group in inputs.groups],
        "references": sorted({*REFERENCES, *_evidence(settings), *_sources(run)}),
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONED},
        "platform": {"python": platform.python_version(), "system": platform.platform()},
        "started": _now(),
    }
    run.write("run", facts)
    write_text(run.folder / "config.toml", settings.as_toml())
    run.write("zoo.lock", {"members": [_locked(member) for member in inputs.zoo.members]})


def asked(zoo: ZooRequest, settings: ScanSettings, request: DataRequest) -> dict[str, Any]:
    """Return what a scan was asked to do, as ``run.json`` keeps it.

    Parameters
    ----------
    zoo : ZooRequest
        What the user said about the zoo.
    settings : ScanSettings
        Settings of the scan.
    request : DataRequest
        What the user said about the data.

    Returns
    -------
    dict
        ``zoo``, ``settings`` and ``request`` as plain values, folders with their whole paths.
    """
    return {
        "zoo": {**dataclasses.asdict(zoo), "root": str(zoo.root.resolve())},
        "settings": settings.as_dict(),
        "request": _plain_request(request),
    }


def record_tables(run: Run, inputs: ScanInputs, outcome: ScanOutcome) -> None:
    """Write every table of a scan.

    Parameters
    ----------
    run : Run
        The run folder.
    inputs : ScanInputs
        Zoo and data.
    outcome : ScanOutcome
        What was measured.
    """
    models = _models(inputs.zoo, outcome)
    results = {**{group.name: group.clusters for group in outcome.groups}, **outcome.regions}
    clusters = {group.name: group.labels_table for group in outcome.groups}
    clusters |= {name: found.clusters for name, found in outcome.regions.items()}
    drop_changed(run, models)
    run.write_table("models", models)
    run.write_table("exclusions", exclusions_table(inputs.zoo))
    run.write_table("settings", settings_table(inputs.zoo))
    _write(run, "clusters", clusters)
    _write(run, "distances", {name: g.as_table() for name, g in outcome.geometries.items()})
    _write(run, "layers", {name: g.layers_table() for name, g in outcome.geometries.items()})
    for name in ("pairs", "profiles"):
        _write(run, name, {group.name: getattr(group, name) for group in outcome.groups})
    for name in ("clusterings", "nulls", "embedding", "merge_tree"):
        _write(run, name, {key: getattr(found, name) for key, found in results.items()})
    found = outcome.associations
    _write(run, "associations", {name: one.table for name, one in found.items()})
    _write(run, "contingency", {name: one.contingency for name, one in found.items()})


def _write(run: Run, name: str, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write the rows of all groups, or none: those of an earlier scan must not stay."""
    run.write_table(name, _stacked(frames) if frames else pl.DataFrame(schema=TABLES[name]))


FINISHED: Final = ("complete", "stopped")
"""What ``run.json`` says of a run whose tables are those of its last scan."""


def record_end(run: Run, *, complete: bool) -> None:
    """Mark a run complete, or stopped for want of time; the last thing that a scan writes.

    Parameters
    ----------
    run : Run
        The run folder.
    complete : bool
        Whether nothing was left undone for want of time.
    """
    status = FINISHED[0] if complete else FINISHED[1]
    run.write("run", {**run.read("run"), "status": status, "finished": _now()})


def _models(zoo: Zoo, outcome: ScanOutcome) -> pl.DataFrame:
    """Return the members with the verdict of the gate, and how far they are from their base."""
    rows = [
        {
            "id": name,
            "gate": gate.passed,
            "gate_reason": gate.reason or None,
            "loss": gate.loss,
            "loss_hi": gate.loss_hi,
            "metric": gate.accuracy,
            "metric_lo": gate.accuracy_lo,
        }
        for group in outcome.groups
        for name, gate in group.gates.items()
    ]
    gates = pl.DataFrame(rows, schema=GATES)
    norms = [pl.DataFrame(schema=NORMS), *(g.norms_table() for g in outcome.geometries.values())]
    found = models_table(zoo).join(gates, on="id", how="left")
    return found.join(pl.concat(norms), on="id", how="left")


GATES: Final = pl.Schema(
    {
        "id": pl.String,
        "gate": pl.Boolean,  # whether the member beats the best constant predictor
        "gate_reason": pl.String,
        "loss": pl.Float64,  # nats per example, with its 95 % upper limit
        "loss_hi": pl.Float64,
        "metric": pl.Float64,  # balanced accuracy in [0, 1], with its 95 % lower limit
        "metric_lo": pl.Float64,
    }
)
"""Columns that the end-point gate adds to the table of models."""


def _stacked(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([_in_group(frame, name) for name, frame in frames.items()])


def _in_group(frame: pl.DataFrame, group: str) -> pl.DataFrame:
    return frame.with_columns(group=pl.lit(group))


def _locked(member: Checkpoint) -> dict[str, Any]:
    """Return a member as it was read: what, from where, and how each fact is known."""
    return {
        "id": member.id,
        "folder": str(member.folder),
        "adapter": None if member.adapter is None else str(member.adapter),
        "content_hash": member.content_hash,
        "files": _hashes(member.file_hashes),
        "base_files": None if member.base is None else _hashes(member.base.file_hashes),
        "model_class": member.model_class,
        "labels": list(member.labels),
        "label_order": list(member.label_order),
        "geometry_group": member.geometry_group,
        "loss_group": member.loss_group,
        "duplicate_of": member.duplicate_of,
        "facts": {name: dataclasses.asdict(fact) for name, fact in member.facts.items()},
    }


def _hashes(files: Mapping[Path, str]) -> dict[str, str]:
    return {str(file): digest for file, digest in files.items()}


def _evidence(settings: ScanSettings) -> tuple[str, ...]:
    """Return the papers that races rest on, where there are any."""
    if settings.mode == "exact":
        return ()
    return ("waudbysmith2023",) if settings.evidence == "betting" else ("waudbysmith2024",)


def _sources(run: Run) -> list[str]:
    """Return the papers of what is in the run from before: diagnostic sets and merges."""
    sets = run.read("run").get("sets", {}).values()
    merges = run.table("centroids")["method"].drop_nulls().unique()
    return [
        *(one["source"] for one in sets if "source" in one),
        *(PAPERS[method] for method in merges if method in PAPERS),
    ]


def _data(group: str, task: Any, encoded: Any) -> dict[str, Any]:
    return {
        "group": group,
        "task": task.name,
        "split": task.split,
        "source": task.source,
        "objective": str(task.objective),
        "n_examples": len(encoded),
        "key": encoded.key,
    }


def _plain_request(request: DataRequest) -> dict[str, Any]:
    path = None if request.path is None else str(request.path.resolve())
    mappings = {"columns": dict(request.columns), "labels": dict(request.labels)}
    return {**dataclasses.asdict(request), **mappings, "path": path}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
