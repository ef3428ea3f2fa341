"""What reaches the terminal."""

import pytest

from wsgeo.commands import centroid, cluster, demo, diagnose, summaries
from wsgeo.commands.console import answer

EVIL = "a\nAlert: all is well\x1b[2J"


def test_a_line_is_a_line(capsys):
    """A line break or control character inside a line is shown, not obeyed."""
    answer(["first", EVIL, ""])

    assert capsys.readouterr().out == "first\na\\nAlert: all is well\\x1b[2J\n\n"


def _centroid():
    figures = ("loss", "mean_member_loss", "best_member_loss", "medoid_loss")
    row = {"name": EVIL, "variant": "mean", "members": [EVIL], "folder": EVIL, "reason": EVIL}
    return centroid._page({**row, **dict.fromkeys(figures)})


def _demo():
    losses = dict.fromkeys(("loss", "mean_member_loss", "best_member_loss"), 0.1)
    saved = {"group": EVIL, **losses, "best_member": EVIL, "folder": EVIL}
    found = {"verdict": [EVIL], "strategies": [EVIL], "centroid": saved, "better": None}
    return demo._page({**found, "seconds": 1.0, "report": EVIL, "next": [EVIL]})


def _cluster():
    found = {"verdict": EVIL, "labels": {EVIL: 0}, "not_placed": [], "n_basins": 1}
    return cluster._page({**found, "reasons": [EVIL]}, None)


@pytest.mark.parametrize(
    "page",
    [
        _centroid,
        _demo,
        _cluster,
        lambda: diagnose._page({"sentences": [EVIL], "report": EVIL}),
        lambda: summaries.page({"status": "unfinished", "run": EVIL}),
    ],
)
def test_no_name_makes_a_line_of_its_own(capsys, page):
    """Whatever members, folders and labels are called, a page has the lines it was given."""
    answer(page())

    shown = capsys.readouterr().out
    assert "all is well" in shown
    assert not any(line.startswith("Alert") for line in shown.splitlines())
    assert "\x1b" not in shown
