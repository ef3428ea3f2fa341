"""Write docs/cli.md from the help of every command, or check that it is current."""

import sys
from pathlib import Path

import click

from wsgeo.cli import VERBS, main

PAGE = Path(__file__).parent / "cli.md"
HEAD = """# Command line

This page is made from the help texts by `docs/make_cli_reference.py`.
"""


def section(verb: str | None) -> str:
    """Return the help of one verb, or of ``wsgeo`` itself, as a section."""
    name = f"wsgeo {verb}" if verb else "wsgeo"
    context = click.Context(main, info_name="wsgeo")
    command = main.get_command(context, verb) if verb else main
    inner = click.Context(command, info_name=name, max_content_width=96, terminal_width=96)
    return f"\n## {name}\n\n```text\n{command.get_help(inner)}\n```\n"


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(section(verb) for verb in [None, *VERBS])


if __name__ == "__main__":
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/cli.md is not current: run `uv run python docs/make_cli_reference.py`.")
    else:
        PAGE.write_text(page(), encoding="utf-8")
