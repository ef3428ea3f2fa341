"""The settings in which the members of a zoo differ."""

import json
import shutil

import pytest

from wsgeo.zoo import read_zoo
from wsgeo.zoo.axes import SETTINGS, settings_table


@pytest.fixture
def zoo(tiny_zoo_folder, tmp_path):
    """Give a function that writes side files into a copy of the zoo and returns the settings."""
    folder = tmp_path / "zoo"
    shutil.copytree(tiny_zoo_folder, folder)

    def read(own, manifest=None):
        for name, document in own.items():
            (folder / name / "wsgeo.json").write_text(json.dumps(document))
        if manifest is not None:
            (folder / "zoo.toml").write_text(manifest)
        return settings_table(read_zoo(folder))

    return read


@pytest.fixture
def names(tiny_zoo):
    """Give the ids of the members."""
    return list(tiny_zoo.ids)


def _values(table, axis):
    return dict(table.filter(axis=axis).select("id", "value").iter_rows())


def test_declared_and_known_settings_that_vary_are_axes(zoo, names):
    """Declared axes and undeclared settings have rows; what is shared, and results, have none."""
    own = {
        name: {
            "axes": {"dose": 0.1 * k, "augmented": k > 1},
            "order_seed": k % 2,
            "warmup": 0.1,
            "train_loss": 0.3 + k,
        }
        for k, name in enumerate(names)
    }
    table = zoo(own)

    assert table.schema == SETTINGS
    assert set(table["axis"]) >= {"dose", "augmented", "order_seed"}
    assert not {"warmup", "train_loss", "axes.dose"} & set(table["axis"])
    assert _values(table, "order_seed") == {name: str(k % 2) for k, name in enumerate(names)}
    assert set(_values(table, "augmented").values()) == {"true", "false"}
    assert table.filter(axis="augmented")["number"].null_count() == len(names)
    assert table.filter(axis="dose")["number"].to_list() == pytest.approx(
        [0.1 * k for k in range(len(names))]
    )
    assert set(table.filter(axis="dose")["source"]) == {"wsgeo.json"}


def test_the_owners_word_holds_over_what_training_wrote(zoo, names):
    """A value in ``zoo.toml`` replaces the declared one, and equal numbers are one value."""
    own = {name: {"axes": {"dose": 1.0 + (k > 0)}} for k, name in enumerate(names)}
    lines = f'[[member]]\npath = "{names[0]}"\nfacts = {{ dose = 2 }}\n'

    before, after = zoo(own), zoo(own, lines)

    assert set(_values(before, "dose").values()) == {"1", "2"}
    assert "dose" not in set(after["axis"])  # all have 2 now


def test_a_member_without_a_value_has_no_row(zoo, names):
    """A setting that one member does not name says nothing of that member."""
    own = {name: {"axes": {"rank": k} if k else {}} for k, name in enumerate(names)}

    assert set(_values(zoo(own), "rank")) == set(names[1:])


def test_a_trajectory_has_its_name_and_steps(zoo, names):
    """Steps of one training run carry its name and their number."""
    own = {
        name: {"trajectory": names[k // 2], "step": 100 * (1 + k % 2)}
        for k, name in enumerate(names)
    }
    table = zoo(own)

    assert _values(table, "trajectory") == {n: names[k // 2] for k, n in enumerate(names)}
    assert set(_values(table, "step").values()) == {"100", "200"}
