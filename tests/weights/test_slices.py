"""Slices of tensors are read where they lie, from files that do not change meanwhile."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from wsgeo.errors import EntryError
from wsgeo.weights import slices as module
from wsgeo.weights.precision import narrow, widen
from wsgeo.weights.slices import TensorSlices
from wsgeo.weights.tensors import write_safetensors

SHAPES = {"a": (7, 11), "b": (130,), "c": ()}


@pytest.fixture
def values(rng):
    """Give three tensors."""
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.fixture
def path(tmp_path, values):
    """Give a file of them that is older than this process."""
    return written(tmp_path / "model.safetensors", values)


def written(path, values, age=3600, **options):
    write_safetensors(path, values, **options)
    os.utime(path, (time.time() - age,) * 2)
    return path


def part(slices, path, name, columns):
    out = np.empty(columns.stop - columns.start, np.float32)
    slices.reader(path, name)(columns, out)
    return out


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_slices_are_those_of_the_flat_tensor(tmp_path, values, dtype):
    """Every slice of every type is that of the whole tensor, widened to float32."""
    path = written(tmp_path / "model.safetensors", values, dtype=dtype)

    with TensorSlices() as slices:
        for name, tensor in values.items():
            flat = widen(narrow(tensor, dtype), dtype).reshape(-1)
            for start, stop in [(0, flat.size), (flat.size // 2, flat.size), (0, 0)]:
                found = part(slices, path, name, slice(start, stop))
                np.testing.assert_array_equal(found, flat[start:stop])
            assert slices.shape(path, name) == tensor.shape
        assert slices.tensor(path, "a").shape == (7, 11)
        assert slices.shape(path, "d") is None


def test_few_files_are_open_at_a_time(tmp_path, values, monkeypatch):
    """More files than may be open are read in turns, and none stays open afterwards."""
    monkeypatch.setattr(module, "_most_open", lambda: 2)
    paths = [written(tmp_path / f"{k}.safetensors", values) for k in range(5)]
    before = n_open()

    with TensorSlices() as slices:
        for columns in (slice(0, 50), slice(50, 130)):
            for path in paths:
                found = part(slices, path, "b", columns)
                np.testing.assert_array_equal(found, values["b"][columns])
        assert n_open() <= before + 2
    assert n_open() == before


def n_open():
    """Return how many files this process holds open, 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


class TestChanges:
    """A file that changes is refused."""

    def test_when_it_is_cut_short(self, path):
        """Bytes that are gone are missed when they are read."""
        with TensorSlices() as slices:
            part(slices, path, "a", slice(0, 5))
            os.truncate(path, path.stat().st_size - 8)

            with pytest.raises(EntryError, match="ends early") as refused:
                part(slices, path, "b", slice(0, 130))
        assert refused.value.code == "file_changed"

    def test_when_its_time_is_another(self, path, values):
        """New values of the same size are noticed in the end, by the time of the file."""
        with TensorSlices() as slices:
            part(slices, path, "a", slice(0, 5))
            written(path, {name: tensor + 1 for name, tensor in values.items()}, age=1800)

            with pytest.raises(EntryError, match="changed"):
                slices.verify(lambda *_: True)

    def test_when_it_is_young(self, path):
        """Of a file that is younger than the process, the bytes decide."""
        with TensorSlices() as slices:
            part(slices, path, "a", slice(0, 5))

            slices.verify(lambda *_: True)
            with pytest.raises(EntryError, match="not those that were checked"):
                slices.verify(lambda *_: False)

    def test_when_it_is_old_nothing_is_read_again(self, path, monkeypatch):
        """A file that nothing wrote to since the process began is not read a second time."""
        monkeypatch.setattr(module, "_LOADED", time.time() + 60)
        asked = []

        with TensorSlices() as slices:
            part(slices, path, "a", slice(0, 5))
            slices.verify(lambda path, _: asked.append(path) or True)

        assert asked == []

    def test_when_it_is_gone(self, path):
        """A file that was removed is refused in words."""
        with TensorSlices() as slices:
            part(slices, path, "a", slice(0, 5))
            path.unlink()

            with pytest.raises(EntryError, match="cannot be read"):
                slices.verify(lambda *_: True)
