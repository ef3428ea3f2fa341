"""Which label a prediction counts as, where files spell labels differently or part them further."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from wsgeo.escapes import shown
from wsgeo.probing.differences import listed
from wsgeo.tasks.labels import canonical

_NEGATION: Final = re.compile(r"(?:not|non|un|no)(.{4,})")
_PARTS: Final = {"notentailment": ("neutral", "contradiction")}
"""Labels that are parts of a negated one: three labels are read as two."""


def label_readings(gold: Collection[str], predicted: Collection[str]) -> dict[str, str | None]:
    """Return the label that each name counts as.

    Parameters
    ----------
    gold, predicted : collection of str
        Names that occur as labels and as predictions.

    Returns
    -------
    dict of str to (str or None)
        By name, as it is spelt in either; the label as ``gold`` spells it if it does. None for a
        prediction that is no label.

    Examples
    --------
    >>> label_readings(["non-entailment"], ["neutral", "Entailed", "yes"])
    {'non-entailment': 'non-entailment', 'neutral': 'non-entailment', 'Entailed': 'Entailed', 'yes': None}
    """
    names = list(dict.fromkeys([*gold, *predicted]))
    keys = {name: _key(name, names) for name in names}
    for whole, parts in _PARTS.items():
        if whole in keys.values():
            keys = {name: whole if key in parts else key for name, key in keys.items()}
    known = _known({keys[name] for name in gold})
    spelt: dict[str, str] = {}
    for name, key in keys.items():
        # A part never lends its name to the whole.
        if key == _key(name, names):
            spelt.setdefault(key, name)
    return {name: spelt.get(key, key) if key in known else None for name, key in keys.items()}


def merged_labels(readings: Mapping[str, str | None]) -> list[str]:
    """Say which names were read as another label.

    Parameters
    ----------
    readings : mapping of str to (str or None)
        From `label_readings`.

    Returns
    -------
    list of str
        A sentence per label.

    Examples
    --------
    >>> merged_labels({"yes": "yes", "neutral": "no", "maybe": "no"})
    ["'neutral' and 'maybe' counted as 'no'."]
    """
    merged: dict[str, list[str]] = {}
    for name, label in readings.items():
        if label is not None and name != label:
            merged.setdefault(label, []).append(shown(name))
    return [f"{listed(names)} counted as {shown(label)}." for label, names in merged.items()]


def _key(name: str, names: Collection[str]) -> str:
    """Return the canonical name; a negation is written in one way if its opposite is known."""
    key = canonical(name)
    found = _NEGATION.fullmatch(key)
    if found is None:
        return key
    stem = canonical(found[1])
    known = stem == "entailment" or stem in {canonical(one) for one in names}
    return f"not{stem}" if known else key


def _known(keys: set[str]) -> set[str]:
    """Return the labels that may be predicted: those of the examples, and what goes with them."""
    known = set(keys)
    if len(keys) == 1:  # examples of one label may be given the other
        (key,) = keys
        known.add(key.removeprefix("not") if key.startswith("not") else f"not{key}")
    if keys & {"entailment", "notentailment", *_PARTS["notentailment"]}:
        rest = {"notentailment"} if "notentailment" in keys else _PARTS["notentailment"]
        known |= {"entailment", *rest}
    return known
