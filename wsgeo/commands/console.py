"""What the commands print: progress and notes on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from wsgeo.escapes import printable
from wsgeo.progress import Progress

if TYPE_CHECKING:
    from wsgeo.training.crews import Standing, Watch

SECONDS_BETWEEN_LINES: Final = 30.0


def say(text: str) -> None:
    """Print one line for people on stderr, with control characters shown as escapes."""
    click.echo("\n".join(printable(line) for line in text.splitlines()), err=True)


def answer(lines: Iterable[str]) -> None:
    """Print the lines of a result for people on stdout; a line break in a name makes no line."""
    click.echo("\n".join(map(printable, lines)))


def answer_json(content: Mapping[str, Any]) -> None:
    """Print a result for programs on stdout: JSON and nothing else."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Give a callable that shows bars with rate and time left, or a line now and then.

    Yields
    ------
    Progress
        Bars on a terminal; without one a line every 30 s.
    """
    if not sys.stderr.isatty():
        yield _LinePrinter()
        return
    from rich.progress import TextColumn, TimeRemainingColumn

    with _bars(TextColumn("left"), TimeRemainingColumn()) as bars:
        yield _BarPrinter(bars)


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Give a callable that shows how a zoo in work gets on.

    Yields
    ------
    callable
        On a terminal a bar for all updates and one for each member in work; without one a line
        every 30 s.
    """
    if not sys.stderr.isatty():
        yield _StandingPrinter()
        return
    from rich.progress import TextColumn

    with _bars(TextColumn("{task.fields[note]}", markup=False)) as bars:
        yield _StandingBars(bars)


def _bars(*more: Any) -> Any:
    """Return bars with a name, a count and the time so far; with further columns."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, *more, console=Console(stderr=True))


class _BarPrinter:
    """One bar per kind of work."""

    def __init__(self, bars: Any) -> None:
        self._bars, self._tasks = bars, dict[str, Any]()

    def __call__(self, done: int, total: int, what: str) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(printable(what), total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)


class _LinePrinter:
    """A line when a kind of work starts to take long, and when it ends."""

    def __init__(self) -> None:
        self._what, self._start, self._last = "", 0.0, 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._start, self._last = what, now, now
        if done < total and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        seconds = now - self._start
        rate = done / seconds if seconds > 0 else 0.0
        left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
        say(f"{what}: {done} of {total} ({seconds:.0f} s{left})")


class _StandingBars:
    """One bar for a zoo, and one for each member in work, which goes when the member ends."""

    def __init__(self, bars: Any) -> None:
        self._bars, self._tasks = bars, dict[str | None, Any]()

    def __call__(self, standing: Standing) -> None:
        self._show(None, standing.done, standing.total, standing.whole)
        for gone in self._tasks.keys() - {None, *(one.member for one in standing.running)}:
            self._bars.remove_task(self._tasks.pop(gone))
        for one in standing.running:
            self._show(one.member, one.step, one.n_steps, f"loss {one.loss:.3f}")

    def _show(self, member: str | None, done: int, total: int, note: str) -> None:
        if member not in self._tasks:
            name = "updates" if member is None else f"  {printable(member)}"
            self._tasks[member] = self._bars.add_task(name, total=total, note="")
        self._bars.update(self._tasks[member], completed=done, total=total, note=note)


class _StandingPrinter:
    """A line now and then."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, standing: Standing) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            say(str(standing))
