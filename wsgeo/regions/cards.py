"""What a centroid says of itself to people: its model card."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, final

from wsgeo.counting import counted
from wsgeo.escapes import markdown_text, printable, yaml_text
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.version import __version__
from wsgeo.weights.precision import StoredType
from wsgeo.zoo.hub import parse_hub_id

TORCH_NAMES: Mapping[StoredType, str] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""The names that torch, transformers and mergekit give to the stored types."""

BASED: Final = ("arithmetic", "stock", "ties", "dare")
"""Methods that start from the base."""

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
    whole_base : str, optional
        Folder or hub id of the base, where it has every tensor of the members.
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
    whole_base: str | None = None
    command: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def source(self, member: str) -> str:
        """Return the folder or hub id of a member."""
        return self.sources.get(member, member)


def model_card(
    origin: Origin,
    model_class: str,
    dtype: StoredType,
    library: str = "transformers",
    recipe: str = "",
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
    recipe : str, optional
        Sentences on the mergekit recipe beside it, or on why there is none; Markdown.

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
        f"{recipe and f'{recipe} '}The provenance is in `wsgeo.json`.\n",
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
    where = "the centre of" if plan.method == "mean" else "from"
    return (
        f"The {markdown_text(plan.title)} of {members}{base}{task}: {where} "
        f"{_place(plan)} in weight space, made by wsgeo "
        f"{__version__}.\nClass `{model_class}`, weights summed in float64 and stored as "
        f"{TORCH_NAMES[dtype]}.\n{_settings(plan)}Head policy: {': '.join(head_policy(plan))}\n"
    )


def _place(plan: CentroidPlan) -> str:
    if plan.level == "general":
        return "all its members"
    return f"{markdown_text(plan.level)} {markdown_text(plan.group)}"


def _settings(plan: CentroidPlan) -> str:
    """Return the line on the method's parameters, where it has any."""
    told = (f"{name} {_value(value)}" for name, value in plan.parameters.items())
    line = ", ".join((f"Method {plan.method}", *told))
    return f"{markdown_text(line)}.\n" if plan.method != "mean" else ""


def _value(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def head_policy(plan: CentroidPlan) -> tuple[str, str]:
    """Return what becomes of the members' heads.

    Parameters
    ----------
    plan : CentroidPlan
        What a centroid is made of.

    Returns
    -------
    policy : str
        ``none``, ``own`` or ``interpolate``.
    meaning : str
        The same in a sentence.

    Examples
    --------
    >>> head_policy(CentroidPlan("region-0", "region", "0", Variant.ENCODERS, ("a", "b")))[0]
    'none'
    """
    if plan.variant is Variant.ENCODERS:
        return "none", "the members' heads serve different tasks; fit a new one before use."
    if plan.method == "medoid":
        return "own", "the head is that of the member itself."
    if plan.method in BASED:
        return "interpolate", (
            "head tensors that the base has are merged like the rest; the others are the mean of "
            "the members'."
        )
    return "interpolate", "the heads are merged like the rest."


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
    words = (evidence.missing, evidence.warning(origin.plan.members), evidence.caveat)
    told = (*map(markdown_text, words), _gap_sentence(origin))
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
