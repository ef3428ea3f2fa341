"""A report in a browser, with what it said and asked for; importable by name in tests."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

BROWSER = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no page was opened"),
]
"""Marks of a test that opens a page."""


class Opened:
    """A report in a browser, with everything it said and asked for."""

    def __init__(self, browser, path, **settings):
        self.view = browser.new_page(**settings)
        self.said, self.asked, self.dialogs = [], [], []
        self.view.on("console", lambda message: self.said.append(message.text))
        self.view.on("pageerror", lambda error: self.said.append(str(error)))
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.on(
            "dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss())
        )
        self.view.goto(path.as_uri())
        self.view.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=30_000)

    def marks(self, chart, role, attribute="opacity"):
        """Return an attribute of each mark of a chart that is drawn as SVG."""
        marks = self.view.locator(f"#chart-{chart} [aria-roledescription='{role}']")
        return [marks.nth(k).get_attribute(attribute) for k in range(marks.count())]

    def faint(self, chart, role):
        """Return how many marks of a chart are dimmed, and how many there are."""
        found = [float(opacity or 1) for opacity in self.marks(chart, role)]
        return sum(opacity < 0.3 for opacity in found), len(found)


def drag(view, chart):
    """Drag a box over the left third of a chart."""
    view.locator(chart).scroll_into_view_if_needed()
    box = view.locator(f"{chart} svg").bounding_box()
    view.mouse.move(box["x"] + 5, box["y"] + 5)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] - 5, steps=5)
    view.mouse.up()
