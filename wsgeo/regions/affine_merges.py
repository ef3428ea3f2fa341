"""Merges that are one affine combination of members and base, for each tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from wsgeo.regions.affine_blends import affine_blend
from wsgeo.regions.centroids import medoid
from wsgeo.regions.layer_angles import layer_table, mean_cosine
from wsgeo.regions.merge_streams import MemberStream, sum_by_layer
from wsgeo.regions.merging import AbstractMerge, Blend, check_weights, shares_of
from wsgeo.weights.geometry import Matrix, distances
from wsgeo.weights.layers import layers_of
from wsgeo.weights.medians import median_shares


@final
@dataclass(frozen=True)
class Mean(AbstractMerge):
    """The plain mean of the members.

    References
    ----------
    [gueta2023]_
    """

    name: ClassVar[str] = "mean"

    @property
    def parameters(self) -> dict[str, Any]:
        """None."""
        return {}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        return affine_blend(stream, shares_of((), len(stream)))


@final
@dataclass(frozen=True)
class Weighted(AbstractMerge):
    """The weighted mean of the members.

    Parameters
    ----------
    weights : tuple of float
        One per member, at least 0; they need not sum to 1.
    """

    name: ClassVar[str] = "weighted"
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse weights that have no mean."""
        if not self.weights:
            raise ValueError("A weighted mean needs one weight per member.")
        check_weights(self.weights)

    @property
    def parameters(self) -> dict[str, Any]:
        """The weights."""
        return {"weights": list(self.weights)}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        return affine_blend(stream, shares_of(self.weights, len(stream)))


@final
@dataclass(frozen=True)
class Medoid(AbstractMerge):
    """The member whose summed distance to the others is least, as it is.

    Distances are those of the bodies, heads left out.
    """

    name: ClassVar[str] = "medoid"

    @property
    def parameters(self) -> dict[str, Any]:
        """None."""
        return {}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        chosen = medoid(distances(stream.gram()))
        return affine_blend(stream, _only(chosen, len(stream)))


@final
@dataclass(frozen=True)
class GeometricMedian(AbstractMerge):
    """The point whose summed distance to the members is least: a mean that outliers move little.

    Distances are those of the bodies, heads left out.

    Parameters
    ----------
    tolerance : float, default 1e-6
        Length of the mean of the unit vectors from the point to the members, 0 at the median, at
        which the search stops.
    """

    name: ClassVar[str] = "median"
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse a tolerance that no search meets."""
        if not 0 < self.tolerance < 1:
            raise ValueError(f"The tolerance {self.tolerance} is not between 0 and 1.")

    @property
    def parameters(self) -> dict[str, Any]:
        """The tolerance."""
        return {"tolerance": self.tolerance}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        shares = median_shares(distances(stream.gram()), self.tolerance)
        return affine_blend(stream, tuple(shares.tolist()))


@final
@dataclass(frozen=True)
class TaskArithmetic(AbstractMerge):
    """The base, and a multiple of what the members add to it.

    Parameters
    ----------
    scale : float, default 1
        The multiple of their mean task vector; 1 is the mean of the members. The paper adds task
        vectors up: of n members its scale is n times smaller for the same model.
    weights : tuple of float, optional
        One per member, at least 0; equal by default.

    References
    ----------
    [ilharco2023]_
    """

    name: ClassVar[str] = "arithmetic"
    needs_base: ClassVar[bool] = True
    scale: float = 1.0
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a scale that is not finite, and weights that have no mean."""
        if not math.isfinite(self.scale):
            raise ValueError(f"The scale {self.scale} is not finite.")
        check_weights(self.weights)

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings."""
        return {"scale": self.scale, "weights": list(self.weights)}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        shares = shares_of(self.weights, len(stream))
        return affine_blend(stream, shares, lambda _: self.scale)


@final
@dataclass(frozen=True)
class ModelStock(AbstractMerge):
    r"""The mean of the members, drawn toward the base where they disagree.

    .. math:: t = \frac{n \cos\varphi}{(n - 1) \cos\varphi + 1}

    is the share of the mean against the base, where :math:`\cos\varphi` is the mean cosine of the
    task vectors over pairs of members. It is kept in [0, 1]: a negative cosine gives the base. Where
    fewer than two members left the base there is no angle, and the share is 1.

    Parameters
    ----------
    per : {"layer", "tensor"}
        What has a share of its own; mergekit takes tensors.

    References
    ----------
    [jang2024]_
    """

    name: ClassVar[str] = "stock"
    needs_base: ClassVar[bool] = True
    per: Literal["layer", "tensor"] = "layer"

    def __post_init__(self) -> None:
        """Refuse an unknown part."""
        if self.per not in {"layer", "tensor"}:
            raise ValueError(f"Model Stock is taken per layer or per tensor, not per {self.per}.")

    @property
    def parameters(self) -> dict[str, Any]:
        """What has a share of its own."""
        return {"per": self.per}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        grams, pull = self._shares(stream)
        layers = layer_table(grams, _by_layer(stream, pull))
        return affine_blend(stream, shares_of((), len(stream)), pull.__getitem__, layers)

    def _shares(self, stream: MemberStream) -> tuple[Mapping[str, Matrix], dict[str, float]]:
        """Return the Gram matrix of each layer, and the share of the mean in each tensor."""
        if self.per == "layer":
            grams, layers = stream.layer_grams, layers_of(stream.body)
            return grams, {n: stock_share(grams[layer]) for n, layer in layers.items()}
        shares: dict[str, float] = {}

        def measured() -> Iterator[tuple[str, Matrix]]:
            for layer, name, gram in stream.grams():
                shares[name] = stock_share(gram)
                yield layer, gram

        return sum_by_layer(measured()), shares


def stock_share(gram: Matrix) -> float:
    """Return Model Stock's share of the mean against the base.

    Parameters
    ----------
    gram : ndarray of float64, shape (n, n)
        Inner products of task vectors.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    [jang2024]_

    Examples
    --------
    >>> import numpy as np
    >>> round(stock_share(np.array([[4.0, 2.0], [2.0, 4.0]])), 4)  # 60 degrees apart
    0.6667
    """
    n, cosine = len(gram), mean_cosine(gram)
    if math.isnan(cosine):
        return 1.0
    return 0.0 if cosine <= 0 else min(1.0, n * cosine / ((n - 1) * cosine + 1))


def _only(chosen: int, n: int) -> tuple[float, ...]:
    return tuple(float(i == chosen) for i in range(n))


def _by_layer(stream: MemberStream, shares: Mapping[str, float]) -> dict[str, float]:
    """Return the mean share of each layer, over its values."""
    total: dict[str, float] = {}
    size: dict[str, int] = {}
    for name, layer in layers_of(stream.body).items():
        size[layer] = size.get(layer, 0) + stream.size(name)
        total[layer] = total.get(layer, 0.0) + shares[name] * stream.size(name)
    return {layer: total[layer] / size[layer] for layer in total}
