"""The header parser accepts what the safetensors library writes and nothing that is broken."""

from __future__ import annotations

import json
import os
import struct
import threading

import numpy as np
import pytest
from header_cases import VALID, pack

from wsgeo.errors import EntryError
from wsgeo.weights.headers import MAX_HEADER_BYTES, MAX_TENSORS, read_header


def with_field(name: str, field: str, value: object) -> dict[str, object]:
    return {**VALID, name: {**VALID[name], field: value}}


def refusal(path, content: bytes) -> EntryError:
    path.write_bytes(content)
    with pytest.raises(EntryError) as caught:
        read_header(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    assert caught.value.malformed
    return caught.value


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


class TestAccepts:
    """Sound files pass."""

    def test_reads_names_types_shapes_and_places(self, file):
        """A sound header is reported in the order of the bytes, buffers apart from weights."""
        file.write_bytes(pack(VALID))

        header = read_header(file)

        start = 8 + len(json.dumps(VALID))
        assert header.weights == ("a", "b")
        assert header.buffers == ("ids",)
        assert header.tensors["b"].shape == (4,)
        assert (header.tensors["b"].start, header.tensors["b"].end) == (start + 24, start + 32)
        assert header.metadata == {"format": "pt"}

    @pytest.mark.parametrize(
        "dtype", ["float64", "float32", "float16", "int64", "int32", "bool", "uint8"]
    )
    def test_reads_what_the_library_writes(self, file, dtype):
        """Files of the safetensors library pass, scalars and empty tensors included."""
        from safetensors.numpy import save_file

        tensors = {
            "scalar": np.ones((), dtype),
            "empty": np.ones((0, 3), dtype),
            "matrix": np.ones((3, 5), dtype),
        }
        save_file(tensors, file)

        header = read_header(file)

        assert {name: entry.shape for name, entry in header.tensors.items()} == {
            name: tensor.shape for name, tensor in tensors.items()
        }

    def test_padding_after_the_json_is_allowed(self, file):
        """Spaces that align the header are part of the format."""
        file.write_bytes(pack(json.dumps(VALID).encode() + b"   "))

        assert len(read_header(file).tensors) == 3

    def test_a_link_to_a_file_is_followed(self, file, tmp_path):
        """The hub cache keeps models as links."""
        (tmp_path / "blob").write_bytes(pack(VALID))
        file.symlink_to(tmp_path / "blob")

        assert len(read_header(file).tensors) == 3


MUTATIONS = {
    "dtype unknown": (with_field("a", "dtype", "F8_E4M3"), "unsupported_dtype", "'a'"),
    "dtype complex": (with_field("a", "dtype", "C64"), "unsupported_dtype", "'a'"),
    "dtype no string": (with_field("a", "dtype", 4), "unsupported_dtype", "'a'"),
    "dtype wider": (with_field("a", "dtype", "F64"), "size_mismatch", "48 bytes"),
    "shape larger": (with_field("a", "shape", [3, 3]), "size_mismatch", "'a'"),
    "shape overflow": (with_field("a", "shape", [2**32, 2**32]), "malformed_shape", "'a'"),
    "shape hidden overflow": (
        with_field("a", "shape", [0, 10**17, 10**17]),
        "malformed_shape",
        "'a'",
    ),
    "shape negative": (with_field("a", "shape", [-2, -3]), "malformed_shape", "'a'"),
    "shape of booleans": (with_field("a", "shape", [True, 6]), "malformed_shape", "'a'"),
    "shape of strings": (with_field("a", "shape", ["2", 3]), "malformed_shape", "'a'"),
    "shape null": (with_field("a", "shape", None), "malformed_shape", "'a'"),
    "shape of high rank": (with_field("a", "shape", [1] * 33), "malformed_shape", "'a'"),
    "shape of fractions": (with_field("a", "shape", [2.0, 3]), "malformed_header", "2.0"),
    "number too long": (with_field("a", "shape", [10**18, 1]), "malformed_header", "18 digits"),
    "offsets reversed": (with_field("a", "data_offsets", [24, 0]), "malformed_offsets", "'a'"),
    "offsets negative": (with_field("a", "data_offsets", [-24, 0]), "malformed_offsets", "'a'"),
    "offsets of three": (with_field("a", "data_offsets", [0, 24, 24]), "malformed_offsets", "'a'"),
    "overlap": (with_field("b", "data_offsets", [20, 28]), "malformed_offsets", "overlaps"),
    "hole": (with_field("b", "data_offsets", [25, 33]), "malformed_offsets", "hole"),
    "field missing": ({**VALID, "a": {"dtype": "F32", "shape": [6]}}, "malformed_header", "'a'"),
    "field unknown": (with_field("a", "code", "x"), "malformed_header", "'a'"),
    "tensor a list": ({**VALID, "a": [1]}, "malformed_header", "'a'"),
    "metadata nested": ({**VALID, "__metadata__": {"x": {}}}, "malformed_header", "'x'"),
    "metadata a list": ({**VALID, "__metadata__": []}, "malformed_header", "__metadata__"),
    "no tensors": ({"__metadata__": {}}, "no_tensors", "no tensors"),
    "not an object": (b"[1]", "malformed_header", "brace"),
    "leading space": (b" " + json.dumps(VALID).encode(), "malformed_header", "brace"),
    "not JSON": (b"{nope}", "malformed_header", "parsed"),
    "not UTF-8": (b'{"\xff": 1}', "malformed_header", "utf-8"),
    "NaN": (b'{"a": NaN}', "malformed_header", "NaN"),
    "half a surrogate": (b'{"\\ud800": 1}', "malformed_header", "surrogates"),
    "duplicate tensor": (b'{"a": 1, "a": 2}', "duplicate_name", "'a'"),
    "duplicate field": (b'{"a": {"dtype": "F32", "dtype": "F16"}}', "duplicate_name", "'dtype'"),
    "deep nesting": (b'{"a":' + b"[" * 40_000, "malformed_header", "nested"),
    "unclosed string": (b'{"' + b'\\"' * 500_000, "malformed_header", "parsed"),
    "many brackets": (b'{"a":[' + b"[]," * 500_000, "malformed_header", "tensors"),
    "many names": (
        b"{" + b",".join(b'"%d":1' % i for i in range(200_000)) + b"}",
        "malformed_header",
        "too many",
    ),
    "many numbers": (b'{"a":[' + b"1," * 900_000, "malformed_header", "too many"),
}


class TestRefuses:
    """Broken files are refused with a stable code and the file's name."""

    @pytest.mark.parametrize("case", MUTATIONS)
    def test_one_broken_field(self, file, case):
        """One field changed in a sound header is refused with a stable code that names it."""
        header, code, named = MUTATIONS[case]

        error = refusal(file, pack(header))

        assert error.code == code
        assert named in error.what

    def test_too_many_tensors(self, file):
        """The number of tensors is capped before anything is kept of them."""
        entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        header = {str(i): entry for i in range(MAX_TENSORS + 1)}

        assert refusal(file, pack(header, b"")).code == "too_many_tensors"
        del header["0"]
        file.write_bytes(pack(header, b""))
        assert len(read_header(file).tensors) == MAX_TENSORS

    def test_truncation_at_every_byte(self, file):
        """A file cut anywhere is refused."""
        content = pack(VALID)

        for length in range(len(content)):
            assert refusal(file, content[:length]).code == "truncated_file"

    def test_trailing_bytes(self, file):
        """Bytes after the last tensor are refused: they could be another file."""
        assert refusal(file, pack(VALID) + b"\0").code == "trailing_bytes"

    def test_a_header_longer_than_the_limit(self, file):
        """The limit holds even where the file is as large as the header claims."""
        with file.open("wb") as sparse:
            sparse.write(struct.pack("<Q", MAX_HEADER_BYTES + 1))
            sparse.truncate(MAX_HEADER_BYTES + 100)

        assert refusal(file, file.read_bytes()).code == "not_safetensors"

    @pytest.mark.parametrize(
        ("content", "named"),
        [
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"PK\x03\x04" + b"\x14\0\0\0\x08\x08" * 4, "zip"),
            (b"\x80\x02}q\x00X\x04\x00\x00", "pickle"),
            (b"GGUF\x03\0\0\0\x10\0\0\0", "GGUF"),
            (b"<!DOCTYPE html><html></html>", "web page"),
            (b'{"error": "not found"}', "JSON"),
        ],
    )
    def test_foreign_bytes_are_recognised(self, file, content, named):
        """A file of another kind under the right name is called what it is."""
        error = refusal(file, content)

        assert error.code == "not_safetensors"
        assert named in error.what

    def test_an_empty_file(self, file):
        """Nothing is not a model."""
        assert refusal(file, b"").code == "truncated_file"

    def test_a_missing_file_and_a_folder(self, tmp_path):
        """The refusal names the path that is missing or is no file."""
        for path, code in [(tmp_path / "no", "unreadable_file"), (tmp_path, "not_a_regular_file")]:
            with pytest.raises(EntryError) as caught:
                read_header(path)
            assert caught.value.code == code

    def test_a_pipe_does_not_block(self, tmp_path):
        """A named pipe without a writer is refused at once, and never opened."""
        pipe = tmp_path / "model.safetensors"
        os.mkfifo(pipe)
        codes = []

        def read() -> None:
            try:
                read_header(pipe)
            except EntryError as error:
                codes.append(error.code)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        thread.join(5)
        assert codes == ["not_a_regular_file"]

    def test_a_device(self):
        """A device is refused."""
        with pytest.raises(EntryError) as caught:
            read_header("/dev/zero")

        assert caught.value.code == "not_a_regular_file"

    def test_messages_escape_what_the_file_says(self, file):
        """Control characters and line breaks of a name never reach the terminal raw."""
        header = {"\x1b[31m\n\u202e" * 50: {}}

        error = refusal(file, pack(header))

        assert error.what.isprintable()
        assert len(error.what) < 250
