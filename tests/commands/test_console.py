"""What reaches the terminal."""

import pytest

from wsgeo.commands import centroid, cluster, console, demo, diagnose, summaries
from wsgeo.commands.console import answer, watching
from wsgeo.training import Running, Standing

EVIL = "a\nAlert: all is well\x1b[2J"


def test_a_line_is_a_line(capsys):
    """A line break or control character inside a line is shown, not obeyed."""
    answer(["first", EVIL, ""])

    assert capsys.readouterr().out == "first\na\\nAlert: all is well\\x1b[2J\n\n"


def _centroid():
    figures = ("loss", "mean_member_loss", "best_member_loss", "medoid_loss")
    row = {"name": EVIL, "variant": "mean", "members": [EVIL], "folder": EVIL, "reason": EVIL}
    row["method"] = "mean"
    return centroid._page({**row, **dict.fromkeys(figures)})


def _diagnose():
    said = {
        key: [EVIL]
        for key in ("sentences", "headlines", "behaviour", "by", "ridges", "held_out", "failures")
    }
    return diagnose._page({**said, "refused": {EVIL: EVIL}, "report": EVIL})


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
        _diagnose,
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


def standing(*running, n_made=0):
    return Standing(running, n_made, 3, sum(one.step for one in running), 300, 540.0)


class TestWatching:
    """A zoo in work."""

    def test_a_line_now_and_then(self, capsys, monkeypatch):
        """Without a terminal a line comes every 30 s, not with every report."""
        now = [0.0]
        monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
        with watching() as shown:
            for seconds in range(75):
                now[0] = float(seconds)
                shown(standing(Running("seed0", seconds, 100, 0.512)))

        assert capsys.readouterr().err.splitlines() == [
            "seed0: update 30 of 100, loss 0.512; 0 of 3 members, about 9 min left",
            "seed0: update 60 of 100, loss 0.512; 0 of 3 members, about 9 min left",
        ]

    def test_a_bar_for_the_zoo_and_one_for_each_member_in_work(self):
        """A member's bar goes with it; the zoo's bar stays."""
        bars = console._bars()
        shown = console._StandingBars(bars)
        shown(standing(Running("seed0", 10, 100, 0.5), Running("seed1", 5, 100, 0.6)))
        both = told(bars)
        shown(standing(Running("seed1", 9, 100, 0.4), n_made=1))

        assert both == [
            ("updates", 15, 300, "0 of 3 members, about 9 min left"),
            ("  seed0", 10, 100, "loss 0.500"),
            ("  seed1", 5, 100, "loss 0.600"),
        ]
        assert told(bars) == [
            ("updates", 9, 300, "1 of 3 members, about 9 min left"),
            ("  seed1", 9, 100, "loss 0.400"),
        ]


def told(bars):
    return [(t.description, t.completed, t.total, t.fields["note"]) for t in bars.tasks]
