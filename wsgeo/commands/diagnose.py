"""``wsgeo diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from wsgeo.commands import options

_file = click.Path(path_type=Path)

PARTLY: Final = 4
"""Exit code where something could not be measured."""

_OF_RUN: Final = ("suite", "suite_path", "lines", "train", "by", "jobs", "dry_run")
_OF_SCORES: Final = ("clusters", "out", "seed")


@click.command("diagnose")
@click.argument("run", type=options.existing_folder, required=False)
@click.option(
    "--suite",
    help="Joined by commas: names of sets, their folders, files of examples, and `probes` for the "
    "task's own texts.  [default: all whose labels are the members']",
)
@click.option("--suite-path", type=options.folder, help="Folder of your own sets.")
@click.option(
    "--lines",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Lines between every two basins, and within each, along which sets are followed.",
)
@click.option(
    "--train",
    type=_file,
    help="Data that the members were trained on, for the word-count model.  [default: what they name]",
)
@click.option("--by", metavar="SETTING", help="Compare the values of a setting of training too.")
@click.option(
    "--scores",
    type=_file,
    help="In place of RUN: scores by model or predictions by example (.csv, .tsv, .parquet).",
)
@click.option(
    "--clusters", type=_file, help="With --scores: the group of each model, or `cluster --json`."
)
@options.out
@options.seed
@options.jobs
@options.dry_run
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: Path | None,
    suite: str | None,
    as_json: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Ask the members of RUN what tells strategies apart, and compare its basins.

    Members that are alike on the task differ on sets that reveal how they solve it. What was
    measured before is not measured again. With --scores nothing is evaluated, and --out and --seed
    are those of the analysis; a run keeps its own.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.workflows.diagnosing import diagnose, plan_diagnosis

    scores = given["scores"]
    if (run is None) == (scores is None):
        raise click.UsageError("Give a run folder, or a file with --scores.")
    _check_together(ctx, scores is not None)
    names = None if suite is None else [name.strip() for name in suite.split(",") if name.strip()]
    with progress() as shown:
        if run is not None and dry_run:
            asked = {key: given[key] for key in ("suite_path", "lines", "train")}
            plan = plan_diagnosis(run, names, **asked, progress=shown)
            found, lines = plan.as_dict(), [str(plan)]
        else:
            found = diagnose(run, names, **given, progress=shown, announce=say)
            lines = _page(found) if run is not None else found.pop("lines")
            lines += [f"Written to {given['out']}"] if given["out"] else []
    if as_json:
        answer_json(found)
    else:
        answer(lines)
    ctx.exit(PARTLY if found.get("failures") else 0)


def _check_together(ctx: click.Context, scored: bool) -> None:
    """Refuse options that would do nothing: those of a run with scores, and the other way round."""
    typed = click.core.ParameterSource.COMMANDLINE
    for name in _OF_RUN if scored else _OF_SCORES:
        if ctx.get_parameter_source(name) is typed:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} goes with {'a run, not with --scores' if scored else '--scores'}."
            )


def _page(found: dict[str, Any]) -> list[str]:
    """Return what was found as lines."""
    refused = [f"Not applicable: {name}: {why}" for name, why in found["refused"].items()]
    lost = [f"Not followed: {why}" for why in found["failures"]]
    first = found["headlines"] or found["sentences"]
    further = (found[key] for key in ("by", "behaviour", "ridges", "held_out"))
    told = [*first, *(one for each in further for one in each)]
    return [*told, *refused, *lost, "", f"Report  {found['report']}"]
