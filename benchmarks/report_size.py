"""Measure how large a report is and how soon a browser paints it.

Run it from a checkout: ``python benchmarks/report_size.py 12 45 100``. It needs Chromium.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import report_cases as cases

from wsgeo.reporting.page import write_page
from wsgeo.reporting.summary import summarize

ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
REPEATS = 5


def measure(browser, n: int, folder: Path) -> str:
    """Return one row: members, pairs, bytes, seconds to write, to paint, and until all is drawn."""
    tables = cases.tables(n, n_sets=11)
    path = folder / f"{n}.html"
    start = time.perf_counter()
    write_page(summarize(tables, cases.run()), path)
    written = time.perf_counter() - start
    runs = sorted(paint(browser, path) for _ in range(REPEATS))
    first, drawn = runs[REPEATS // 2]
    data = path.read_bytes()
    return (
        f"{n:7d} {n * (n - 1) // 2:6d} {len(data) / 1e6:6.2f} {len(gzip.compress(data)) / 1e6:8.2f}"
        f" {written:8.2f} {first:8.2f} {drawn:8.2f}"
    )


def paint(browser, path: Path) -> tuple[float, float]:
    """Return the seconds until the first paint, and until every chart is drawn."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=60_000)
    drawn = page.evaluate("performance.now()") / 1000
    entry = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    first = page.evaluate(entry) / 1000
    page.close()
    return first, drawn


def main() -> None:
    """Print one row per number of members."""
    from playwright.sync_api import sync_playwright

    sizes = [int(word) for word in sys.argv[1:]] or [12, 45, 100]
    print("members  pairs     MB  gzip MB  write s  paint s  drawn s")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        measure(browser, sizes[0], Path(folder))  # imports and caches are warm from here on
        for n in sizes:
            print(measure(browser, n, Path(folder)))
        browser.close()


if __name__ == "__main__":
    main()
