"""What a run says of regions and start models, as its pages are told."""

from wsgeo.workflows import reports

GROUPS = [{"name": f"g0.l{k}", "verdict": f"{k} basins.", "reasons": []} for k in range(2)]
RUN = {"zoo": {"name": "z"}, "wsgeo": "1", "command": "c", "settings": {"seed": 0}, "data": []}


def test_a_page_tells_of_the_regions_of_its_own_geometry():
    """What is said of single regions is that of the page's geometry group; what is said of all is on each."""
    told = [{"group": f"g{k}", "title": f"region {k}", "sentences": [f"{k}."]} for k in range(2)]
    regions = {"sentences": ["Found again."], "notes": ["No base."], "regions": told}
    starts = {
        "sentences": ["Start here."],
        "notes": ["A note."],
        "head": "New.",
        "settings": {"rank_by": "logme"},
    }
    summary = {"groups": GROUPS, "verdict": ["", ""]}

    facts = reports._facts({**RUN, "regions": regions, "starts": starts}, summary, "g0.l1", ())

    assert (facts["regions"], facts["notes"]) == (["Found again."], ["No base."])
    assert [row["title"] for row in facts["around"]] == ["region 0"]
    assert (facts["starts"], facts["start_notes"]) == (["Start here."], ["A note.", "New."])
    assert facts["ranked_by"] == "logme"


def test_a_page_of_an_earlier_run_says_nothing_of_regions():
    """A run without regions and start models has empty sentences."""
    facts = reports._facts(RUN, {"groups": GROUPS, "verdict": ["", ""]}, "g0.l0", ())

    assert [facts[key] for key in ("regions", "notes", "around", "starts", "start_notes")] == [
        []
    ] * 5
