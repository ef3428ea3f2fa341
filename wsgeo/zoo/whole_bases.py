"""A base with all of its tensors, its head included, as a frame for what members share with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.weights.layout import Layout, Weights
from wsgeo.weights.precision import STORED
from wsgeo.zoo.bases import BaseFinder
from wsgeo.zoo.checkpoints import Base
from wsgeo.zoo.configs import ModelConfig
from wsgeo.zoo.discovery import CONFIG
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.loading import read_verified


@final
@dataclass(frozen=True)
class WholeBase:
    """A base as a model of its own class.

    Parameters
    ----------
    config : mapping
        Its parsed ``config.json``.
    model_class : str
        Its class in transformers.
    labels : tuple of str
        Its labels, where it has any.
    weights : Weights
        By the names of its own class.
    own_names : mapping of str to str
        Its own name of each tensor of the body, by the members' name.
    """

    config: Mapping[str, Any]
    model_class: str
    labels: tuple[str, ...]
    weights: Weights
    own_names: Mapping[str, str]


def load_whole_base(base: Base, *, allow_pickle: bool = False) -> WholeBase:
    """Read a base that was found, its head included.

    The files are hashed while they are read, so that what comes back is what was measured.

    Parameters
    ----------
    base : Base
        The base of a member.
    allow_pickle : bool, default False
        Whether pickled weights are converted.

    Returns
    -------
    WholeBase
        Config and weights.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read (``file_changed``).
    WsgeoError
        If the folder is refused, or does not say what class it is.
    """
    finder = BaseFinder(base.folder, Roots.of(base.folder), allow_pickle=allow_pickle)
    found = finder.named_by_user(str(base.folder))
    own = {name: ref for name, ref in found.tensors.items() if ref.dtype in STORED}
    names = tuple(sorted(own))
    layout = Layout(names, tuple(own[name].shape for name in names))
    weights = Weights(layout, np.empty(layout.n_parameters, np.float32))
    for name, values in read_verified(own, base.file_hashes):
        weights.tensor(name)[...] = values
    places = {(ref.file, ref.stored_name): name for name, ref in own.items()}
    own_names = {n: places[ref.file, ref.stored_name] for n, ref in base.tensors.items()}
    config = found.files.config
    return WholeBase(config.raw, _class(config, base), config.labels, weights, own_names)


def _class(config: ModelConfig, base: Base) -> str:
    named = config.raw.get("architectures")
    if config.model_class is not None:
        return config.model_class
    if isinstance(named, list) and named:
        return str(named[0])
    raise WsgeoError(
        "the base does not name its class",
        where=str(base.folder / CONFIG),
        remedy='Set "architectures" in its config.',
    )
