"""How a figure is written for the eye, and the command that makes a centroid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wsgeo.regions.tables import folder_word

NO_FOLDER: Final = "RUN"
"""What stands for the run folder where it is not known."""

_NUMBER: Final = r"-?[\d.]+(?:e[+-]?\d+)?"

_CHOICES: Final = re.compile(
    r"(?:-(?P<group>g\d+(?:\.l\d+)?))?(?:-(?P<variant>mean|products|factors))?(?:-rank-(?P<rank>\d+))?"
    r"(?:-(?P<method>weighted|medoid|greedy|stock|median|arithmetic|ties|dare|fisher))?"
    rf"(?:-scale-(?P<scale>{_NUMBER}))?(?:-density-(?P<density>{_NUMBER}))?(?:-seed-(?P<seed>\d+))?"
    r"(?:-per-(?P<per>layer|tensor))?(?:-weights-[0-9a-f]{6})?"
)

_WEIGHTED: Final = frozenset({"weighted", "arithmetic", "ties", "dare"})


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


def centroid_command(centroid: Mapping[str, Any], folder: str = NO_FOLDER) -> str:
    """Return the shell command that saves one centroid, every word quoted where needed.

    Parameters
    ----------
    centroid : mapping
        A row of the centroid table; its name tells the group, the variant, the rank and the method with
        its settings where they are not the default, its ``weights`` the shares.
    folder : str, default 'RUN'
        The run folder.

    Returns
    -------
    str
        The command.

    Examples
    --------
    >>> centroid_command({"name": "basin-0", "level": "basin", "group": "0"})
    'wsgeo centroid RUN --basin 0 -o basin-0'
    >>> centroid_command({"name": "basin-0-g0.l1-factors", "level": "basin", "group": "0"}, "run")
    'wsgeo centroid run --basin 0 --group g0.l1 --variant factors -o basin-0-g0.l1-factors'
    >>> centroid_command({"name": "dataset-snli-ties", "level": "dataset", "group": "snli"})
    'wsgeo centroid RUN --region snli --level dataset --method ties -o dataset-snli-ties'
    """
    place, start = _place(centroid)
    name = str(centroid.get("name"))
    found = _CHOICES.fullmatch(name.removeprefix(start))
    choices = {key: value for key, value in (found.groupdict() if found else {}).items() if value}
    choices |= _weights(choices.get("method"), centroid.get("weights") or [])
    words = ["wsgeo", "centroid", folder, *place]
    words += [word for key, value in choices.items() for word in (f"--{key}", value)]
    return shlex.join([*words, "-o", name])


def _place(centroid: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the options that choose the members, and how the name of such a centroid begins."""
    word, label = centroid.get("level") or "basin", str(centroid.get("group"))
    if word in {"dataset", "task", "general"} or (word == "basin" and " " in label):
        return ["--region", label, "--level", word], f"{word}-{folder_word(label)}"
    level = "region" if word == "region" else "basin"  # a group without basins is asked for as one
    return [f"--{level}", label], f"{word}-{label}"


def _weights(method: str | None, shares: Sequence[float]) -> dict[str, str]:
    """Return the weights of a method that takes them, where they are not equal."""
    if method not in _WEIGHTED or (method != "weighted" and len(set(shares)) < 2):
        return {}
    return {"weights": ",".join(f"{share:.9g}" for share in shares)} if shares else {}
