"""Packed columns: what the page's script reads back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from wsgeo.reporting.packing import coded
from wsgeo.reporting.plain import plain

NUMBERS = st.none() | st.floats(-1e4, 1e4).map(plain) | st.integers(-5, 5)


def read(packed):
    """Read a column back the way the script does it."""
    if isinstance(packed, list):
        return packed
    if "words" in packed:
        return [packed["words"][code] for code in packed["codes"]]

    def parted(value):
        if isinstance(value, list):
            return [parted(item) for item in value]
        return None if value is None else value / packed["power"]

    return parted(packed["whole"])


@given(st.lists(NUMBERS) | st.lists(st.lists(NUMBERS)))
def test_numbers_come_back_to_the_last_digit(column):
    """Whatever the numbers, the script divides its way back to exactly these."""
    assert read(coded(column)) == column


@given(st.lists(st.none() | st.text(max_size=3)))
def test_words_come_back(column):
    """Texts and gaps among them come back in their order."""
    assert read(coded(column)) == column


def test_losses_take_less_room():
    """Losses of four digits lose a quarter of their characters."""
    losses = [[plain(0.4 + 0.001234 * k * j) for k in range(11)] for j in range(50)]
    packed, whole = (json.dumps(x, separators=(",", ":")) for x in (coded(losses), losses))

    assert len(packed) < 0.78 * len(whole)
