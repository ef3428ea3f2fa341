"""From a point of weight space to its weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wsgeo.evaluation.losses import REFIT, Loaded, Point, Values
from wsgeo.weights.arithmetic import lerp, mix
from wsgeo.weights.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor

Load = Callable[[str], Loaded]

_FEW = 2
"""Members that are mixed at once: a line's. More are added up, or they would all be in memory."""

_BLOCK = 1 << 15  # as in `wsgeo.weights.arithmetic`: no second float64 vector is made


@final
class WeightsCache:
    """Loaded checkpoints, the least recently used given up first.

    Parameters
    ----------
    load : callable
        Content hash to weights.
    limit : int
        Bytes to keep, on whichever device they are. The checkpoint asked for last is kept whatever its size.

    Examples
    --------
    >>> from wsgeo.weights import Weights
    >>> layout = Layout(("w",), ((2,),))
    >>> cache = WeightsCache(lambda name: Weights(layout, np.zeros(2, np.float32)), limit=8)
    >>> cache("a"), cache("b"), cache.names
    (Weights(...), Weights(...), ('b',))
    """

    def __init__(self, load: Callable[[str], Loaded], limit: int) -> None:
        self._load, self._limit = load, limit
        self._kept: OrderedDict[str, Loaded] = OrderedDict()
        self.n_loads = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Content hashes of what is kept, the least recently used first."""
        return tuple(self._kept)

    def __call__(self, name: str) -> Loaded:
        """Return the weights of a checkpoint, loading them if they are not kept."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        # Room is made before, not after, so that the limit holds while the new one is read.
        size = max((weights.vector.nbytes for weights in self._kept.values()), default=0)
        self._shrink(self._limit - size)
        weights = self._kept[name] = self._load(name)
        self.n_loads += 1
        self._shrink(self._limit)
        return weights

    def _shrink(self, limit: int) -> None:
        kept = sum(weights.vector.nbytes for weights in self._kept.values())
        while kept > limit and len(self._kept) > 1:
            kept -= self._kept.popitem(last=False)[1].vector.nbytes


def layout_of(point: Point, load: Callable[[str], Loaded]) -> Layout:
    """Return the layout of a point: that of the member whose head it has.

    Parameters
    ----------
    point : Point
        The point.
    load : callable
        Content hash to weights.

    Returns
    -------
    Layout
        Names and shapes.
    """
    return load(owner_of(point)).layout


def owner_of(point: Point) -> str:
    """Return the content hash of the member whose layout a point has.

    Parameters
    ----------
    point : Point
        The point.

    Returns
    -------
    str
        The head's owner if one is named, else the first member.
    """
    if point.head is None or point.head.startswith(REFIT):
        return point.members[0]
    return point.head


def materialise(
    point: Point,
    load: Callable[[str], Loaded],
    head_names: Collection[str] = (),
    out: Values | None = None,
) -> Values:
    """Return the weights of a point.

    Parameters
    ----------
    point : Point
        The point.
    load : callable
        Content hash to weights, such as a `WeightsCache`.
    head_names : collection of str
        Tensors of the head; used where the head is not mixed.
    out : ndarray or Tensor of float32, shape (n_parameters,), optional
        Where to put them: of the kind, and on the device, of the weights that are loaded.

    Returns
    -------
    ndarray or Tensor of float32, shape (n_parameters,)
        In the order of `layout_of` the point; to the bit the checkpoint's own where there is one.

    Raises
    ------
    ValueError
        If the members have other shapes outside the head, or inside it and no head was named.

    Notes
    -----
    Members of unequal label sets can be mixed if the point names whose head it has. A head that is
    fitted anew reads the layers before it: those of equal shape are mixed, and the last, which does
    not matter, is that of the first member.

    Beyond two members, one is held at a time beside a float64 sum, so that a `WeightsCache` keeps to
    its limit.

    Examples
    --------
    >>> from wsgeo.weights import Weights
    >>> layout = Layout(("body", "head"), ((1,), (1,)))
    >>> zoo = {"a": Weights(layout, np.float32([0, 0])), "b": Weights(layout, np.float32([4, 8]))}
    >>> materialise(Point.on_line("a", "b", 0.25), zoo.__getitem__)
    array([1., 2.], dtype=float32)
    >>> materialise(Point.on_line("a", "b", 0.25, head="b"), zoo.__getitem__, ["head"])
    array([1., 8.], dtype=float32)
    """
    owner = load(owner_of(point))
    layout = owner.layout
    if out is None:
        out = _empty_like(owner.vector)
    if point.head is not None:
        for name in head_names:
            _combine([owner.vector[layout.span(name)]], [1.0], out[layout.span(name)])
    del owner  # or it would be held beside the members
    put = _together if len(point.members) <= _FEW else _one_by_one
    put(point, load, layout, frozenset(head_names), out)
    return out


def _empty_like(vector: Values) -> Values:
    return (
        np.empty_like(vector) if isinstance(vector, np.ndarray) else vector.new_empty(len(vector))
    )


def _together(point: Point, load: Load, layout: Layout, heads: frozenset[str], out: Values) -> None:
    """Mix so few members that all of them are held at once."""
    members = [load(name) for name in point.members]
    unlike = frozenset[str]().union(*(_unlike(point, layout, member) for member in members))
    kept = _kept(point, heads, unlike)
    if not kept and all(member.layout == layout for member in members):
        _combine([member.vector for member in members], point.coefficients, out)
        return
    for name in layout.names:
        if name not in kept:
            parts = [member.vector[member.layout.span(name)] for member in members]
            _combine(parts, point.coefficients, out[layout.span(name)])


def _one_by_one(
    point: Point, load: Load, layout: Layout, heads: frozenset[str], out: Values
) -> None:
    """Add members up in float64 while one of them is held."""
    total, unlike = _zeros(out), frozenset[str]()
    for name, factor in zip(point.members, point.coefficients, strict=True):
        member = load(name)
        unlike |= _unlike(point, layout, member)
        if member.layout == layout:
            _add(total, member.vector, factor)
        else:
            for same in (each for each in layout.names if each not in unlike):
                _add(total[layout.span(same)], member.vector[member.layout.span(same)], factor)
        del member  # or it would live on while the next one is loaded
    kept = _kept(point, heads, unlike)
    for name in layout.names:
        if name not in kept:
            _combine([total[layout.span(name)]], [1.0], out[layout.span(name)])


def _unlike(point: Point, layout: Layout, member: Loaded) -> frozenset[str]:
    """Return the tensors that a member lacks, or has in another shape."""
    if member.layout == layout:
        return frozenset()
    if point.head is None:
        raise ValueError("Checkpoints of unequal heads are mixed only with the head of one.")
    known = dict(zip(member.layout.names, member.layout.shapes, strict=True))
    named = zip(layout.names, layout.shapes, strict=True)
    return frozenset(name for name, shape in named if known.get(name) != shape)


def _kept(point: Point, heads: frozenset[str], unlike: frozenset[str]) -> frozenset[str]:
    """Return the tensors that are not mixed but the owner's."""
    if wrong := sorted(unlike - heads):
        raise ValueError(f"Tensor {wrong[0]!r} is not in the head, and its shapes differ.")
    return unlike if point.head is None or point.head.startswith(REFIT) else heads


def _zeros(out: Values) -> Values:
    if isinstance(out, np.ndarray):
        return np.zeros(out.shape, np.float64)
    import torch

    return torch.zeros_like(out, dtype=torch.float64)


def _add(total: Any, values: Any, factor: float) -> None:
    if not isinstance(total, np.ndarray):
        total.add_(values, alpha=factor)
        return
    for start in range(0, total.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        total[block] += np.multiply(values[block], factor, dtype=np.float64)


def _combine(vectors: Sequence[Values], coefficients: Sequence[float], out: Values) -> None:
    arrays = [vector for vector in vectors if isinstance(vector, np.ndarray)]
    if not isinstance(out, np.ndarray):
        _combine_tensors(vectors, coefficients, out)
    elif len(vectors) == 1 and coefficients[0] == 1.0:
        np.copyto(out, arrays[0])
    elif len(vectors) == 2 and coefficients[0] == 1.0 - coefficients[1]:
        lerp(arrays[0], arrays[1], coefficients[1], out)
    else:
        mix(arrays, coefficients, out)


def _combine_tensors(vectors: Sequence[Any], coefficients: Sequence[float], out: Tensor) -> None:
    import torch

    if len(vectors) == 1 and coefficients[0] == 1.0:
        out.copy_(vectors[0])
    elif len(vectors) == 2 and coefficients[0] == 1.0 - coefficients[1]:
        torch.lerp(vectors[0], vectors[1], coefficients[1], out=out)
    else:
        total = torch.zeros_like(out, dtype=torch.float64)
        for vector, factor in zip(vectors, coefficients, strict=True):
            total.add_(vector, alpha=factor)
        out.copy_(total)
