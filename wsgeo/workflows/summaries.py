"""What came of a scan, as one plain dict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from wsgeo.store import Run
from wsgeo.workflows.efforts import alerts_of, efforts_of, rules_of
from wsgeo.workflows.group_results import GroupResult, chance_loss
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.next_steps import next_steps
from wsgeo.workflows.outcomes import ScanOutcome
from wsgeo.workflows.unfit_groups import no_member_passes

GIVEN_UP = ("failed", "nonfinite")
"""Statuses of pairs that could not be measured."""


def summary_of(run: Run, inputs: ScanInputs, outcome: ScanOutcome) -> dict[str, Any]:
    """Return what `wsgeo scan --json` prints; ``docs/formats.md`` names its keys.

    Parameters
    ----------
    run : Run
        The run folder, its tables written.
    inputs : ScanInputs
        Zoo and data.
    outcome : ScanOutcome
        What was measured.

    Returns
    -------
    dict
        Plain values.
    """
    said = {name: list(found.sentences) for name, found in outcome.associations.items()}
    groups = [
        {**group_summary(group), "associations": said.get(group.name, [])}
        for group in outcome.groups
    ]
    return {
        "zoo": inputs.zoo.name,
        "run": str(run.folder),
        "status": "complete" if outcome.complete else "stopped",
        "exit_code": _exit_code(inputs, outcome),
        "n_members": len(inputs.zoo.members),
        "n_pairs": sum(group["n_pairs"] for group in groups),
        "n_computed": outcome.n_computed,
        "n_reused": outcome.n_reused,
        "seconds": round(outcome.seconds, 1),
        "verdict": _verdicts(groups),
        "groups": groups,
        "regions": {
            name: {**_regions(result), "associations": said.get(name, [])}
            for name, result in outcome.regions.items()
        },
        "alerts": [*alerts_of(outcome.groups), *inputs.alerts],
        "gate_alerts": _gate_alerts(outcome),
        "failures": [failed._asdict() for failed in outcome.failures],
        "exclusions": [dataclasses.asdict(row) for row in inputs.zoo.excluded],
        "report": str(run.folder / "report" / "index.html"),
        "next": next_steps(run, groups),
    }


def group_summary(group: GroupResult) -> dict[str, Any]:
    """Return what came of one loss group.

    Parameters
    ----------
    group : GroupResult
        Its tables and verdict.

    Returns
    -------
    dict
        ``name``, ``n_members``, ``n_pairs``, ``verdict``, ``reasons``, ``tau``,
        ``chance_loss`` (of the best constant predictor, nats per example), ``p_value``,
        ``silhouette``, ``basins_found``, ``basins``, ``mode``, ``n_rule`` (pairs by how closely they
        were looked at), ``n_status`` (pairs by edge status), ``gaps``
        (mean convexity gap within and between basins, nats per example), and ``failed_ends`` (id to reason).
    """
    clusters, unfit = group.clusters, no_member_passes(group.gates)
    statuses = group.pairs["status"].cast(pl.String)
    return {
        "name": group.name,
        "n_members": len(group.gates),
        "n_pairs": group.pairs.height,
        "verdict": unfit or clusters.verdict,
        "reasons": efforts_of(group) + ([] if unfit else list(clusters.reasons)),
        "tau": dataclasses.asdict(group.tau),
        "chance_loss": chance_loss(group.gates),
        "p_value": clusters.p_value,
        "silhouette": clusters.silhouette,
        "basins_found": clusters.basins_found,
        "basins": _basins(group.labels),
        "mode": group.effort.mode if group.effort else None,
        "n_rule": rules_of(group.pairs),
        "n_status": dict(sorted(statuses.value_counts().iter_rows())),
        "gaps": _mean_gaps(group),
        "failed_ends": {name: gate.reason for name, gate in group.gates.items() if not gate.passed},
    }


def _verdicts(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence per group, under its name where there are several."""
    if len(groups) == 1:
        return [groups[0]["verdict"]]
    return [f"{group['name']}: {group['verdict']}" for group in groups]


def _basins(labels: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the members of each basin, noise left out."""
    return [
        {"label": label, "members": sorted(name for name, own in labels.items() if own == label)}
        for label in sorted(set(labels.values()))
        if label >= 0
    ]


def _mean_gaps(group: GroupResult) -> dict[str, float | None]:
    label = group.labels
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for a, b, gap in group.pairs.select("a", "b", "convexity_gap").drop_nulls().iter_rows():
        gaps[label[a] == label[b]].append(gap)
    within, between = gaps[True], gaps[False]
    return {
        "within": float(np.mean(within)) if within else None,
        "between": float(np.mean(between)) if between else None,
    }


def _regions(result: Any) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "p_value": result.p_value,
        "regions": _basins(result.label_of()),
    }


def _exit_code(inputs: ScanInputs, outcome: ScanOutcome) -> int:
    """Return 3 where no member of any group is fit, 4 where members or pairs failed, 5 if time ran out."""
    if outcome.groups and all(no_member_passes(group.gates) for group in outcome.groups):
        return 3
    if not outcome.complete:
        return 5
    if any(row.fate == "rejected" for row in inputs.zoo.excluded):
        return 4
    given_up = any(
        group.pairs["measured"].cast(pl.String).is_in(GIVEN_UP).any() for group in outcome.groups
    )
    return 4 if given_up else 0


def _gate_alerts(outcome: ScanOutcome) -> list[str]:
    """Return one sentence per member that cannot do its task."""
    return [
        f"{name} failed the end-point gate, so its pairs do not count: {gate.reason}."
        for group in outcome.groups
        for name, gate in group.gates.items()
        if not gate.passed
    ]
