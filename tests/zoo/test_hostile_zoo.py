"""A zoo in which almost every entry is malformed or hostile: each gets a row, and nothing happens."""

import json
import pickle
import shutil
import sys

import hostile_configs  # noqa: F401 (fills the register)
import hostile_weights  # noqa: F401 (fills the register)
import pytest
from hostile_cases import BASE, CASES, CONFIG, FACTS
from zoo_cases import fine_tuned, make_zoo, write_model

from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo import read_zoo


class Evil:
    """Write a marker when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    return tmp_path_factory.mktemp("marks") / "executed"


@pytest.fixture(scope="module")
def opened():
    """Note the files that are opened and the connections that are made."""
    events = []
    armed = [True]

    def hook(event, args):
        if armed[0] and event in ("open", "pickle.find_class", "socket.connect"):
            events.append((event, str(args[0])))

    sys.addaudithook(hook)
    yield events
    armed[0] = False


@pytest.fixture(scope="module")
def zoo(tmp_path_factory, marker, opened):
    """Read a zoo of four sound members and one entry per case."""
    root = make_zoo(tmp_path_factory.mktemp("hostile") / "zoo")
    outside = root.parent / "outside"
    shutil.copytree(root / "base", outside)
    config = {**CONFIG, "architectures": ["BertForSequenceClassification"]}
    (outside / "config.json").write_text(json.dumps(config))
    write_safetensors(outside / "model.safetensors", fine_tuned(BASE, CONFIG, 77))
    for i, (name, (_, spoil)) in enumerate(CASES.items()):
        folder = root / name
        write_model(folder, fine_tuned(BASE, CONFIG, 100 + i), CONFIG, facts=FACTS)
        spoil(folder)
    for place in (root, root / "run-0"):
        for side_file in ("training_args.bin", "optimizer.pt", "rng_state.pth", "cache.joblib"):
            (place / side_file).write_bytes(pickle.dumps(Evil(marker)))
    opened.clear()
    return read_zoo(root)


@pytest.fixture(scope="module")
def rows(zoo):
    return {row.id: row for row in zoo.excluded}


class TestHostileZoo:
    """`read_zoo` on it."""

    def test_the_sound_members_remain(self, zoo):
        """Every sound member is there, and nobody else."""
        assert zoo.ids == ("run-0", "run-1", "run-2", "run-3")
        assert {member.loss_group for member in zoo.members} == {"g0.l0"}

    @pytest.mark.parametrize("name", CASES)
    def test_each_case_gets_its_row(self, rows, name):
        """The entry is listed with its finding, a cause and a remedy."""
        row = rows[name]

        assert row.code == CASES[name][0], row
        assert row.cause
        assert row.remedy
        assert row.file == "" or not row.file.startswith("/")

    def test_fates(self, rows):
        """What is sound but unsupported is set aside, what is malformed is rejected."""
        aside = {row.code for row in rows.values() if row.fate == "set aside"}

        assert aside == {
            "base", "pickled", "quantised", "unsupported_class", "unsupported_adapter",
            "base_not_found", "tokenizer_missing", "no_config",
        }  # fmt: skip

    def test_nothing_was_executed_opened_or_asked_for(self, zoo, opened, marker):
        """No pickle is touched, nothing outside is read, and no connection is made."""
        names = [name for event, name in opened if event == "open"]

        assert not marker.exists()
        assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".joblib"))]
        assert not [name for name in names if "/outside/" in name]
        assert not [event for event in opened if event[0] != "open"]

    def test_the_marker_works(self, tmp_path):
        """The payload would have been noticed."""
        file = pickle.loads(pickle.dumps(Evil(tmp_path / "executed")))
        file.close()

        assert (tmp_path / "executed").exists()
