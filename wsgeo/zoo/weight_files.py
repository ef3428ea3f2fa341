"""The files that hold a model's weights."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Never

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.zoo.discovery import PICKLED_WEIGHTS, WEIGHTS, WEIGHTS_INDEX
from wsgeo.zoo.documents import INDEX_BYTES, Roots, read_json
from wsgeo.zoo.pickles import convert_pickle, refuse_pickle

MAX_SHARDS = 1000

_SHARD = re.compile(r"[^/\\]+\.safetensors")


def weight_files(folder: Path, roots: Roots, allow_pickle: bool) -> list[Path]:
    """Return the real paths of the weights: one file, the shards of an index, or converted ones.

    Parameters
    ----------
    folder : Path
        A model.
    roots : Roots
        Where its files may lie.
    allow_pickle : bool
        Whether pickled weights are converted.

    Returns
    -------
    list of Path
        In the order of their names.

    Raises
    ------
    EntryError
        If there are none, they are pickled, or an index names files elsewhere.
    """
    if os.path.lexists(folder / WEIGHTS):
        return [roots.regular_file(folder / WEIGHTS)]
    if os.path.lexists(folder / WEIGHTS_INDEX):
        names = _shard_names(folder / WEIGHTS_INDEX, roots)
        return [roots.regular_file(folder / name) for name in names]
    pickled = sorted(p for p in folder.iterdir() if PICKLED_WEIGHTS.fullmatch(p.name))
    if pickled and allow_pickle:
        return [convert_pickle(path, roots) for path in pickled]
    if pickled:
        refuse_pickle(pickled[0])
    raise EntryError(
        "no_weights",
        f"neither {WEIGHTS} nor its index is there",
        where=str(folder),
        remedy="Put the weights beside the config, under that name.",
    )


def _shard_names(index: Path, roots: Roots) -> list[str]:
    """Return the shards that an index names; a name with a folder in it would lead elsewhere."""
    weight_map = read_json(index, roots, limit=INDEX_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        _refuse_index(f"weight_map is {shown(weight_map)}", index)
    names: set[str] = set()
    for name in weight_map.values():
        if not isinstance(name, str) or not _SHARD.fullmatch(name) or "\0" in name:
            _refuse_index(f"the shard name {shown(name)} is not a file beside it", index)
        names.add(name)
    if len(names) > MAX_SHARDS:
        _refuse_index(f"it names {len(names)} shards", index)
    return sorted(names)


def _refuse_index(what: str, index: Path) -> Never:
    raise EntryError(
        "malformed_index",
        what,
        where=str(index),
        remedy="Save the model again.",
    )
