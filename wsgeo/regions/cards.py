"""What a centroid says of itself: model card, mergekit recipe and provenance."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import final

from wsgeo.counting import counted
from wsgeo.escapes import markdown_text, printable, yaml_text
from wsgeo.regions.staging import KIND
from wsgeo.regions.tables import CentroidPlan, Evidence, finite
from wsgeo.version import __version__
from wsgeo.weights.precision import StoredType
from wsgeo.zoo.hub import parse_hub_id

TORCH_NAMES: Mapping[StoredType, str] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""The names that torch, transformers and mergekit give to the stored types."""

_PIPELINES = (
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForMaskedLM", "fill-mask"),
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForConditionalGeneration", "text2text-generation"),
)


@final
@dataclass(frozen=True)
class Origin:
    """Where a centroid comes from, for its card and its provenance.

    Parameters
    ----------
    plan : CentroidPlan
        Members and shares.
    evidence : Evidence
        How it does beside its members; nothing is known by default.
    sources : mapping of str to str
        Folder or hub id of each member, by id; the id itself where it is missing.
    hashes : mapping of str to str
        Content hash of each member, by id.
    base, task, data : str, optional
        The base of the members, the task they were tuned on, and the data of the evidence, as the
        members and the user name them.
    command : tuple of str
        The command line that made it.
    notes : tuple of str
        Sentences that a reader must know.
    """

    plan: CentroidPlan
    evidence: Evidence = field(default_factory=Evidence)
    sources: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    task: str | None = None
    data: str | None = None
    command: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def source(self, member: str) -> str:
        """Return the folder or hub id of a member."""
        return self.sources.get(member, member)


def model_card(
    origin: Origin, model_class: str, dtype: StoredType, library: str = "transformers"
) -> str:
    """Return the README of a centroid, with the front matter that the hub reads.

    Parameters
    ----------
    origin : Origin
        Where it comes from.
    model_class : str
        Its class in transformers.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in its file.
    library : {"transformers", "peft"}, default "transformers"
        What loads it.

    Returns
    -------
    str
        Markdown. Names stand in it as text, whatever they hold.
    """
    plan = origin.plan
    parts = [
        _front_matter(origin, model_class, library),
        f"# {markdown_text(plan.name)}\n",
        _summary(origin, model_class, dtype),
        *(f"{markdown_text(note)}\n" for note in origin.notes),
        "## Members\n",
        _members(origin),
        "## Evidence\n",
        _evidence(origin),
        "## How it was made\n",
        _code_block(shlex.join(printable(word) for word in origin.command)),
        "The equal recipe for mergekit is in `mergekit.yml`, the provenance in `wsgeo.json`.\n"
        if plan.has_recipe
        else "The provenance is in `wsgeo.json`.\n",
    ]
    return "\n".join(part for part in parts if part)


def _front_matter(origin: Origin, model_class: str, library: str) -> str:
    sources = [origin.source(member) for member in origin.plan.members]
    named = [origin.base or ""] if library == "peft" else sources
    # The hub refuses a card whose base models are folders on somebody's disk. An id of ours names
    # its revision; without one it may be the name of a folder.
    ids = [parse_hub_id(text) for text in named if "@" in text]
    bases = list(dict.fromkeys(found.repo for found in ids if found is not None))
    lines = ["---", *(["base_model:"] if bases else []), *(f"- {yaml_text(b)}" for b in bases)]
    if bases:
        lines.append(f"base_model_relation: {'adapter' if library == 'peft' else 'merge'}")
    lines.append(f"library_name: {library}")
    lines += [f"pipeline_tag: {tag}" for end, tag in _PIPELINES if model_class.endswith(end)][:1]
    tags = ["wsgeo", "merge", "weight-averaging", *(["lora"] if library == "peft" else [])]
    return "\n".join([*lines, "tags:", *(f"- {tag}" for tag in tags), "---", ""])


def _summary(origin: Origin, model_class: str, dtype: StoredType) -> str:
    plan = origin.plan
    base = f" fine-tuned from {_code(origin.base)}" if origin.base else ""
    task = f" on the task {_code(origin.task)}" if origin.task else ""
    members = counted(len(plan.members), "model")
    return (
        f"The {markdown_text(plan.variant)} of {members}{base}{task}: the centre of "
        f"{markdown_text(plan.level)} {markdown_text(plan.group)} in weight space, made by wsgeo "
        f"{__version__}.\nClass `{model_class}`, weights summed in float64 and stored as "
        f"{TORCH_NAMES[dtype]}.\n"
    )


def _members(origin: Origin) -> str:
    """Return the members with their shares, and with their figures where there are any."""
    plan, evidence = origin.plan, origin.evidence
    figures = [evidence.member_loss, evidence.member_metric] if evidence.member_loss else []
    head = ("Member", "Share", *("Loss", "Metric")[: len(figures)], "Content hash")
    rows = [
        (
            markdown_text(member),
            f"{share:.4f}",
            *(_figure(known.get(member)) for known in figures),
            markdown_text(origin.hashes.get(member, "")[:12]),
        )
        for member, share in zip(plan.members, plan.weights, strict=True)
    ]
    return _table(head, rows)


def _evidence(origin: Origin) -> str:
    evidence = origin.evidence
    table = ""
    if evidence.member_loss or not evidence.missing:
        table = _table(("Model", "Loss (nats per example)", "Metric"), _evidence_rows(origin))
    told = (markdown_text(evidence.missing), _gap_sentence(origin))
    sentences = " ".join(part for part in told if part)
    return "\n".join(part for part in (table, sentences and f"{sentences}\n") if part)


def _evidence_rows(origin: Origin) -> list[tuple[str, ...]]:
    evidence = origin.evidence
    rows = [("This centroid", _figure(evidence.loss), _figure(evidence.metric))]
    for role, member in [("Best member", evidence.best_member), ("Medoid", evidence.medoid)]:
        if member is not None:
            loss, metric = evidence.member_loss.get(member), evidence.member_metric.get(member)
            rows.append((f"{role}: {markdown_text(member)}", _figure(loss), _figure(metric)))
    mean_loss, mean_metric = evidence.member_means(origin.plan.members)
    return [*rows, ("Mean of the members", _figure(mean_loss), _figure(mean_metric))]


def _gap_sentence(origin: Origin) -> str:
    gap, data = origin.evidence.largest_gap_inside, origin.data
    several = len(origin.plan.members) > 1
    inside = (
        several
        and gap is not None
        and f"Largest convexity gap between two members: {_figure(gap)}."
    )
    measured = f"Measured on {_code(PurePath(data).name)}." if data else ""
    return " ".join(part for part in (inside, measured) if part)


def _figure(value: float | None) -> str:
    if value is None or value != value:
        return "not measured"
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _code(text: str) -> str:
    """Return a name or path as Markdown code, where it needs no escapes."""
    shown = printable(text)
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if "`" in shown or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _code_block(text: str) -> str:
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}sh\n{text}\n{fence}\n" if text else ""


def _longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def mergekit_recipe(origin: Origin, dtype: StoredType) -> str:
    """Return a mergekit configuration that averages the same members with the same shares.

    mergekit averages rows as they stand: where members order their labels differently, the card's
    notes say so.

    Parameters
    ----------
    origin : Origin
        Members, shares and sources.
    dtype : {"F32", "F16", "BF16"}
        The type of the result.

    Returns
    -------
    str
        YAML.
    """
    lines = ["merge_method: linear", "models:"]
    for member, share in zip(origin.plan.members, origin.plan.weights, strict=True):
        lines += [
            f"  - model: {yaml_text(origin.source(member))}",
            "    parameters:",
            f"      weight: {share!r}",
        ]
    return "\n".join([*lines, f"dtype: {TORCH_NAMES[dtype]}", ""])


def provenance(origin: Origin, labels: tuple[str, ...], dtype: StoredType) -> dict[str, object]:
    """Return what ``wsgeo.json`` of a centroid holds.

    Parameters
    ----------
    origin : Origin
        Where it comes from.
    labels : tuple of str
        Label names in the order of its head; empty for language models.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in its file.

    Returns
    -------
    dict
        Ready for strict JSON; unknown figures are None.
    """
    plan, evidence = origin.plan, origin.evidence
    facts = {"base": origin.base, "task": origin.task, "data": origin.data}
    return {
        "kind": KIND,
        "wsgeo": __version__,
        "method": f"centroid ({plan.variant})",
        **{name: value for name, value in facts.items() if value is not None},
        **({"labels": list(labels)} if labels else {}),
        "dtype": TORCH_NAMES[dtype],
        "centroid": {"name": plan.name, "level": plan.level, "group": plan.group},
        "members": [
            {
                "id": member,
                "source": origin.source(member),
                "content_hash": origin.hashes.get(member),
                "share": share,
            }
            for member, share in zip(plan.members, plan.weights, strict=True)
        ],
        "evidence": {
            "loss": finite(evidence.loss),
            "metric": finite(evidence.metric),
            "medoid": evidence.medoid,
            "best_member": evidence.best_member,
            "largest_gap_inside": finite(evidence.largest_gap_inside),
            **({"missing": evidence.missing} if evidence.missing else {}),
        },
        "command": list(origin.command),
        "notes": list(origin.notes),
    }
