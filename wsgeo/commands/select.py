"""``wsgeo select``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options

_count = click.IntRange(1)


class _Shots(click.ParamType[int | None]):
    """A number of training examples, or all of them."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value is None or value == "all":
            return None
        return _count.convert(value, param, ctx)


@click.command("select")
@click.argument("run", type=options.existing_folder)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PATH",
    help="Folder of a train and a validation or test file, NAME=PATH, or task:NAME for a data set "
    "of the zoo. Repeatable.",
)
@click.option(
    "--each-task", is_flag=True, help="Take each data set of the zoo as a target in turn."
)
@click.option(
    "--leave-out",
    multiple=True,
    metavar="VALUE",
    help="A member, or a value of any setting, whose members no start is made of, beside those that "
    "are found to know the target. Repeatable.",
)
@click.option(
    "--start", multiple=True, metavar="NAME", help="A candidate that is tried too. Repeatable."
)
@click.option("--group", help="Geometry group.  [default: the largest that has a base]")
@click.option(
    "--rank-by",
    type=click.Choice(["probe", "logme", "h-score", "few-step"]),
    default="logme",
    show_default=True,
    help="Cheap score by which the best are found.",
)
@click.option(
    "--examples",
    type=_count,
    default=1000,
    show_default=True,
    help="Most training examples for cheap scores.",
)
@click.option(
    "--few-steps", type=click.IntRange(0), default=0, help="Score starts by so many updates too."
)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Best starts that are fine-tuned beside the base and the centroid of all.",
)
@click.option(
    "--method",
    type=click.Choice(["full", "lora", "bitfit", "probe"]),
    default="full",
    show_default=True,
    help="What fine-tuning trains; the new head always.",
)
@click.option(
    "--shots",
    type=_Shots(),
    multiple=True,
    help="Training examples, or `all`. Repeatable.  [default: all]",
)
@click.option(
    "--seeds",
    type=_count,
    default=3,
    show_default=True,
    help="Fine-tunings of each start, at most: what is decided is not repeated.",
)
@click.option(
    "--steps",
    type=_count,
    help="Updates.  [default: three passes, from 60 to 200 updates]",
)
@click.option(
    "--epochs", type=click.FloatRange(0, min_open=True), help="Passes, in place of --steps."
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="Its peak.  [default: the members' with this method, else one that suits it]",
)
@click.option(
    "--batch-size", type=_count, default=16, show_default=True, help="Examples per update."
)
@click.option("--max-length", type=_count, help="Longest input in tokens.  [default: the members']")
@click.option(
    "--held-out",
    type=_count,
    default=1000,
    show_default=True,
    help="Most held-out examples that fine-tunings are measured on.",
)
@click.option("--budget", type=click.IntRange(0), help="Most fine-tunings that are made now.")
@click.option("--keep", is_flag=True, help="Keep the weights of fine-tunings.")
@options.out
@options.seed
@options.device
@options.jobs
@options.dry_run
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, run: Path, as_json: bool, dry_run: bool, **given: Any) -> None:
    """Find the model of RUN to start a fine-tuning from, and what it gains over the base.

    Base, members, and medoids and centroids of regions are ranked cheaply by linear models of their
    frozen encoders. The best are fine-tuned beside the base by one recipe, with the same head, order
    and examples for each seed. Members that were tuned on the target are left out. All starts are
    encoders: what the base lacks, a head and perhaps a pooler, is drawn anew. The same command goes
    on where it was stopped. Exit code 4 means that a fine-tuning failed, 5 that --budget ended the
    work.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.workflows.selecting import plan_selection, select

    settings = _settings(given)
    own = {key: given[key] for key in ("each_task", "leave_out", "start", "group", "jobs")}
    targets = given["targets"]
    if not targets and not given["each_task"]:
        raise click.UsageError("Name data with --target, or take the zoo's own with --each-task.")
    if dry_run:
        with progress() as shown:
            plan = plan_selection(run, targets, **own, settings=settings, progress=shown)
        found, lines = plan.as_dict(), str(plan).splitlines()
    else:
        more = {key: given[key] for key in ("budget", "keep", "out")}
        with progress() as shown:
            found = select(
                run, targets, **own, **more, settings=settings, progress=shown, announce=say,
                command=["wsgeo", *sys.argv[1:]],
            )  # fmt: skip
        lines = _page(found)
    if as_json:
        answer_json(found)
    else:
        answer(lines)
    ctx.exit(found["exit_code"])


def _settings(given: dict[str, Any]) -> Any:
    from wsgeo.workflows.start_settings import StartSettings

    names = (
        "method", "seeds", "top", "rank_by", "examples", "held_out", "few_steps", "steps", "epochs",
        "learning_rate", "batch_size", "max_length", "seed", "device",
    )  # fmt: skip
    shots = tuple(dict.fromkeys(given["shots"])) or (None,)
    return StartSettings(shots=shots, **{name: given[name] for name in names})


def _page(found: dict[str, Any]) -> list[str]:
    """Return what to start from, the table of targets by starts, and where the chosen ones lie."""
    lines = list(found["sentences"])
    if found["table"]:
        lines += ["", *_table(found["table"])]
    written = [row for row in found["chosen"] if row["start"] not in (None, "base")]
    bases = {row["folder"] for row in found["chosen"] if row["start"] == "base"}
    lines += [""] if written or bases else []
    lines += [f"{row['target']}: {row['start']}, saved in {row['folder']}" for row in written]
    lines += [f"Base    {folder}" for folder in sorted(bases)]
    if found["exit_code"] == 5:
        lines += ["", "Stopped by --budget; the same command goes on."]
    return [*lines, "", f"Report  {found['report']}"]


def _table(rows: list[dict[str, str]]) -> list[str]:
    """Return rows of texts as aligned columns."""
    cells = [list(rows[0]), *([row[name] or "" for name in rows[0]] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
