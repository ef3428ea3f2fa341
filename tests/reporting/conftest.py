"""Fixtures of the report's tests; the made-up tables live beside, in ``report_cases.py``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def whole_page():
    """Give the page of a zoo of twelve members with every panel, rendered once."""
    import report_cases as cases

    from wsgeo.reporting import render, summarize

    return render(summarize(cases.tables(12), cases.run()))
