"""Merging: one model from several members of a region, tensor by tensor."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.progress import Progress
from wsgeo.regions.layer_angles import layer_table
from wsgeo.regions.merge_streams import MemberStream, Values, open_stream
from wsgeo.weights.layout import Weights
from wsgeo.weights.slices import TensorSlices
from wsgeo.zoo import Base, Checkpoint

TensorBlend: TypeAlias = Callable[[slice], Values]
"""Returns a slice of a flattened merged tensor, in float64."""


@final
@dataclass(frozen=True, eq=False)
class Blend:
    """How a method makes a model of the members of a stream.

    Parameters
    ----------
    tensor : callable (str) -> TensorBlend
        What makes the tensor of a name.
    n_rows : int
        Slices of members that it holds at a time.
    coefficients : tuple of float, optional
        Share of each member, summing to 1, in the part of every tensor that comes from members; None
        where that differs from value to value.
    layers : polars.DataFrame, optional
        As `layer_table`, where the method has measured it.
    notes : tuple of str
        Sentences that a reader of the result must know.
    """

    tensor: Callable[[str], TensorBlend]
    n_rows: int = 1
    coefficients: tuple[float, ...] | None = None
    layers: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()


class AbstractMerge(abc.ABC):
    """A way of making one model of several; its fields are its settings."""

    name: ClassVar[str]
    """What the command line and the tables call it."""
    needs_base: ClassVar[bool] = False
    """Whether it starts from the base."""

    @property
    @abc.abstractmethod
    def parameters(self) -> dict[str, Any]:
        """The settings, such that JSON can hold them."""

    @abc.abstractmethod
    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""


@final
@dataclass(frozen=True, eq=False)
class Merged:
    """A merged model.

    Parameters
    ----------
    weights : Weights
        Of the tensors asked for; label rows in the order of the loss group.
    coefficients : tuple of float or None
        As in `Blend`.
    layers : polars.DataFrame or None
        `CENTROID_LAYERS` with null names; None without a base.
    notes : tuple of str
        Sentences that a reader of the result must know.
    """

    weights: Weights
    coefficients: tuple[float, ...] | None
    layers: pl.DataFrame | None
    notes: tuple[str, ...]


def merge(
    method: AbstractMerge,
    members: Sequence[Checkpoint],
    base: Base | None = None,
    names: Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
) -> Merged:
    """Make one model of several.

    The files are read in slices, adapters merged on the way, so that the result is the only whole
    model in memory. Everything is computed in float64 and rounded once to float32.

    Parameters
    ----------
    method : AbstractMerge
        How; such as `wsgeo.regions.affine_merges.Mean`.
    members : sequence of Checkpoint
        Members of one geometry group; of one loss group where their heads are merged.
    base : Base, optional
        Their base. Where it is given, `Merged.layers` tells how the members lie around it, for which
        the files are read once more.
    names : sequence of str, optional
        Which tensors; by default all. Those of the base are what members of several tasks share.
    progress : Progress, optional
        Told how many tensors are done.

    Returns
    -------
    Merged
        The model and what is known of it.

    Raises
    ------
    ValueError
        If there are no members, or the method's settings do not match their number.
    WsgeoError
        If the members cannot be merged, a base is needed and missing, or a result is not finite.
    EntryError
        If a file changed since the zoo was read, or an adapter makes a tensor that is not finite.

    References
    ----------
    [gueta2023]_
    """
    if method.needs_base and base is None:
        raise WsgeoError(
            f"the method {method.name} starts from the base, which is not known",
            remedy="Scan with --base PATH, or choose another method.",
        )
    with TensorSlices() as slices:
        stream = open_stream(members, base, names, slices, progress)
        blend = method.blend(stream)
        layers = blend.layers
        if layers is None and base is not None:
            layers = layer_table(stream.layer_grams)
        weights = _weights(stream, blend)
        stream.verify()
    return Merged(weights, blend.coefficients, layers, blend.notes)


def check_weights(weights: Sequence[float]) -> None:
    """Refuse weights of members that have no mean.

    Parameters
    ----------
    weights : sequence of float
        One per member; none stands for equal ones.

    Raises
    ------
    ValueError
        If one is negative or not finite, or all are 0.
    """
    if weights and not (min(weights) >= 0 and 0 < math.fsum(weights) < math.inf):
        raise ValueError(f"Weights are at least 0, finite and not all 0, unlike {list(weights)}.")


def shares_of(weights: Sequence[float], n: int) -> tuple[float, ...]:
    """Return weights over their sum.

    Parameters
    ----------
    weights : sequence of float
        One per member; none for equal ones.
    n : int
        Number of members.

    Returns
    -------
    tuple of float
        Summing to 1.

    Raises
    ------
    ValueError
        If their number is another.

    Examples
    --------
    >>> shares_of((3, 1), 2), shares_of((), 2)
    ((0.75, 0.25), (0.5, 0.5))
    """
    if weights and len(weights) != n:
        raise ValueError(f"{n} members need as many weights, not {len(weights)}.")
    total = math.fsum(weights) if weights else n
    return tuple(weight / total for weight in (weights or (1.0,) * n))


def head_note(stream: MemberStream) -> tuple[str, ...]:
    """Say what becomes of the tensors that the base lacks.

    Parameters
    ----------
    stream : MemberStream
        The members.

    Returns
    -------
    tuple of str
        A sentence; none where the base has all.
    """
    lacking = [name for name in stream.layout.names if not stream.is_in_base(name)]
    if not lacking:
        return ()
    what = f"{counted(len(lacking), 'tensor')} that the base lacks, such as {shown(lacking[0])}"
    return (
        f"The method applies to what members share with the base; {what}: mean of the members.",
    )


def _weights(stream: MemberStream, blend: Blend) -> Weights:
    layout = stream.layout
    weights = Weights(layout, np.empty(layout.n_parameters, np.float32))
    for done, name in enumerate(layout.names, start=1):
        make, out = blend.tensor(name), weights.vector[layout.span(name)]
        for columns in stream.blocks(name, blend.n_rows):
            with np.errstate(over="ignore", invalid="ignore"):
                out[columns] = make(columns)
            if not np.isfinite(out[columns]).all():
                _refuse(name)
        if stream.progress is not None:
            stream.progress(done, len(layout.names), "merging")
    return weights


def _refuse(name: str) -> None:
    raise WsgeoError(
        f"the merge of tensor {shown(name)} is not finite",
        remedy="Run `wsgeo check` and leave out the member whose weights are not finite.",
    )
