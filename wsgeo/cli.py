"""The ``wsgeo`` command: loads a verb's module only when that verb is asked for."""

from __future__ import annotations

import contextlib
import errno
import importlib
import shlex
import signal
import threading
from collections.abc import Iterator
from typing import Any, Final

import click

from wsgeo.errors import WsgeoError
from wsgeo.escapes import printable
from wsgeo.suggestions import suggestion
from wsgeo.version import __version__

VERBS = {
    "demo": "Make the embedded zoo, scan it, and write its report and a centroid.",
    "train": "Make a zoo from a recipe: fine-tuned members of a grid.",
    "check": "Show what is in a zoo, which members can be compared, and what is left out.",
    "scan": "Measure a zoo: barriers, basins, map, report.",
    "cluster": "Cluster a finished run, or any distance matrix, with null tests.",
    "diagnose": "Score a run's members on diagnostic sets and compare its basins.",
    "place": "Put further models on the map of a run and predict how they generalise.",
    "region": "Measure losses inside and around the regions of a run's task vectors.",
    "centroid": "Save the checked mean of a basin or region as a model folder.",
    "select": "Say which model to start from on target data, and what each start gains.",
    "report": "Write the HTML report of a run again.",
    "show": "Print the summary of a run.",
    "export": "Write the graph and tables of a run in other formats.",
    "compare": "Show what differs between two runs.",
    "doctor": "Show the environment and what it lacks.",
    "cite": "Print BibTeX for what a run used.",
}


INTERRUPTED: Final = 130

_TYPED: Final = "wsgeo.typed"
_SPACE: Final = "Free space, then run the same command again: it goes on from there."
_RIGHTS: Final = "Mend the permissions or choose another folder, then run the same command again."
_REMEDIES: Final = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "Raise the limit on the size of files, then run the same command again.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EIO: "Check the disk, then run the same command again: it goes on from there.",
}
"""What to do about the faults of a system that are no bug of wsgeo."""


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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_TYPED] = shlex.join(["wsgeo", *args])
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            remedy = suggestion(args[0], VERBS)
            raise click.UsageError(f"there is no verb {args[0]!r}. {remedy}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with _terminable():
            try:
                return super().invoke(ctx)
            except BaseException as error:
                code, line = _verdict(error, ctx.meta[_TYPED])
                if line is None or (ctx.params.get("debug") and code != INTERRUPTED):
                    raise
                # A name in an error may hold anything; it stays in its line.
                click.echo(f"wsgeo: {printable(line)}", err=True)
                ctx.exit(code)


def _verdict(error: BaseException, typed: str) -> tuple[int, str | None]:
    """Return exit code and line of an error; no line for what click itself deals with."""
    if isinstance(error, click.ClickException | click.Abort | click.exceptions.Exit):
        return 0, None
    if isinstance(error, WsgeoError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return (
            INTERRUPTED,
            f"stopped; what was finished is kept. The same command goes on from there: {typed}",
        )
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return 0, None
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        where = f"{error.filename}: " if error.filename is not None else ""
        return 2, f"{where}{error.strerror}. {_REMEDIES[error.errno]}"
    if isinstance(error, Exception):
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        return (
            1,
            f"this is a bug in wsgeo: {cause}. `wsgeo --debug ...` shows where; please report it.",
        )
    return 0, None


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a verb as Ctrl-C does: with its work committed and its processes ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


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
