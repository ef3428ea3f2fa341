"""``wsgeo train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("train")
@click.argument("recipe", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o",
    "--out",
    type=options.folder,
    help="Folder to write; made when absent.  [default: the recipe's name]",
)
@click.option(
    "--data-root",
    type=options.existing_folder,
    help="Folder of the data files that do not lie beside the recipe.",
)
@click.option(
    "--weights-root",
    type=options.existing_folder,
    help="Folder of the pre-trained models that do not lie beside the recipe.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Value in place of the recipe's, such as training.steps=50. Repeatable.",
)
@options.device
@options.jobs
@options.dry_run
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    recipe: Path,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Make the zoo that RECIPE describes: bases, data, one model per member.

    RECIPE is a TOML file of a base, data, settings, and the axes of a grid. The same command goes on
    where it was stopped. On a GPU one member is made at a time unless --jobs says otherwise. What it
    writes can be scanned as it is. Exit code 4 means that a member has no model.
    """
    from wsgeo.commands.console import answer, answer_json, say, watching
    from wsgeo.workflows.making import plan_training, train

    zoo = out or Path(recipe.stem)
    if dry_run:
        plan = plan_training(recipe, zoo, **given)
        found, lines = plan.as_dict(), str(plan).splitlines()
    else:
        with watching() as shown:
            found = train(recipe, zoo, **given, watch=shown, announce=say)
        lines = _page(found)
    if as_json:
        answer_json(found)
    else:
        answer(lines)
    ctx.exit(found["exit_code"])


def _page(found: dict[str, Any]) -> list[str]:
    """Return one line per member, what became of them all, and what to do next."""
    from collections import Counter

    members = found["members"]
    width = max(len(member["name"]) for member in members)
    lines = [f"{member['name']:{width}}  {_outcome(member)}" for member in members]
    counts = Counter(member["status"] for member in members)
    told = ", ".join(f"{n} {status}" for status, n in counts.items())
    done = f"{told}; {found['seconds']:.0f} s."
    further = [*found["notices"], *_cut(found), *_again(found)]
    if not any(status in counts for status in ("trained", "kept")):
        return [*lines, "", done, *further, "", "No member learned its task: see why above."]
    return [*lines, "", done, *further, "", f"Next    {found['next']}"]


def _cut(found: dict[str, Any]) -> list[str]:
    """Say of each file of data how many of its texts were cut for a member, at most."""
    return [
        f"{row['n_truncated']:,} of {row['n']:,} examples in {row['file']} are longer than "
        f"{row['longest_input']} tokens and were cut."
        for row in found["data"]
        if row["n_truncated"]
    ]


def _again(found: dict[str, Any]) -> list[str]:
    """Say how to have members tried again that have no model."""
    states = Path(found["zoo"]) / ".unfinished"
    lines = [
        f"{member['name']} diverged; to have it tried again, remove {states / member['name']} first."
        for member in found["members"]
        if member["status"] == "nonfinite"
    ]
    if any(member["status"] == "failed" for member in found["members"]):
        lines.append("What failed is tried again by the same command.")
    return lines


def _outcome(member: dict[str, Any]) -> str:
    """Return how a member came out."""
    if member["validation_loss"] is None:
        return f"{member['status']}: {member['reason']}"
    parts = [member["status"]]
    if member["validation_metric"] is not None:
        parts.append(f"accuracy {member['validation_metric']:.3f}")
    parts += [f"loss {member['validation_loss']:.3f}", f"{member['seconds']:.0f} s"]
    return "  ".join([*parts, *filter(None, [member["reason"]])])
