"""Kill scans with signal 9 at any moment, run the same command again, and count what was lost.

A round starts ``wsgeo scan`` in a process group of its own, kills the whole group at a random time
or when the ledger has grown to a random size, sometimes does so again to the resumed command, and
then lets it end. Counted are evaluations that another process could read from the ledger before a
kill and not after it, evaluations that the last command computed although they were there, and
files of the run that differ from those of an undisturbed one.

    python benchmarks/kills.py --kills 60 --members 8

By default the commands are forked from one interpreter that has imported what a scan imports, so
that moments fall into the work and not into the imports; ``--cold`` starts the real program each
time, ``--jobs`` gives it worker processes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ONCE_MORE = 1 / 3
"""Chance that a resumed command is killed too."""

EXAMPLES, POINTS = 48, 21
FLEETING = {"summary": {"seconds", "n_computed", "n_reused"}, "run": {"started", "finished"}}
MODULES = "import sys; from wsgeo.cli import main; main(sys.argv[1:], standalone_mode=False)"


@dataclass
class Count:
    """What a campaign counts."""

    kills: int = 0
    rounds: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    lost: int = 0
    computed_again: int = 0
    unequal: list[str] = field(default_factory=list)
    left_over: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, done twice or different."""
        return not (self.lost or self.computed_again or self.unequal or self.left_over)


class Command:
    """The command that is started again and again, and the run folder that it writes."""

    def __init__(self, folder: Path, members: int, jobs: int, *, cold: bool) -> None:
        self.run, self.log, self.cold = folder / "run", folder / "log", cold
        zoo = folder / "zoo"
        maker = [sys.executable, str(HERE / "tests" / "trained_zoo.py"), str(zoo), str(members)]
        subprocess.run(maker, check=True, env=_environment())
        self.arguments = [
            "scan", str(zoo), "-o", str(self.run), "--data",
            str(folder / "zoo-data" / "validation.jsonl"), "--examples", str(EXAMPLES),
            "--points", str(POINTS), "--jobs", str(jobs), "--json",
        ]  # fmt: skip

    def start(self) -> int:
        """Start it in a process group of its own, and return its process id."""
        return self._start_program() if self.cold else self._fork()

    def finish(self) -> None:
        """Run it to its end."""
        _, status = os.waitpid(self.start(), 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"The command ended badly.\n{self.log.read_text()}")

    def import_what_a_scan_imports(self) -> None:
        """Import here what a finished scan had imported; threads must not start before a fork."""
        found = self.log.with_suffix(".modules")
        code = f"{MODULES}; open({str(found)!r}, 'w').write('\\n'.join(sys.modules))"
        with self.log.open("w") as log:
            subprocess.run(
                [sys.executable, "-c", code, *self.arguments],
                check=True, env=_environment(), stdout=log, stderr=log,
            )  # fmt: skip
        for name in found.read_text().split():
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    def _start_program(self) -> int:
        with self.log.open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wsgeo.cli", *self.arguments],
                env=_environment(), stdout=log, stderr=log, start_new_session=True,
            ).pid  # fmt: skip

    def _fork(self) -> int:
        child = os.fork()
        if child:
            with contextlib.suppress(OSError):  # whichever of the two comes first
                os.setpgid(child, child)
            return child
        code = 1
        try:
            with contextlib.suppress(OSError):
                os.setpgid(0, 0)
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            sys.argv = ["wsgeo", *self.arguments]
            from wsgeo.cli import main

            main(self.arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def main() -> None:
    """Run a campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    os.environ.update(_environment())
    sys.path.insert(0, str(HERE))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        command = Command(Path(folder), given.members, given.jobs, cold=given.cold)
        if not given.cold:
            command.import_what_a_scan_imports()
            shutil.rmtree(command.run)
        count = campaign(command, given.kills, random.Random(given.seed))
    _print(count)
    raise SystemExit(0 if count.sound else 1)


def campaign(command: Command, n_kills: int, rng: random.Random) -> Count:
    """Kill a command a number of times, and compare what it leaves with an undisturbed run."""
    started = time.monotonic()
    command.finish()
    seconds = time.monotonic() - started
    total, whole = len(_keys(command.run)), _content(command.run)
    count = Count()
    while count.kills < n_kills:
        shutil.rmtree(command.run, ignore_errors=True)
        again = True
        while again and count.kills < n_kills:
            again = _kill_once(command, seconds, total, rng, count) and rng.random() < ONCE_MORE
        n_before = len(_keys(command.run))
        command.finish()
        summary = json.loads((command.run / "summary.json").read_text())
        count.computed_again += summary["n_computed"] + n_before - total
        count.unequal += _unequal(whole, _content(command.run))
        count.left_over += len(list(command.run.rglob("*.partial")))
        count.rounds += 1
    return count


def _kill_once(
    command: Command, seconds: float, total: int, rng: random.Random, count: Count
) -> bool:
    """Start the command and kill its group; tell whether it was still at work."""
    by_size = rng.random() < 0.5
    moment, size = rng.uniform(0, seconds), rng.randint(1, total)
    process, started = command.start(), time.monotonic()
    known: set[str] = set()
    while os.waitpid(process, os.WNOHANG)[0] == 0:
        if by_size:
            known = _keys(command.run)
        if len(known) >= size if by_size else time.monotonic() - started >= moment:
            known = _keys(command.run)
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            count.kills += 1
            count.committed += len(known)
            count.lost += len(known - _keys(command.run))
            count.moments[_name(len(known), total)] += 1
            return True
        time.sleep(0.005)
    return False


def _name(n_known: int, total: int) -> str:
    if n_known == 0:
        return "before the first commit"
    return "while measuring" if n_known < total else "after the last evaluation"


def _keys(run: Path) -> set[str]:
    """Return the keys in a ledger as another process finds them, without touching it."""
    with tempfile.TemporaryDirectory() as folder:
        # The log last: a commit that is moved into the database between the copies is in both.
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(run / name, Path(folder) / name)
        database = sqlite3.connect(Path(folder) / "ledger.sqlite")
        try:
            return {key for (key,) in database.execute("SELECT key FROM losses")}
        except sqlite3.DatabaseError:  # no table yet, or copied in mid-write
            return set()
        finally:
            database.close()


def _content(run: Path) -> dict[str, object]:
    """Return what a run holds, by file, without times and counts of work."""
    found: dict[str, object] = {
        str(path.relative_to(run)): path.read_bytes()
        for part in ("tables", "graph")
        for path in sorted((run / part).rglob("*"))
        if path.is_file()
    }
    for name in ("config.toml", "zoo.lock.json"):
        found[name] = (run / name).read_bytes()
    for name, fleeting in FLEETING.items():
        facts = json.loads((run / f"{name}.json").read_text())
        found[name] = {key: value for key, value in facts.items() if key not in fleeting}
    found["report"] = (run / "report" / "index.html").exists()
    return found


def _unequal(first: dict[str, object], second: dict[str, object]) -> list[str]:
    return [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}


def _print(count: Count) -> None:
    print(f"kills                          {count.kills:6} in {count.rounds} runs")
    for name, number in sorted(count.moments.items()):
        print(f"  {name:28} {number:6}")
    print(f"evaluations committed at kills {count.committed:6}")
    print(f"  lost                         {count.lost:6}")
    print(f"  computed again               {count.computed_again:6}")
    print(f"files unlike an undisturbed run{len(count.unequal):6} {sorted(set(count.unequal))}")
    print(f"half-written files left        {count.left_over:6}")


if __name__ == "__main__":
    main()
