"""Packed columns: what the page's script reads back."""

import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.reporting.packing import coded
from wsgeo.reporting.plain import plain

NUMBERS = st.none() | st.floats(-1e4, 1e4).map(plain) | st.integers(-5, 5)


def place(code):
    """Read a character of base 36; a longer code is a number."""
    return int(code, 36) if isinstance(code, str) else code


def read(packed):
    """Read a column back the way the script does it."""
    if isinstance(packed, list):
        return packed
    if "words" in packed:
        return [packed["words"][place(code)] for code in packed["codes"]]
    if "steps" in packed:
        return list(accumulate(map(place, packed["steps"]), initial=packed["first"]))

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


@given(st.integers(-3, 10**6), st.lists(st.integers(0, 40), max_size=30))
def test_whole_numbers_that_rise_come_back(first, steps):
    """Whether the steps are small or not, each number comes back."""
    column = list(accumulate(steps, initial=first))

    assert read(coded(column)) == column


@pytest.mark.parametrize("n", [1, 36, 37, 100])
def test_many_words_come_back(n):
    """A column of more words than base 36 has characters comes back too."""
    column = [f"word {k % n}" for k in range(200)]

    assert read(coded(column)) == column


def test_losses_take_less_room():
    """Losses of four digits lose a quarter of their characters."""
    losses = [[plain(0.4 + 0.001234 * k * j) for k in range(11)] for j in range(50)]
    packed, whole = (json.dumps(x, separators=(",", ":")) for x in (coded(losses), losses))

    assert len(packed) < 0.78 * len(whole)
