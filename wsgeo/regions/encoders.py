"""The mean of what members of several tasks share, in the frame of their base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.regions.centroids import mean_weights
from wsgeo.regions.folders import ModelTemplate
from wsgeo.weights.layout import Layout, Weights
from wsgeo.weights.precision import STORED, Tensor
from wsgeo.weights.tensors import read_tensors
from wsgeo.zoo import Base, Checkpoint, load_weights
from wsgeo.zoo.bases import BaseFinder
from wsgeo.zoo.checkpoints import TensorRef
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.drafts import BaseFiles


def encoder_mean(members: Sequence[Checkpoint], base: Base) -> Weights:
    """Return the mean of the tensors that members of one geometry group share with their base.

    Parameters
    ----------
    members : sequence of Checkpoint
        Full models or adapters, of any tasks.
    base : Base
        Their base.

    Returns
    -------
    Weights
        By the members' names; of one member, its tensors to the bit.

    Raises
    ------
    EntryError
        As `wsgeo.zoo.load_weights`.
    WsgeoError
        If the mean is not finite.

    References
    ----------
    [gueta2023]_
    """
    names = tuple(sorted(base.tensors))
    layout = Layout(names, tuple(base.tensors[name].shape for name in names))

    def encoder(i: int) -> Weights:
        whole = load_weights(members[i])
        parts = [whole.tensor(name).reshape(-1) for name in names]
        return Weights(layout, np.concatenate(parts))

    return mean_weights(encoder, len(members))


@final
@dataclass(frozen=True)
class EncoderFrame:
    """The base as the model that an encoder is put into.

    Parameters
    ----------
    files : BaseFiles
        The base, read as far as its headers.
    """

    files: BaseFiles

    @classmethod
    def of(cls, base: Base, *, allow_pickle: bool = False) -> EncoderFrame:
        """Return the frame of a base that was found.

        Parameters
        ----------
        base : Base
            The base of a member.
        allow_pickle : bool, default False
            Whether pickled weights are converted.

        Returns
        -------
        EncoderFrame
            With the base's config and headers.
        """
        folder = base.folder
        finder = BaseFinder(folder, Roots.of(folder), allow_pickle=allow_pickle)
        return cls(finder.named_by_user(str(folder)))

    def template(self, tokenizer_folder: Path) -> ModelTemplate:
        """Return what the folder of the encoder needs beside its weights.

        Parameters
        ----------
        tokenizer_folder : Path
            Where the tokenizer is copied from.

        Returns
        -------
        ModelTemplate
            With the base's config, class and labels.

        Raises
        ------
        WsgeoError
            If the base does not say what class it is.
        """
        config = self.files.files.config
        name, named = config.model_class, config.raw.get("architectures")
        if name is None and isinstance(named, list) and named:
            name = str(named[0])
        if name is None:
            raise WsgeoError(
                "the base does not name its class",
                where=str(self.files.folder / "config.json"),
                remedy='Set "architectures" in its config.',
            )
        return ModelTemplate(config.raw, name, config.labels, tokenizer_folder)

    def filled(self, encoder: Weights, base: Base) -> Weights:
        """Return the weights of the base with an encoder in place of its own.

        Parameters
        ----------
        encoder : Weights
            By the members' names, as `encoder_mean` returns it.
        base : Base
            Tells which tensor of the base stands for which of the encoder's.

        Returns
        -------
        Weights
            By the names of the base's own class; a head of the base stays as it is.
        """
        own = {name: ref for name, ref in self.files.tensors.items() if ref.dtype in STORED}
        tensors = _read(own)
        places = {(ref.file, ref.stored_name): name for name, ref in own.items()}
        for name, ref in base.tensors.items():
            tensors[places[ref.file, ref.stored_name]] = encoder.tensor(name)
        names = tuple(sorted(tensors))
        layout = Layout(names, tuple(tensors[name].shape for name in names))
        return Weights(layout, np.concatenate([tensors[name].reshape(-1) for name in names]))


def _read(refs: Mapping[str, TensorRef]) -> dict[str, Tensor]:
    by_file: dict[Path, dict[str, str]] = {}
    for name, ref in refs.items():
        by_file.setdefault(ref.file, {})[ref.stored_name] = name
    return {
        names[stored]: tensor
        for file, names in by_file.items()
        for stored, tensor in read_tensors(file, names).items()
    }
