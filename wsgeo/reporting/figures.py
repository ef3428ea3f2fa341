"""How a figure is written for the eye, and the command that makes a centroid."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any


def number(value: Any) -> str:
    """Return a figure as text.

    Parameters
    ----------
    value : Any
        A number, text, list, truth value, or None.

    Returns
    -------
    str
        Four significant digits, thousands separated, a dash for None.

    Examples
    --------
    >>> number(0.070245), number(109484547), number(2e-5), number(None)
    ('0.07025', '109,484,547', '2e-5', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e4 else _short(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(number, value))
    return str(value)


def _short(value: float) -> str:
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def centroid_command(centroid: Mapping[str, Any]) -> str:
    """Return the shell command that saves one centroid, every word quoted where needed.

    Parameters
    ----------
    centroid : mapping
        A row of the centroid table.

    Returns
    -------
    str
        The command, with ``RUN`` for the run folder.

    Examples
    --------
    >>> centroid_command({"name": "basin-0", "level": "basin", "group": "0"})
    'wsgeo centroid RUN --basin 0 -o basin-0'
    """
    kind = "--basin" if centroid.get("level") in {"basin", None} else "--region"
    words = ["wsgeo", "centroid", "RUN", kind, str(centroid.get("group")), "-o"]
    return shlex.join([*words, str(centroid.get("name"))])
