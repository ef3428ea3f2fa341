"""One pass over a file: its hash, and hashes of values that no storage type changes."""

import hashlib

import numpy as np
import pytest

from wsgeo.weights.headers import read_header
from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo.hashing import content_hash, scan_file, tensor_digest


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    halves = rng.integers(-8, 8, (40, 50)) / 2  # exact in every type
    return {"b": halves.astype(np.float32), "a": np.float32(-0.5).reshape(())}


class TestScanFile:
    """`scan_file`."""

    @pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
    def test_digests_are_of_float32_values(self, tmp_path, tensors, dtype):
        """The digest of a tensor is the SHA-256 of its float32 values, however they are stored."""
        path = tmp_path / "model.safetensors"
        write_safetensors(path, tensors, dtype=dtype)

        scan = scan_file(read_header(path), ["a", "b"])

        assert scan.digests == {
            name: hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()
            for name, values in tensors.items()
        }
        assert scan.digests["b"] == tensor_digest(tensors["b"])

    def test_names_do_not_change_the_hash_of_the_file(self, tmp_path, tensors):
        """A file has one hash, whichever tensors matter; one bit changes it."""
        path = tmp_path / "model.safetensors"
        write_safetensors(path, tensors)
        header, raw = read_header(path), bytearray(path.read_bytes())
        whole = scan_file(header, ["a", "b"]).digest

        assert {scan_file(header, names).digest for names in ([], ["a"], ["b"])} == {whole}
        for entry in header.tensors.values():
            changed = raw.copy()
            changed[entry.start] ^= 1
            path.write_bytes(changed)
            assert scan_file(header, []).digest != whole


def test_content_hash_keeps_its_value():
    """The key of everything stored is the same as in every release before."""
    digests = {"w": tensor_digest(np.arange(6, dtype=np.float32))}

    assert content_hash({"w": (2, 3)}, digests, ("BertModel", "c", "yes", "no")) == (
        "64d2c8e40e6d0d2d59b7febb0e6a40b890f6edd6017c55dc16f262893e523965"
    )
