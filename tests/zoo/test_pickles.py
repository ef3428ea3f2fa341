"""Pickled weights: set aside by default, and on request loaded where they can do no harm."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from zoo_cases import NLI_LABELS, bert_config, fine_tuned, make_zoo, random_tensors, write_model

from wsgeo.zoo import load_weights, read_zoo

CONFIG = bert_config(labels=NLI_LABELS)


class Evil:
    """Write a marker when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Make a zoo of one member, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_zoo(tmp_path / "zoo", n_members=1)


def pickled_entry(root, content):
    """Write an entry whose weights are these bytes, or this object as torch saves it."""
    import torch

    folder = write_model(root / "pickled", {"x": np.zeros(1, np.float32)}, CONFIG,
                         facts={"base": "base", "task": "nli"})  # fmt: skip
    (folder / "model.safetensors").unlink()
    target = folder / "pytorch_model.bin"
    if isinstance(content, bytes):
        target.write_bytes(content)
    else:
        torch.save(content, target)
    return target


def state_dict(tensors):
    import torch

    return {name: torch.from_numpy(values) for name, values in tensors.items()}


def row_of(root, **options):
    return next(row for row in read_zoo(root, **options).excluded if row.id == "pickled")


class TestDefault:
    """Without the flag."""

    def test_is_set_aside_with_the_remedy(self, root, tmp_path):
        """Pickled weights are never opened, and the row names both ways out."""
        pickled_entry(root, pickle.dumps(Evil(tmp_path / "executed")))
        row = row_of(root)

        assert (row.fate, row.code) == ("set aside", "pickled")
        assert "--allow-pickle" in row.remedy
        assert "safetensors" in row.remedy
        assert not (tmp_path / "executed").exists()


class TestArchive:
    """With the flag, files that are no plain archive are refused before anything loads them."""

    def test_a_plain_pickle(self, root, tmp_path):
        """The form of bare pickles is refused, and the payload would have worked."""
        raw = pickle.dumps(Evil(tmp_path / "executed"))
        pickled_entry(root, raw)

        assert row_of(root, allow_pickle=True).code == "malformed_pickle"
        assert not (tmp_path / "executed").exists()
        pickle.loads(raw).close()
        assert (tmp_path / "executed").exists()

    @pytest.mark.parametrize("fault", ["inflating", "code", "two programs", "two folders", "empty"])
    def test_archives_of_another_form(self, root, fault):
        """Compressed records, code, and more or less than one saved object are refused."""
        buffer = io.BytesIO()
        method = zipfile.ZIP_DEFLATED if fault == "inflating" else zipfile.ZIP_STORED
        with zipfile.ZipFile(buffer, "w", method) as archive:
            if fault != "empty":
                archive.writestr("m/data.pkl", pickle.dumps({}))
                archive.writestr("m/data/0", b"\0" * 1_000_000)
            if fault == "code":
                archive.writestr("m/code/__torch__.py", "x")
            elif fault == "two folders":
                archive.writestr("n/data/1", b"x")
            elif fault == "two programs":
                archive.writestr("m/constants.pkl", b"x")
        pickled_entry(root, buffer.getvalue())

        assert row_of(root, allow_pickle=True).code == "malformed_pickle"


@pytest.mark.slow
class TestChild:
    """With the flag, plain archives are loaded as weights only in a process of their own."""

    def test_sound_weights_become_a_member(self, root):
        """The values are those of the safetensors form, found to be a duplicate of it."""
        pickled_entry(root, state_dict(fine_tuned(random_tensors(bert_config()), CONFIG, 0)))
        zoo = read_zoo(root, allow_pickle=True)
        members = {member.id: member for member in zoo.members}

        assert members["run-0"].duplicate_of == "pickled"
        assert np.array_equal(*(load_weights(member).vector for member in zoo.members))

    @pytest.mark.parametrize("route", ["top", "inside"])
    def test_code_is_not_run(self, root, tmp_path, route):
        """An object with a payload is refused by the weights-only loader."""
        evil = Evil(tmp_path / "executed")
        pickled_entry(root, evil if route == "top" else {"a": evil})

        assert row_of(root, allow_pickle=True).code == "malformed_pickle"
        assert not (tmp_path / "executed").exists()

    def test_a_tensor_larger_than_its_storage(self, root):
        """A megabyte that claims to be a gigabyte is refused."""
        import torch

        pickled_entry(root, {"x": torch.zeros(1).expand(1 << 28)})
        row = row_of(root, allow_pickle=True)

        assert row.code == "malformed_pickle"
        assert "storage" in row.cause
