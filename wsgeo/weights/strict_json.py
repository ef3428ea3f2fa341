"""JSON that nobody has checked: no name twice, no number that is none, a bounded size."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Never

from wsgeo.escapes import shown

MAX_DIGITS = 18
MAX_DEPTH = 32


class DuplicateNameError(ValueError):
    """A name stands twice in one JSON object, where two readers may pick different values."""


def parse_json(raw: bytes, *, max_digits: int = MAX_DIGITS, fractions: bool = True) -> object:
    """Parse JSON whose bytes nobody has checked; the caller bounds their number.

    Parameters
    ----------
    raw : bytes
        The document.
    max_digits : int, default 18
        Digits a whole number may have.
    fractions : bool, default True
        Whether other than whole numbers may stand in it.

    Returns
    -------
    object
        Dicts, lists, strings, finite numbers, booleans and None.

    Raises
    ------
    DuplicateNameError
        If an object holds a name twice.
    ValueError
        If the bytes are not UTF-8 or not JSON, or hold NaN, an infinite or overlong number, half a
        surrogate pair, or too deeply nested values.

    Examples
    --------
    >>> parse_json(b'{"x": [1, 2.5]}')
    {'x': [1, 2.5]}
    """

    def whole(digits: str) -> int:
        if len(digits) > max_digits:
            raise ValueError(f"a number has more than {max_digits} digits")
        return int(digits)

    try:
        parsed: object = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_int=whole,
            parse_float=_finite if fractions else _no_fraction,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    for value in _leaves(parsed):
        if isinstance(value, str):
            # Half a surrogate pair is legal as a JSON escape, but in no table, path or page.
            value.encode()
    return parsed


def parse_header_json(raw: bytes, max_tensors: int) -> object:
    """Parse the JSON of a safetensors header.

    The number of values is bounded before parsing: 25 MB of brackets would become hundreds of
    megabytes of empty lists.

    Parameters
    ----------
    raw : bytes
        The header.
    max_tensors : int
        Number of tensors that may be described.

    Returns
    -------
    object
        Dicts, lists, strings, whole numbers, booleans and None.

    Raises
    ------
    DuplicateNameError
        As `parse_json`.
    ValueError
        As `parse_json`, and if there are fractions or too many values.

    Examples
    --------
    >>> parse_header_json(b'{"x": [1, 2]}', 1)
    {'x': [1, 2]}
    """
    _check_structure(raw.decode("utf-8"), max_tensors)
    return parse_json(raw, fractions=False)


# The closing quote is optional so that one unclosed string costs one pass, not one per quote.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def _check_structure(text: str, max_tensors: int) -> None:
    if not text.startswith("{"):
        raise ValueError("it does not begin with a brace")
    bare = _STRING.sub("", text)
    # An object and two lists per tensor; beyond that, room for the count to be reported exactly.
    if bare.count("{") > 2 * max_tensors or bare.count("[") > 4 * max_tensors:
        raise ValueError(f"it describes more than {max_tensors} tensors")
    if bare.count(":") > 6 * max_tensors + 100 or bare.count(",") > 40 * max_tensors:
        raise ValueError("it holds too many values")


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise DuplicateNameError(f"the name {shown(name)} stands twice")
            seen.add(name)
    for name in result:
        name.encode()
    return result


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {shown(text)} is infinite")
    return value


def _no_fraction(text: str) -> Never:
    raise ValueError(f"{shown(text)} stands where only whole numbers may")


def _no_constant(text: str) -> Never:
    raise ValueError(f"{text} is no JSON number")


def _leaves(value: object) -> Iterator[object]:
    """Give every value that is no container; refuse deep nesting."""
    stack: list[tuple[object, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
            children = item.values() if isinstance(item, dict) else item
            stack.extend((child, depth + 1) for child in children)
        else:
            yield item
