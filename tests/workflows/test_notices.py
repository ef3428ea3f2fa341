"""What is said before results are replaced."""

import dataclasses
from pathlib import Path

import pytest

from wsgeo.store import Run
from wsgeo.workflows.inputs import ZooRequest
from wsgeo.workflows.notices import replacement
from wsgeo.workflows.recording import asked
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest

ZOO, SETTINGS = ZooRequest(Path("/zoo"), ("a/b@main",)), ScanSettings(n_points=5)
REQUEST = DataRequest(Path("/data.csv"), columns={"text_a": "premise"})


@pytest.fixture
def finished(tmp_path):
    """Give a run folder in which a scan ended."""
    run = Run(tmp_path)
    facts = asked(ZOO, SETTINGS, REQUEST)
    zoo = {**facts["zoo"], "name": "zoo"}
    run.write("run", {**facts, "zoo": zoo, "status": "complete"})
    return run


def test_the_same_request_replaces_nothing(finished):
    """Nothing is said where the same was asked for, nor where no scan has ended."""
    assert replacement(finished, ZOO, SETTINGS, REQUEST) is None

    finished.write("run", {**finished.read("run"), "status": "started"})
    assert replacement(finished, ZOO, ScanSettings(), REQUEST) is None


@pytest.mark.parametrize(
    ("part", "change", "was", "becomes"),
    [
        ("zoo", {"root": Path("/other")}, "zoo /zoo", "zoo /other"),
        ("zoo", {"ids": ()}, "further members a/b@main", "further members none"),
        ("zoo", {"base": "bert"}, "base none", "base bert"),
        ("zoo", {"all_steps": True}, "all steps no", "all steps yes"),
        ("settings", {"n_points": 7}, "5 points", "7 points"),
        ("settings", {"tau": 0.1}, "tau auto", "tau 0.1"),
        ("request", {"path": None}, "data /data.csv", "data of the zoo"),
        ("request", {"split": "test"}, "split none", "split test"),
        ("request", {"columns": {}}, "columns text_a=premise", "columns as named"),
        ("request", {"objective": "causal_lm"}, "objective none", "objective causal_lm"),
        ("request", {"labels": {"0": "no"}}, "labels as they are", "labels 0=no"),
    ],
)
def test_whatever_is_asked_otherwise_is_told(finished, part, change, was, becomes):
    """Each option of a scan that differs from the last one stands in the sentence."""
    parts = {"zoo": ZOO, "settings": SETTINGS, "request": REQUEST}
    parts[part] = dataclasses.replace(parts[part], **change)

    told = replacement(finished, *parts.values())

    assert told.startswith(f"This run was scanned with {was}; ")
    assert f"replaced by those with {becomes}. " in told


def test_a_run_of_an_earlier_version_says_less(finished):
    """What an earlier version did not write down counts as not asked for."""
    facts = finished.read("run")
    for block, name in [("request", "labels"), ("zoo", "allow_pickle")]:
        del facts[block][name]
    finished.write("run", facts)

    assert replacement(finished, ZOO, SETTINGS, REQUEST) is None
