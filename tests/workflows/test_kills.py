"""A scan that is killed loses nothing that was committed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--kills", "8"), ("--kills", "2", "--cold", "--jobs", "2")])
def test_kills_lose_nothing(tmp_path, options):
    """After kills at any moment no row is lost or computed again, and all files are as ever."""
    # A process of its own: it forks, which this one must not once its libraries have threads.
    found = subprocess.run(
        [sys.executable, PROGRAM, "--members", "5", "--folder", tmp_path, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    assert found.returncode == 0, found.stdout + found.stderr
