"""Which settings name a member's data set and task family."""

import polars as pl
import pytest
from level_cases import settings

from wsgeo.errors import DataError
from wsgeo.regions.traits import find_traits

IDS = ["a", "b", "c", "d"]


def _models(**columns):
    empty = dict.fromkeys(("task", "data"), [None] * len(IDS))
    schema = {"id": pl.String, "task": pl.String, "data": pl.String}
    return pl.DataFrame({"id": IDS, **empty, **columns}, schema=schema)


def _axes(found):
    return {one.level: one.axis for one in found}


def test_the_first_setting_that_is_there_is_taken():
    """A setting `dataset` goes before `task`, and `family` before `task_type`."""
    trained = settings(IDS, task_type="wxyz", task="wxyz", dataset="wwyy", family="wwww")

    assert _axes(find_traits(_models(), trained)) == {"dataset": "dataset", "task": "family"}


def test_a_setting_that_differs_goes_before_a_shared_one():
    """Where all members have one task and several data files, the files are their data sets."""
    found = find_traits(_models(task=["nli"] * 4), settings(IDS, data="wwyy"))

    assert _axes(found) == {"dataset": "data"}


def test_what_all_members_share_is_told_by_the_models():
    """A zoo of one task has one data set, though no setting varies."""
    (found,) = find_traits(_models(task=["sst2"] * 4), settings(IDS))

    assert set(found.value_of.values()) == {"sst2"}


def test_an_asked_setting_replaces_the_first():
    """The user's choice goes before the order of names."""
    trained = settings(IDS, task="wxyz", genre="wwyy")
    found = find_traits(_models(), trained, dataset_axis="genre", task_axis="task")

    assert _axes(found) == {"dataset": "genre", "task": "task"}


def test_an_unknown_setting_is_refused_with_those_there_are():
    """The message names the setting that was asked for, and the choice."""
    with pytest.raises(DataError, match=r"'genre'.*Choose among seed, task"):
        find_traits(_models(), settings(IDS, task="wxyz", seed="0011"), task_axis="genre")


def test_a_member_without_a_value_is_in_no_group():
    """Whose data set is not known has no value."""
    (found,) = find_traits(_models(), settings(IDS, task=["x", "x", None, "y"]))

    assert dict(found.value_of) == {"a": "x", "b": "x", "d": "y"}
