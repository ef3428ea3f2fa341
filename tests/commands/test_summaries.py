"""A run's summary as lines for people."""

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
    verdict = [f"{group['name']}: {group['verdict']}" for group in groups]
    return {"zoo": "z", "verdict": verdict, "groups": list(groups), **counts, **rest}


def test_counts_agree_with_their_nouns():
    """One member is a member."""
    lines = page(_summary(_group("g0.l0", ["a"])))

    assert lines[0].startswith("z: 1 member, 1 pair (")
    assert "  basin 0: 1 member: a" in lines


def test_each_verdict_stands_before_its_basins():
    """Verdicts come as the summary words them, each with the basins of its group."""
    groups = [_group(f"g0.l{k}", [f"a{k}", "b"]) for k in range(2)]
    lines = page(_summary(*groups))

    assert lines[2:6] == [
        "g0.l0: One basin of 2.",
        "  basin 0: 2 members: a0, b",
        "g0.l1: One basin of 2.",
        "  basin 0: 2 members: a1, b",
    ]


def test_alerts_of_the_gate_are_told():
    """Members that cannot do their task are told beside what was guessed."""
    summary = _summary() | {"alerts": ["A label was guessed."], "gate_alerts": ["a failed."]}

    assert {"Alert: A label was guessed.", "Alert: a failed."} <= set(page(summary))


def test_a_name_stays_in_its_line():
    """A line break in a member's name makes no line of its own."""
    lines = page(_summary(_group("g", ["a\nAlert: all is well"])))

    assert "  basin 0: 1 member: a\nAlert: all is well" in lines


def test_one_group_without_basins_is_no_basin():
    """Where no split survived the test, the line says so; too few members are a group."""
    group = _group("g", ["a", "b"]) | {"basins_found": False, "p_value": 0.065}

    assert "  no basins were found: all 2 members together: a, b" in page(_summary(group))
    assert "  group 0: 2 members: a, b" in page(_summary(group | {"p_value": None}))


def test_work_done_is_that_of_the_last_scan():
    """A page shown later does not say that something was computed now."""
    assert "3 evaluations computed by the last scan, 0 found done" in page(_summary())[0]
