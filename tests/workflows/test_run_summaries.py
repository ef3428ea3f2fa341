"""Whose verdict a sentence is, and where the alerts of the gate go."""

import pytest

from wsgeo.workflows import reports, summaries

GROUPS = [{"name": f"g0.l{k}", "verdict": f"{k} basins.", "reasons": []} for k in range(2)]
RUN = {"zoo": {"name": "z"}, "wsgeo": "1", "command": "c", "settings": {"seed": 0}, "data": []}


@pytest.mark.parametrize("n", [0, 1, 2])
def test_verdicts_name_their_group_where_there_are_several(n):
    """Two verdicts in one summary can be told apart; one needs no name."""
    expected = [[], ["0 basins."], ["g0.l0: 0 basins.", "g0.l1: 1 basins."]]

    assert summaries._verdicts(GROUPS[:n]) == expected[n]


def test_a_page_has_its_own_verdict_and_no_alert_of_the_gate():
    """The gate's alerts stay off the page, also of members called like the sentence."""
    kept = "a failed the end-point gate is how a folder is called."
    alerts = {"alerts": [kept], "gate_alerts": ["a failed the end-point gate."]}
    summary = {"groups": GROUPS, "verdict": summaries._verdicts(GROUPS), **alerts}

    facts = reports._facts(RUN, summary, "g0.l1", ("They differ.",))

    assert facts["verdict"] == ["g0.l1: 1 basins.", "They differ."]
    assert facts["alerts"] == [kept]
    assert reports._facts(RUN, summary, None, ())["verdict"] == []
