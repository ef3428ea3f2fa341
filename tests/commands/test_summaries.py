"""A run's summary as lines for people."""

import pytest

from wsgeo.commands.summaries import page


def _group(name, members):
    basin = {"label": 0, "members": members}
    return {
        "name": name,
        "verdict": f"One basin of {len(members)}.",
        "reasons": [],
        "basins": [basin],
    }


def _summary(*groups):
    counts = {"n_members": 1, "n_pairs": 1, "n_computed": 3, "n_reused": 0}
    rest = {"regions": {}, "alerts": [], "exclusions": [], "report": "r", "next": []}
    return {"zoo": "z", "groups": list(groups), **counts, **rest}


def test_counts_agree_with_their_nouns():
    """One member is a member."""
    lines = page(_summary(_group("g0.l0", ["a"])))

    assert lines[0].startswith("z: 1 member, 1 pair (")
    assert "  basin 0: 1 member: a" in lines


@pytest.mark.parametrize("several", [False, True])
def test_verdicts_name_their_group_where_there_are_several(several):
    """Two verdicts in one summary can be told apart; one needs no name."""
    groups = [_group(f"g0.l{k}", ["a", "b"]) for k in range(1 + several)]
    lines = page(_summary(*groups))

    assert ("g0.l0: One basin of 2." in lines) == several
    assert ("One basin of 2." in lines) != several


def test_a_name_stays_in_its_line():
    """A line break in a member's name makes no line of its own."""
    lines = page(_summary(_group("g", ["a\nAlert: all is well"])))

    assert "  basin 0: 1 member: a\nAlert: all is well" in lines
