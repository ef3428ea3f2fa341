"""Fewer and larger tensors: what an evaluation reads of a model's weights.

A packing chooses coordinates of the flat vector and puts them in another order. So it is linear, and
packing a mix of models is mixing packed models: only the ends of a path are ever packed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.weights.layout import Layout, Weights


@final
@dataclass(frozen=True, eq=False)
class Piece:
    """One packed tensor: canonical tensors below one another.

    Parameters
    ----------
    sources : tuple of str
        Canonical names; the packed tensor has the name of the first.
    rows : ndarray of int64, shape (n_rows,), optional
        The rows that are read, of a single source; default all.
    transposed : bool, default False
        Whether the sources hold (n_inputs, n_outputs), as GPT-2's do.
    """

    sources: tuple[str, ...]
    rows: NDArray[np.int64] | None = None
    transposed: bool = False

    @property
    def name(self) -> str:
        """Name in the packed layout."""
        return self.sources[0]

    def of(self, tensors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return what is read of the sources, each with its outputs as rows."""
        turned = [tensor.T if self.transposed else tensor for tensor in tensors]
        return turned if self.rows is None else [tensor[self.rows] for tensor in turned]


@final
@dataclass(frozen=True, eq=False)
class Packing:
    """The pieces of a model, and the layout that they make.

    Parameters
    ----------
    source : Layout
        Canonical layout.
    pieces : tuple of Piece
        What is read; a tensor that none of them names is left behind.

    Examples
    --------
    >>> layout = Layout(("k", "q", "words"), ((1, 2), (1, 2), (4, 1)))
    >>> packing = Packing(layout, (Piece(("q", "k")), Piece(("words",), np.array([1, 3]))))
    >>> packing.layout
    Layout(names=('q', 'words'), shapes=((2, 2), (2, 1)))
    >>> packing.pack(Weights(layout, np.arange(8, dtype=np.float32))).vector
    array([2., 3., 0., 1., 5., 7.], dtype=float32)
    """

    source: Layout
    pieces: tuple[Piece, ...]

    @cached_property
    def layout(self) -> Layout:
        """Names and shapes of the packed tensors."""
        shapes = {piece.name: self._shape(piece) for piece in self.pieces}
        names = tuple(sorted(shapes))
        return Layout(names, tuple(shapes[name] for name in names))

    def pack(self, weights: Weights) -> Weights:
        """Return the packed weights of a model.

        Parameters
        ----------
        weights : Weights
            In the source's layout.

        Returns
        -------
        Weights
            A copy in `layout`.
        """
        packed = Weights(self.layout, np.empty(self.layout.n_parameters, np.float32))
        for piece in self.pieces:
            parts = piece.of([weights.tensor(name) for name in piece.sources])
            np.concatenate(parts, out=packed.tensor(piece.name))
        return packed

    def _shape(self, piece: Piece) -> tuple[int, ...]:
        shapes = [self.source.shape(name) for name in piece.sources]
        inner = shapes[0][:1] if piece.transposed else shapes[0][1:]
        outer = [shape[-1] if piece.transposed else shape[0] for shape in shapes]
        return (sum(outer) if piece.rows is None else len(piece.rows), *inner)
