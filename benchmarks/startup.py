"""Print the time that small verbs take, and that of a bare interpreter beside them.

python benchmarks/startup.py --runs 20 [RUN]

With the folder of a finished run the verbs that read one are timed too.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "wsgeo --help": ["-m", "wsgeo.cli", "--help"],
    "wsgeo scan --help": ["-m", "wsgeo.cli", "scan", "--help"],
    "wsgeo doctor": ["-m", "wsgeo.cli", "doctor"],
}


def main() -> None:
    """Time each command and print least, median and largest wall time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("run", nargs="?", help="folder of a finished run")
    given = parser.parse_args()
    print(f"{'seconds':20}{'least':>8}{'median':>8}{'most':>8}")
    with tempfile.TemporaryDirectory() as folder:
        commands = COMMANDS | (readers(given.run, folder) if given.run else {})
        for name, arguments in commands.items():
            show(name, sorted(seconds(arguments) for _ in range(given.runs)))


def readers(run: str, folder: str) -> dict[str, list[str]]:
    """Return the verbs that read a run."""
    calls = {
        "show": [run],
        "cite": [run],
        "export": [run, "--format", "csv", "-o", folder],
        "compare": [run, run],
        "report": [run],
    }
    return {
        f"wsgeo {verb}": ["-m", "wsgeo.cli", verb, *arguments] for verb, arguments in calls.items()
    }


def show(name: str, times: list[float]) -> None:
    """Print one line."""
    print(f"{name:20}{times[0]:8.3f}{statistics.median(times):8.3f}{times[-1]:8.3f}")


def seconds(arguments: list[str]) -> float:
    """Return the wall time of one call."""
    started = time.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
