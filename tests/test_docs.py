"""The documentation says what the code does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wsgeo
from wsgeo.cli import VERBS
from wsgeo.store import TABLES

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCES = sorted((ROOT / "wsgeo").rglob("*.py"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def finding_codes():
    """Return the codes that are written out where an entry is refused."""
    calls = (
        node
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EntryError"
    )
    firsts = (call.args[0] for call in calls if call.args)
    return sorted({a.value for a in firsts if isinstance(a, ast.Constant)})


class TestFormats:
    """docs/formats.md names everything that is written."""

    @pytest.mark.parametrize("table", sorted(TABLES))
    def test_names_every_column(self, table):
        """Each column of each table is in docs/formats.md."""
        page = read("docs/formats.md")

        assert [name for name in TABLES[table] if f"`{name}`" not in page] == []

    def test_names_every_finding(self):
        """Each code of a refused entry is in docs/formats.md."""
        codes, page = finding_codes(), read("docs/formats.md")

        assert len(codes) > 10
        assert [code for code in codes if f"`{code}`" not in page] == []


class TestCommands:
    """Every verb is documented and is a function."""

    def test_reference_is_current(self):
        """docs/cli.md is what the help texts say."""
        script = str(DOCS / "make_cli_reference.py")
        done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)

        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("verb", VERBS)
    def test_is_a_function(self, verb):
        """Each verb is a documented function of the package."""
        assert getattr(wsgeo, verb).__doc__

    @pytest.mark.parametrize("verb", VERBS)
    def test_is_in_the_tutorial(self, verb):
        """Each verb is shown in the tutorial."""
        assert f"wsgeo {verb}" in read("docs/tutorial.md")


class TestPages:
    """Pages hold together."""

    @pytest.mark.parametrize(
        "page",
        [
            "README.md",
            "CONTRIBUTING.md",
            *sorted(str(path.relative_to(ROOT)) for path in DOCS.rglob("*.md")),
        ],
    )
    def test_links_lead_somewhere(self, page):
        """Every relative link is a file."""
        here = (ROOT / page).parent
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(page))

        assert [link for link in links if not (here / link).exists()] == []

    def test_readme_has_both_commands(self):
        """The README gives the two commands for a fresh machine."""
        page = read("README.md")

        assert "pip install uv && uv run wsgeo demo" in page
        assert "uv run pytest" in page

    def test_decisions_are_numbered(self):
        """Decision files are numbered without gaps."""
        numbers = [int(path.name[:4]) for path in sorted((DOCS / "decisions").glob("*.md"))]

        assert numbers == list(range(1, len(numbers) + 1))
