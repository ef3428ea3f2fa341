"""Names of the folders of members, from what tells them apart."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

_LONGEST: Final = 100
_TAKEN: Final = re.compile(r"base(-.*)?|data|zoo|recipe|failed", re.IGNORECASE)
_LABELS: Final = {
    "task": "", "base": "", "method": "", "schedule": "", "precision": "", "learning_rate": "lr",
    "order_seed": "order", "batch_size": "batch", "weight_decay": "decay", "perturbation": "shift",
    "perturbation_seed": "shift-seed", "lora.rank": "rank", "lora.alpha": "alpha",
    "lora.dropout": "lora-dropout", "prefix.tokens": "tokens", "adapter.width": "width",
}  # fmt: skip


def member_names(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the combinations of a grid.

    A name is the values in the order of the axes, joined by dashes. Names that would be the same
    where upper and lower case are, that are too long, or that the zoo needs itself, end in a hash
    of the combination.

    Parameters
    ----------
    points : sequence of mapping
        Value by axis.

    Returns
    -------
    list of str
        Distinct, short, and safe in every file system.

    Examples
    --------
    >>> member_names([{"seed": 0, "learning_rate": 0.0003}, {"seed": 1, "learning_rate": 0.001}])
    ['seed0-lr3e-4', 'seed1-lr1e-3']
    >>> member_names([{}])
    ['member']
    """
    plain = ["-".join(_slug(axis, point[axis]) for axis in point) or "member" for point in points]
    seen = [name.casefold() for name in plain]
    counts = {name: seen.count(name) for name in set(seen)}
    return [
        f"{name[:_LONGEST].rstrip('-.')}-{_digest(point)}"
        if counts[name.casefold()] > 1 or len(name) > _LONGEST or _TAKEN.fullmatch(name)
        else name
        for name, point in zip(plain, points, strict=True)
    ]


def number_text(value: float) -> str:
    """Return the shortest text of a number that reads back as just this number.

    Parameters
    ----------
    value : int or float
        A number.

    Returns
    -------
    str
        Different numbers have different texts.

    Examples
    --------
    >>> number_text(0.2), number_text(1.0), number_text(0.1234567891)
    ('0.2', '1', '0.1234567891')
    """
    return f"{value!r}".removesuffix(".0")


def _slug(axis: str, value: object) -> str:
    """Return a value as a part of a name, after the name of its axis where it needs one."""
    if isinstance(value, float):
        exact = np.format_float_scientific(value, trim="-", exp_digits=1)
        text = exact if axis == "learning_rate" else min(number_text(value), exact, key=len)
    else:
        text = str(value)
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "-", Path(text).stem if "/" in text else text).strip("-.")
    # The words of a subset speak for themselves; its numbers do not.
    bare = axis == "subset" and isinstance(value, str)
    return ("" if bare else _LABELS.get(axis, axis)) + safe


def _digest(point: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(point, sort_keys=True).encode()).hexdigest()[:8]
