"""``wsgeo region``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from wsgeo.commands import options
from wsgeo.sentences import capital

PARTLY: Final = 4
"""Exit code where something could not be measured."""


@click.command("region")
@click.argument("run", type=options.existing_folder)
@click.option(
    "--level",
    type=click.Choice(["dataset", "task", "general", "basin"]),
    help="Regions of one level.  [default: data sets, tasks, and all members]",
)
@click.option(
    "--region",
    "name",
    metavar="NAME",
    multiple=True,
    help="A region by its name, such as a data set's; may be repeated.  [default: all]",
)
@click.option(
    "--samples",
    type=click.IntRange(0),
    help="Samples of each kind of the hull of a region.  [default: as many as members]",
)
@click.option(
    "--head",
    type=click.Choice(["refit", "interpolate", "own"]),
    help="What becomes of the head: refit fits a linear probe on half of the examples and measures "
    "on the other half, interpolate takes the mean of the heads, own that of one member.  "
    "[default: inside one loss group interpolate, and refit too, also for points outside; across "
    "loss groups refit; language models, which refit does not serve, own]",
)
@click.option(
    "--lines",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Pairs of members of each region whose line is followed, between and beyond them.",
)
@click.option(
    "--directions",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Random directions from each centroid; 0 for no way out of it.",
)
@click.option(
    "--dataset-axis",
    metavar="AXIS",
    help="Setting that names a member's data set.  [default: dataset, task or data]",
)
@click.option(
    "--task-axis",
    metavar="AXIS",
    help="Setting that names a member's task.  [default: family, task_family or task_type]",
)
@options.seed
@options.jobs
@options.dry_run
@options.as_json
@click.pass_context
def command(
    ctx: click.Context, /, run: Path, as_json: bool, dry_run: bool, jobs: int | None, **given: Any
) -> None:
    """Measure how losses lie inside and outside the regions of RUN's members.

    A region is what members of one data set, of one task, or of all of them span. Points of its hull
    are held against its members and against points outside: members of other regions, the base, and
    the base moved at random. Lines are followed beyond the members, and ways out of the centroid.
    What was measured before is not measured again.

    Exit code 4 says that something could not be measured; the rest was.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.workflows.regioning import plan_region, region

    with progress() as shown:
        if dry_run:
            plan = plan_region(run, **given, progress=shown)
            found, lines = plan.as_dict(), [str(plan), *plan.notes]
        else:
            found = region(run, **given, jobs=jobs, progress=shown, announce=say)
            lines = _page(found, named=bool(given["name"]))
    if as_json:
        answer_json(found)
    else:
        answer(lines)
    ctx.exit(PARTLY if found.get("failures") else 0)


def _page(found: dict[str, Any], *, named: bool) -> list[str]:
    """Return what was found as lines; regions that were named come before those of all levels."""
    overall = [*found["levels"], *found["headlines"]]
    each = [
        [capital(one["title"]), *(f"  {said}" for said in one["sentences"])]
        for one in found["regions"]
    ]
    notes = [*found["notes"], *(f"Not measured: {why}" for why in found["failures"])]
    parts = [*each, overall, notes] if named else [overall, *each, notes]
    lines = [line for part in parts if part for line in (*part, "")]
    return [*lines, f"Report  {found['report']}"]
