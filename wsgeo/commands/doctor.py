"""``wsgeo doctor``."""

from __future__ import annotations

import click

from wsgeo.commands import options


@click.command("doctor")
@options.as_json
def command(as_json: bool) -> None:
    """Show the environment and what it lacks."""
    from wsgeo.commands.console import answer, answer_json
    from wsgeo.workflows.doctoring import doctor

    facts = doctor()
    if as_json:
        answer_json(facts)
    else:
        answer(_page(facts))


def _page(facts: dict[str, object]) -> list[str]:
    """Return the facts as lines."""
    plain = {key: value for key, value in facts.items() if not isinstance(value, dict | list)}
    lines = [f"{key:14} {value}" for key, value in plain.items()]
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{key}", *(f"  {name:14} {item}" for name, item in value.items())]
    problems = facts["problems"]
    assert isinstance(problems, list)
    return [*lines, *(problems or ["No problem was found."])]
