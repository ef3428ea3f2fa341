"""The ``wsgeo`` command: loads a verb's module only when that verb is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from wsgeo.errors import WsgeoError
from wsgeo.version import __version__

VERBS = {
    "demo": "Make the embedded zoo, scan it, and write its report and a centroid.",
    "check": "Show what is in a zoo, which members can be compared, and what is left out.",
    "scan": "Measure a zoo: barriers, basins, map, report.",
    "cluster": "Cluster a finished run, or any distance matrix, with null tests.",
    "diagnose": "Score a run's members on diagnostic sets and compare its basins.",
    "centroid": "Save the checked mean of a basin or region as a model folder.",
    "report": "Write the HTML report of a run again.",
    "show": "Print the summary of a run.",
    "export": "Write the graph and tables of a run in other formats.",
    "compare": "Show what differs between two runs.",
    "doctor": "Show the environment and what it lacks.",
    "cite": "Print BibTeX for what a run used.",
}


class _Verbs(click.Group):
    """A group whose verbs are imported on first use: ``--help`` must not pay for torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in VERBS:
            return None
        module = importlib.import_module(f"wsgeo.commands.{name}")
        return module.command  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WsgeoError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"wsgeo: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wsgeo")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Look at many fine-tuned checkpoints of one model at once.

    wsgeo says which of them lie in one basin of the loss, which strategy each basin has learned,
    and which point to start the next fine-tuning from.
    """


if __name__ == "__main__":
    main()
