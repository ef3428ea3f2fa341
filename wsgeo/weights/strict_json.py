"""JSON as a safetensors header may hold it: no name twice, no fraction, a bounded size."""

from __future__ import annotations

import json
import re
from typing import Never

from wsgeo.weights.files import shown

MAX_DIGITS = 18


class DuplicateNameError(ValueError):
    """A name stands twice in one JSON object; the argument is the name, ready to print."""


def parse_header_json(raw: bytes, max_tensors: int) -> object:
    """Parse the JSON of a header whose bytes nobody has checked.

    A duplicate name is refused because two readers may pick different ones. The number of values is
    bounded before parsing: 25 MB of brackets would become hundreds of megabytes of empty lists.

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
        If an object holds a name twice.
    ValueError
        If the bytes are not UTF-8, not JSON, hold a fraction, NaN or infinity, a number of more than
        18 digits, half a surrogate pair, or too many or too deeply nested values.

    Examples
    --------
    >>> parse_header_json(b'{"x": [1, 2]}', 1)
    {'x': [1, 2]}
    """
    text = raw.decode("utf-8")
    _check_structure(text, max_tensors)
    try:
        return json.loads(
            text,
            object_pairs_hook=_distinct_pairs,
            parse_int=_short_int,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


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


def _distinct_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise DuplicateNameError(shown(name))
            seen.add(name)
    for pair in pairs:
        for text in pair:
            if isinstance(text, str):
                # Half a surrogate pair is legal as a JSON escape, but in no table, path or page.
                text.encode()
    return result


def _short_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _no_number(text: str) -> Never:
    raise ValueError(f"{shown(text)} stands where only whole numbers may")
