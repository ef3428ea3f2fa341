"""``wsgeo check``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options

_FACTS = ("seed", "step", "learning_rate", "task", "data", "method")


@click.command("check", cls=options.RiskyCommand)
@click.argument("zoo", type=options.existing_folder, required=False)
@click.option(
    "--id",
    "ids",
    multiple=True,
    help="One more entry: a path, a hub id org/name@revision, or base+adapter. Repeatable.",
)
@options.base
@click.option("--all-steps", is_flag=True, help="Take every checkpoint-N of a trainer's output.")
@click.option("--write", is_flag=True, help="Write what was inferred to zoo.toml in the zoo.")
@click.option(
    "--lineage",
    is_flag=True,
    help="Tell from the weights alone which members are copies, and from which model each was tuned.",
)
@options.as_json
@options.allow_pickle
@click.pass_context
def command(
    ctx: click.Context,
    zoo: Path | None,
    ids: tuple[str, ...],
    base: str | None,
    all_steps: bool,
    write: bool,
    lineage: bool,
    as_json: bool,
    allow_pickle: bool,
) -> None:
    """Show what is in ZOO, which members can be compared, and what is left out.

    Every entry that is not a member is listed with its file, the cause and the remedy. Exit code 3
    means that no two members can be compared, 4 that an entry was rejected.
    """
    if zoo is None and not ids:
        ctx.fail("Give the folder of a zoo, or entries with --id.")
    from wsgeo.commands.console import answer, answer_json, progress
    from wsgeo.workflows.checking import check

    with progress() as report:
        summary = check(
            zoo,
            ids=ids,
            base=base,
            all_steps=all_steps,
            allow_pickle=allow_pickle,
            write=write,
            lineage=lineage,
            progress=report,
        )
    if as_json:
        answer_json(summary)
    else:
        answer(_page(summary))
    ctx.exit(summary["exit_code"])


def _page(summary: dict[str, Any]) -> list[str]:
    """Return the summary as lines."""
    members = {member["id"]: member for member in summary["members"]}
    lines = [f"{summary['zoo']}: {summary['verdict']}"]
    for group in summary["groups"]:
        base = group["base"] if group["base"] is not None else "unknown"
        size = f"{group['n_parameters']:,} parameters"
        lines += ["", f"{group['name']}  {group['model_class']}, {size}, base {base}"]
        for loss in group["loss_groups"]:
            lines += _loss_group(loss, members)
    lines += _left_out(summary["excluded"])
    if summary["alerts"]:
        lines += ["", "Alerts", *(f"  {alert}" for alert in summary["alerts"])]
    if summary["lineage"] is not None:
        lines += ["", "Lineage, by the weights alone", *_lineage(summary["lineage"])]
    if summary["written"]:
        lines += ["", f"Written: {summary['written']}"]
    return lines


def _loss_group(loss: dict[str, Any], members: dict[str, Any]) -> list[str]:
    about = [f"task {loss['task']}"] if loss["task"] is not None else []
    if loss["labels"]:
        about.append("labels " + ", ".join(loss["labels"]))
    lines = [f"  {loss['name']}  {'; '.join(about)}".rstrip()]
    return lines + [f"    {_member(members[name])}" for name in loss["members"]]


def _member(member: dict[str, Any]) -> str:
    facts = member["facts"]
    said = [
        f"{name} {facts[name]['value']} ({facts[name]['source']})"
        for name in _FACTS
        if name in facts
    ]
    if member["duplicate_of"]:
        said.append(f"duplicate of {member['duplicate_of']}")
    return f"{member['id']}  {', '.join(said)}".rstrip()


def _lineage(rows: list[dict[str, Any]]) -> list[str]:
    """Say what is the same of many members once, and of the others what the weights tell."""
    from wsgeo.counting import counted

    of_base: dict[str, list[float]] = {}
    for row in rows:
        if row["relation"] == "base":
            of_base.setdefault(row["other"], []).append(row["distance"])
    told = []
    for base, far in of_base.items():
        come = "comes" if len(far) == 1 else "come"
        span = f"{min(far):.2g}" if len(far) == 1 else f"{min(far):.2g} to {max(far):.2g}"
        told.append(f"  {counted(len(far), 'member')} {come} from {base}: relative distance {span}")
    told += [f"  {row['words']}" for row in rows if row["relation"] != "base"]
    return told or ["  not applicable: no two models have the same class and shape"]


def _left_out(rows: list[dict[str, str]]) -> list[str]:
    lines: list[str] = []
    for fate in ("set aside", "rejected"):
        chosen = [row for row in rows if row["fate"] == fate]
        if chosen:
            lines += ["", f"{fate.capitalize()} ({len(chosen)})"]
        for row in chosen:
            file = f"{row['file']}: " if row["file"] else ""
            lines.append(f"  {row['id']}  [{row['code']}]")
            lines.append(f"    {file}{row['cause']}. {row['remedy']}".rstrip())
    return lines
