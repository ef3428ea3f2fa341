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


@pytest.fixture(scope="module")  # a browser's event loop must not outlive its tests
def browser():
    """Give Chromium."""
    from browser_cases import ARGUMENTS, CHROMIUM
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """Give the file of a report of twelve members with every panel."""
    import report_cases as cases

    from wsgeo.reporting.page import write_page
    from wsgeo.reporting.summary import summarize

    path = tmp_path_factory.mktemp("report") / "index.html"
    write_page(summarize(cases.tables(12), cases.run()), path)
    return path


@pytest.fixture
def opened(browser, page_file):
    """Give that report in the browser, at desktop width."""
    from browser_cases import Opened

    found = Opened(browser, page_file, viewport={"width": 1280, "height": 900})
    yield found
    found.view.close()
