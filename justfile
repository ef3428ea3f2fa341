# Everything the gate runs, one recipe each; `just` runs them all.

default: test lint types layers docs slow wheel

# The fast tests, as the README says.
test:
    uv run pytest

lint:
    uv run ruff format --check .
    uv run ruff check .

types:
    uv run mypy

layers:
    uv run lint-imports

# The command-line reference is that of the current help.
docs:
    uv run python docs/make_cli_reference.py --check

slow:
    uv run pytest -m "slow or browser"

# A wheel in an empty environment, run from another folder.
wheel:
    uv run python tests/check_wheel.py
