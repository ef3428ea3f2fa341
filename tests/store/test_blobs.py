"""Arrays as bytes and back."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wsgeo.store.blobs import as_blob, as_floats, as_matrix, checksum_of

VALUES = arrays.arrays(np.float32, st.integers(0, 20), elements=st.floats(width=32))


class TestBlobs:
    """`as_blob`, `as_floats` and `as_matrix`."""

    @given(VALUES)
    def test_what_is_written_is_read(self, values):
        """Every value comes back bit for bit, not-a-number too."""
        assert as_floats(as_blob(values)).tobytes() == values.tobytes()

    def test_the_bytes_are_little_endian(self):
        """The file means the same on every machine."""
        assert as_blob(np.array([1.0], ">f4")) == b"\x00\x00\x80\x3f"

    def test_other_orders_and_types_are_written_as_they_count(self):
        """A transposed array of doubles is written in its own order of rows."""
        values = np.arange(6.0).reshape(2, 3).T

        assert as_matrix(as_blob(values), 3).tolist() == values.tolist()

    def test_no_array_is_no_blob(self):
        """Nothing stays nothing."""
        assert as_blob(None) is None
        assert as_matrix(None, 3) is None

    def test_what_is_read_cannot_be_changed(self):
        """A value that was served cannot be overwritten in place."""
        with pytest.raises(ValueError, match="read-only"):
            as_floats(as_blob(np.ones(2, np.float32)))[0] = 2.0


class TestChecksumOf:
    """`checksum_of`."""

    @given(st.lists(st.none() | st.binary(max_size=8)))
    def test_is_that_of_all_bytes(self, blobs):
        """The sum is the CRC-32 of the blobs joined, an absent one without bytes."""
        assert checksum_of(*blobs) == zlib.crc32(b"".join(blob or b"" for blob in blobs))

    @given(st.binary(min_size=1, max_size=64), st.data())
    def test_finds_a_flipped_bit(self, blob, data):
        """No single flipped bit leaves the sum as it was."""
        bit = data.draw(st.integers(0, 8 * len(blob) - 1))
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8

        assert checksum_of(bytes(flipped)) != checksum_of(blob)
