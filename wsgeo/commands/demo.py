"""``wsgeo demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("demo")
@click.option(
    "-o",
    "--out",
    type=options.folder,
    default=Path("wsgeo-demo"),
    show_default=True,
    help="Folder to write; made when absent.",
)
@options.seed
@options.jobs
@options.as_json
def command(as_json: bool, **given: Any) -> None:
    """Make the embedded zoo, scan it, diagnose it, and save a centroid.

    A tiny BERT is pre-trained on sentences of a small grammar and fine-tuned a dozen times, on this
    machine and without any download; everything after that is what the other verbs do on any zoo.
    The same command goes on where it was stopped.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.workflows.touring import demo

    with progress() as shown:
        found = demo(**given, progress=shown, announce=say, command=["wsgeo", *sys.argv[1:]])
    if as_json:
        answer_json(found)
    else:
        answer(_page(found))


def _page(found: dict[str, Any]) -> list[str]:
    """Return verdict, strategies, centroid and what to do next as lines."""
    centroid = found["centroid"]
    lines = [*found["verdict"], *found["strategies"], ""]
    why = "the one that is right more often there" if found["better"] is not None else "the largest"
    lines.append(
        f"Centroid of basin {centroid['group']}, {why}: loss {centroid['loss']:.4g}, its members "
        f"{centroid['mean_member_loss']:.4g} on average, the best {centroid['best_member']} "
        f"{centroid['best_member_loss']:.4g}; saved in {centroid['folder']}"
    )
    lines += [f"All of it took {found['seconds']:.0f} s.", "", f"Report  {found['report']}"]
    return lines + [f"Next    {command}" for command in found["next"]]
