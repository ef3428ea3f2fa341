"""Tensors survive the way through a file, in every type, and files are whole or absent."""

from __future__ import annotations

import hashlib
import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.weights.headers import read_header
from wsgeo.weights.precision import narrow, widen
from wsgeo.weights.tensors import FileDigest, read_tensors, stream_tensors, write_safetensors


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    return {
        "z": rng.normal(size=(5, 7)).astype(np.float32),
        "a": rng.normal(size=(3,)).astype(np.float32),
        "scalar": np.float32(2.5).reshape(()),
        "empty": np.zeros((0, 4), np.float32),
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


class TestRoundTrip:
    """What is written is read."""

    def test_float32_is_exact(self, file, tensors):
        """Names, shapes and bits come back."""
        write_safetensors(file, tensors, metadata={"format": "pt"})

        back = read_tensors(file)

        assert list(back) == list(tensors)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(back[name], tensor, strict=True)
            assert back[name].flags.writeable

    @pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
    def test_torch_reads_the_same_values(self, file, tensors, dtype):
        """The safetensors library loads the file, and torch sees the values that we read."""
        from safetensors import safe_open
        from safetensors.torch import load_file

        write_safetensors(file, tensors, dtype=dtype, metadata={"format": "pt"})

        loaded = load_file(file)
        assert set(loaded) == set(tensors)
        for name, tensor in read_tensors(file).items():
            np.testing.assert_array_equal(loaded[name].float().numpy(), tensor, strict=True)
        with safe_open(file, "pt") as opened:
            assert opened.metadata() == {"format": "pt"}

    @pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
    def test_reads_what_torch_writes(self, file, dtype):
        """Every floating type of a foreign file becomes the nearest float32."""
        import torch
        from safetensors.torch import save_file

        written = torch.randn(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        written = written.to(getattr(torch, dtype))
        save_file({"x": written}, file)

        np.testing.assert_array_equal(read_tensors(file)["x"], written.float().numpy(), strict=True)

    def test_an_iterable_is_drawn_one_tensor_at_a_time(self, file, tensors):
        """A stream with announced shapes makes the same file as a mapping."""
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        write_safetensors(file.with_name("whole"), tensors)

        write_safetensors(file, ((name, tensors[name]) for name in shapes), shapes=shapes)

        assert file.read_bytes() == file.with_name("whole").read_bytes()

    def test_strided_tensors_are_written_in_row_major_order(self, file):
        """A transposed view is written as its values, not as its memory."""
        matrix = np.arange(6, dtype=np.float32).reshape(2, 3)

        write_safetensors(file, {"x": matrix.T})

        np.testing.assert_array_equal(read_tensors(file)["x"], matrix.T)

    def test_a_float64_overflow_becomes_infinite(self, file):
        """A value beyond float32 is not hidden, and makes no warning."""
        from safetensors.numpy import save_file

        save_file({"x": np.array([1e300, -1e300, 1.0])}, file)

        assert read_tensors(file)["x"].tolist() == [np.inf, -np.inf, 1.0]


class TestPrecision:
    """Rounding is to the nearest, ties to even, as torch rounds."""

    @settings(deadline=None)
    @given(st.lists(st.floats(width=32), min_size=1, max_size=30))
    def test_bfloat16_rounds_as_torch_does(self, values):
        """Any float32, subnormal and infinite ones included, becomes torch's bfloat16."""
        import torch

        array = np.array(values, np.float32)

        ours = widen(narrow(array, "BF16"), "BF16")

        theirs = torch.from_numpy(array).to(torch.bfloat16).float().numpy()
        np.testing.assert_array_equal(ours, theirs)

    def test_every_nan_stays_nan(self):
        """A NaN whose upper mantissa bits are empty or full does not become a number."""
        bits = np.array([0x7F800001, 0x7FFFFFFF, 0xFFFFFFFF, 0xFF800001], np.uint32)

        assert np.isnan(widen(narrow(bits.view(np.float32), "BF16"), "BF16")).all()

    @pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
    def test_a_stored_value_is_a_fixed_point(self, dtype):
        """Rounding twice changes nothing."""
        values = np.random.default_rng(1).normal(size=1000).astype(np.float32)

        once = widen(narrow(values, dtype), dtype)

        np.testing.assert_array_equal(widen(narrow(once, dtype), dtype), once)


class TestReading:
    """Parts, streams and hashes of a file."""

    def test_names_select(self, file, tensors):
        """Only the tensors asked for are read."""
        write_safetensors(file, tensors)

        assert list(read_tensors(file, ["a"])) == ["a"]

    def test_a_missing_name_and_a_buffer_are_refused(self, file):
        """A name that is not there, or no weight, is refused by name."""
        from safetensors.numpy import save_file

        save_file({"x": np.ones(2, np.float32), "ids": np.arange(3)}, file)

        assert list(read_tensors(file)) == ["x"]
        for name, code in [("y", "missing_tensor"), ("ids", "unsupported_dtype")]:
            with pytest.raises(EntryError, match=f"'{name}'") as caught:
                read_tensors(file, [name])
            assert caught.value.code == code

    @pytest.mark.parametrize("names", [None, ["a"], []])
    def test_the_digest_sees_the_whole_file(self, file, tensors, names):
        """The header and each tensor are hashed, in order, whichever tensors are wanted."""
        write_safetensors(file, tensors)
        raw, entries = file.read_bytes(), read_header(file).tensors.values()
        bounds = [0, *(entry.start for entry in entries), len(raw)]
        parts = [raw[start:stop] for start, stop in itertools.pairwise(bounds)]
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        digest = FileDigest()

        list(stream_tensors(file, names, digest=digest))

        assert digest.hexdigest() == hashlib.sha256(b"wsgeo-file-1\n" + whole).hexdigest()
        assert list(digest.tensors) == [entry.name for entry in entries]

    def test_a_file_that_shrank_is_refused(self, file, tensors):
        """A file cut short after its header was checked is a refusal, not a crash."""
        write_safetensors(file, tensors)
        header = read_header(file)
        os.truncate(file, header.file_size - 20)

        with pytest.raises(EntryError) as caught:
            read_tensors(file, header=header)
        assert caught.value.code == "file_changed"

    def test_a_file_cut_while_it_is_read_is_refused(self, file):
        """The cut may also come between two tensors."""
        write_safetensors(file, {f"{i}": np.zeros(100_000, np.float32) for i in range(3)})
        stream = stream_tensors(file)
        next(stream)
        os.truncate(file, 500_000)

        with pytest.raises(EntryError) as caught:
            list(stream)
        assert caught.value.code == "file_changed"


class TestWriting:
    """A file is whole or absent."""

    def test_a_failure_leaves_the_older_file(self, file, tensors):
        """An error in the middle keeps what was there and leaves nothing beside it."""
        write_safetensors(file, tensors)
        before = file.read_bytes()

        def broken():
            yield "z", tensors["z"]
            raise RuntimeError("stop")

        shapes = {"z": (5, 7), "a": (3,)}
        with pytest.raises(RuntimeError, match="stop"):
            write_safetensors(file, broken(), shapes=shapes)
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]

    def test_a_stream_that_breaks_its_promise_is_refused(self, file, tensors):
        """Missing, surplus and misshapen tensors never make a file."""
        for stream in [[], [("a", tensors["z"])], [("a", tensors["a"]), ("b", tensors["a"])]]:
            with pytest.raises(ValueError, match=r"order|Fewer"):
                write_safetensors(file, stream, shapes={"a": (3,)})
        assert not file.exists()

    def test_a_tensor_larger_than_one_part(self, file):
        """A tensor that is rounded and written in parts comes back whole."""
        values = np.arange(2_500_000, dtype=np.float32)

        write_safetensors(file, {"x": values}, dtype="BF16")

        np.testing.assert_array_equal(
            read_tensors(file)["x"], widen(narrow(values, "BF16"), "BF16")
        )

    def test_nothing_to_write_is_refused(self, file):
        """A file without tensors would be refused on reading."""
        with pytest.raises(ValueError, match="nothing"):
            write_safetensors(file, {})

    @pytest.mark.parametrize(("dtype", "value"), [("F16", 7e4), ("BF16", 3.4e38)])
    def test_a_value_beyond_the_type_is_refused(self, file, dtype, value):
        """A finite weight never becomes infinite in silence; an infinite one stays what it is."""
        with pytest.raises(WsgeoError, match=f"range of {dtype}"):
            write_safetensors(file, {"x": np.array([value], np.float32)}, dtype=dtype)

        write_safetensors(file, {"x": np.array([np.inf], np.float32)}, dtype=dtype)
        assert np.isinf(read_tensors(file)["x"])

    def test_a_missing_folder_is_one_line(self, tmp_path, tensors):
        """A place that cannot be written is named with the cause and what to do."""
        with pytest.raises(WsgeoError, match="No such file") as caught:
            write_safetensors(tmp_path / "no" / "x.safetensors", tensors)
        assert caught.value.exit_code == 2

    def test_a_full_disk_is_one_line(self, file, tensors, monkeypatch):
        """An error of the system while syncing keeps the older file and names the free space."""
        write_safetensors(file, tensors)
        before = file.read_bytes()

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(WsgeoError, match=r"No space left on device; \d+ bytes are free"):
            write_safetensors(file, {"x": tensors["a"]})
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]
