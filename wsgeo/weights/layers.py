"""Which layer of a model a tensor belongs to, by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

EMBEDDINGS: Final = "embeddings"
REST: Final = "rest"

_NUMBERED: Final = re.compile(r"(?P<stack>.*?)\.?\b(?P<number>\d+)\.")
_EMBEDS: Final = re.compile(r"embed|\b(wte|wpe|shared)\b")


def layers_of(names: Iterable[str]) -> dict[str, str]:
    """Return the layer of each tensor.

    Parameters
    ----------
    names : iterable of str
        Canonical tensor names of one model.

    Returns
    -------
    dict of str to str
        Name to layer, layer by layer: ``embeddings``, then ``layer 0``, ``layer 1`` and so on, named
        after their stack (``encoder 0``) where the model has several, then the ``rest``.

    Examples
    --------
    >>> layers_of(["bert.pooler.bias", "bert.encoder.layer.1.bias", "bert.embeddings.weight"])
    {'bert.embeddings.weight': 'embeddings', 'bert.encoder.layer.1.bias': 'layer 1', 'bert.pooler.bias': 'rest'}
    """
    found = {name: _NUMBERED.match(name) for name in names}
    # What enters a model of two stacks passes the encoder first.
    stacks = sorted(
        {match["stack"] for match in found.values() if match},
        key=lambda stack: ("decoder" in stack, stack),
    )
    titles = _titles(stacks)
    keys: dict[str, tuple[tuple[int, int, int], str]] = {}
    for name, match in found.items():
        if match:
            number = int(match["number"])
            title = titles[match["stack"]]
            keys[name] = (1, stacks.index(match["stack"]), number), f"{title} {number}"
        elif _EMBEDS.search(name):
            keys[name] = (0, 0, 0), EMBEDDINGS
        else:
            keys[name] = (2, 0, 0), REST
    order = sorted(keys, key=lambda name: (keys[name][0], name))
    return {name: keys[name][1] for name in order}


def _titles(stacks: list[str]) -> dict[str, str]:
    """Return a word for each stack: the first part of its name in which it differs."""
    if len(stacks) == 1:
        return {stacks[0]: "layer"}
    words = [stack.split(".") for stack in stacks]
    for column in zip(*words, strict=False):
        if len(set(column)) == len(stacks):
            return dict(zip(stacks, column, strict=True))
    return {stack: stack for stack in stacks}
