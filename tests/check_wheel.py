"""Build the wheel, install it into an empty environment, and use it from another folder."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str, cwd: Path) -> str:
    """Run a command and return what it printed; its failure ends the check."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_contents(wheel: Path) -> None:
    """The wheel holds wsgeo alone, with the diagnostic sets and the report's bundle."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"wsgeo"}, tops
    assert any(name.startswith("wsgeo/_diagnostics/") and name.endswith(".toml") for name in names)
    assert any(name.startswith("wsgeo/reporting/vendored/") for name in names)


def main() -> None:
    """Build, install, look, and run a tiny scan."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run("uv", "build", "--wheel", "-o", folder, cwd=ROOT)
        (wheel,) = place.glob("wsgeo-*.whl")
        check_contents(wheel)
        run("uv", "venv", "--python", sys.executable, str(place / "venv"), cwd=place)
        python = str(place / "venv" / "bin" / "python")
        constraints = run(
            "uv", "export", "--no-dev", "--no-emit-project", "--no-hashes", "-q", cwd=ROOT
        )
        (place / "constraints.txt").write_text(constraints)
        install = ("uv", "pip", "install", "-q", "--python", python)
        run(*install, "-c", "constraints.txt", str(wheel), cwd=place)
        wsgeo = str(place / "venv" / "bin" / "wsgeo")
        assert "scan" in run(wsgeo, "--help", cwd=place)
        run(python, str(ROOT / "tests" / "trained_zoo.py"), str(place / "zoo"), cwd=place)
        data = str(place / "zoo-data" / "validation.jsonl")
        run(wsgeo, "scan", "zoo", "--data", data, "-o", "run", "--jobs", "1", cwd=place)
        assert (place / "run" / "report" / "index.html").stat().st_size > 100_000
        print("The wheel installs alone and scans a zoo.")


if __name__ == "__main__":
    main()
