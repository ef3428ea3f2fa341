"""Headers that were changed at random are read, or refused with a line."""

from __future__ import annotations

import json
import struct

from header_cases import VALID, pack
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsgeo.errors import EntryError
from wsgeo.weights.headers import read_header

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@st.composite
def mutated_headers(draw: st.DrawFn) -> bytes:
    """Draw a sound header with one value, entry or byte replaced."""
    kind = draw(st.sampled_from(["field", "entry", "top", "byte", "length"]))
    header = json.loads(json.dumps(VALID))
    name = draw(st.sampled_from(["a", "b", "ids"]))
    if kind == "field":
        header[name][draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(JSON_VALUES)
    elif kind == "entry":
        header[name] = draw(JSON_VALUES)
    elif kind == "top":
        return pack(json.dumps(draw(JSON_VALUES)).encode())
    content = bytearray(pack(header))
    if kind == "byte":
        content[draw(st.integers(0, len(content) - 41))] = draw(st.integers(0, 255))
    elif kind == "length":
        content[:8] = struct.pack("<Q", draw(st.integers(0, 2**64 - 1)))
    return bytes(content)


class TestFuzz:
    """No input ends in another exception."""

    @settings(deadline=None, max_examples=400)
    @given(content=mutated_headers())
    @example(content=pack(VALID))
    def test_a_mutated_header_is_read_or_refused(self, tmp_path_factory, content):
        """Whatever one value becomes, the outcome is a covered file or an EntryError."""
        self._check(tmp_path_factory, content)

    @settings(deadline=None, max_examples=200)
    @given(content=st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: pack(b, b"")))
    def test_foreign_bytes_are_refused(self, tmp_path_factory, content):
        """Random bytes, with or without a right length, never escape as another exception."""
        self._check(tmp_path_factory, content)

    @settings(deadline=None, max_examples=200)
    @given(text=st.text('{}[]",:0123456789abF._-\\ \n', max_size=60))
    def test_json_like_text_is_refused(self, tmp_path_factory, text):
        """Text made of JSON's own characters never escapes as another exception."""
        self._check(tmp_path_factory, pack(("{" + text).encode()))

    def _check(self, factory, content: bytes) -> None:
        path = factory.getbasetemp() / "fuzzed.safetensors"
        path.write_bytes(content)
        try:
            header = read_header(path)
        except EntryError as error:
            assert error.where == str(path)  # noqa: PT017
            assert error.remedy  # noqa: PT017
        else:
            sizes = [entry.end - entry.start for entry in header.tensors.values()]
            length = int.from_bytes(content[:8], "little")
            assert 8 + length + sum(sizes) == len(content)
