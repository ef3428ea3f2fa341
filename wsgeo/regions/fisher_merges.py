"""The mean of members, each weight of which counts by what it means to its member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.regions.merge_streams import MemberStream, Values
from wsgeo.regions.merging import AbstractMerge, Blend, TensorBlend
from wsgeo.weights.slices import SliceReader

FisherReader: TypeAlias = Callable[[str], SliceReader]
"""Returns what reads the diagonal of one member's Fisher information, by canonical tensor name."""


@final
@dataclass(frozen=True)
class FisherMean(AbstractMerge):
    r"""The mean of the members, weighted entry by entry with their Fisher information.

    .. math:: \frac{\sum_i F_i w_i}{\sum_i F_i}

    It applies to all tensors, heads too, and needs no base.

    Parameters
    ----------
    readers : tuple of callable (str) -> SliceReader
        One per member: what reads the diagonal of its Fisher information in a tensor, mean squared
        derivatives of the log-likelihood, label rows in the order of the loss group.
    floor : float, default 1e-12
        Least information of an entry, so that where no member has any, the mean is plain.

    References
    ----------
    [matena2022]_
    """

    name: ClassVar[str] = "fisher"
    readers: tuple[FisherReader, ...]
    floor: float = 1e-12

    def __post_init__(self) -> None:
        """Refuse a floor that lets a mean of nothing pass."""
        if not 0 < self.floor < np.inf:
            raise ValueError(f"The floor {self.floor} is not above 0 and finite.")

    @property
    def parameters(self) -> dict[str, Any]:
        """The floor."""
        return {"floor": self.floor}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        if len(self.readers) != len(stream):
            raise ValueError(f"{len(stream)} members, but information of {len(self.readers)}.")

        def tensor(name: str) -> TensorBlend:
            read = [
                (member.id, stream.member(i, name), of_member(name))
                for i, (member, of_member) in enumerate(
                    zip(stream.members, self.readers, strict=True)
                )
            ]
            return lambda columns: self._values(name, read, columns)

        return Blend(tensor)

    def _values(
        self, name: str, sources: list[tuple[str, SliceReader, SliceReader]], columns: slice
    ) -> Values:
        width = columns.stop - columns.start
        read, total, weight = np.empty(width, np.float32), np.zeros(width), np.zeros(width)
        for id_, of_member, of_information in sources:
            of_information(columns, read)
            if not (read.min() >= 0 and read.max() < np.inf):
                raise WsgeoError(
                    f"the Fisher information of tensor {shown(name)} is not a variance",
                    where=id_,
                    remedy="Leave the member out, or take another --method.",
                )
            information = np.maximum(read, self.floor, dtype=np.float64)
            of_member(columns, read)
            total += information * read
            weight += information
        return total / weight
