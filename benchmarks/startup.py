"""Print the time that ``wsgeo --help`` takes, and that of a bare interpreter beside it.

python benchmarks/startup.py --runs 20
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "wsgeo --help": ["-m", "wsgeo.cli", "--help"],
    "wsgeo scan --help": ["-m", "wsgeo.cli", "scan", "--help"],
}


def main() -> None:
    """Time each command and print least, median and largest wall time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    n_runs = parser.parse_args().runs
    print(f"{'seconds':20}{'least':>8}{'median':>8}{'most':>8}")
    for name, arguments in COMMANDS.items():
        times = sorted(seconds(arguments) for _ in range(n_runs))
        print(f"{name:20}{times[0]:8.3f}{statistics.median(times):8.3f}{times[-1]:8.3f}")


def seconds(arguments: list[str]) -> float:
    """Return the wall time of one call."""
    started = time.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
