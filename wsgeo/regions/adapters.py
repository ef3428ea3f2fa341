"""Means of low-rank adapters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.regions.tables import Variant
from wsgeo.weights.arithmetic import mean
from wsgeo.weights.lowrank import LowRankUpdate, mean_of_factors, product_mean
from wsgeo.weights.precision import Tensor
from wsgeo.zoo import Base, Checkpoint, load_adapter_parts

PREFIX = "base_model.model."
"""What PEFT puts before the names of an adapter's tensors."""


@final
@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: what it adds to matrices of the base, and what it replaces.

    Parameters
    ----------
    updates : mapping of str to LowRankUpdate
        By module, such as ``bert.encoder.layer.0.attention.self.query``.
    whole : mapping of str to ndarray of float32
        Tensors that the adapter holds whole, such as ``classifier.weight``, with label rows in the
        order of the loss group.
    embeddings : frozenset of str
        Those modules of ``updates`` that are embeddings.
    transposed : bool, default False
        Whether the base stores the adapted matrices input first (PEFT's ``fan_in_fan_out``).
    """

    updates: Mapping[str, LowRankUpdate]
    whole: Mapping[str, Tensor] = field(default_factory=dict)
    embeddings: frozenset[str] = frozenset()
    transposed: bool = False


def load_adapter(member: Checkpoint) -> Adapter:
    """Read the adapter of a member: its factors, and the tensors that it holds whole.

    Parameters
    ----------
    member : Checkpoint
        A member of a zoo that is an adapter.

    Returns
    -------
    Adapter
        Label rows in the order of the loss group.

    Raises
    ------
    EntryError
        As `wsgeo.zoo.load_weights`.
    """
    updates, whole = load_adapter_parts(member)
    factors = {name: member.lora[name].a for name in updates}
    modules = {
        name: ref.stored_name.removeprefix(PREFIX).rpartition(".lora_")[0]
        for name, ref in factors.items()
    }
    embeddings = {name for name, ref in factors.items() if ".lora_embedding_" in ref.stored_name}
    return Adapter(
        {modules[name]: update for name, update in updates.items()},
        whole,
        frozenset(modules[name] for name in embeddings),
        any(pair.transposed for name, pair in member.lora.items() if name not in embeddings),
    )


def mean_adapter(
    members: Mapping[str, Adapter],
    variant: Variant = Variant.PRODUCTS,
    *,
    rank: int | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Adapter, float]:
    """Return the centroid of adapters of one base.

    Parameters
    ----------
    members : mapping of str to Adapter
        The adapters, by the ids of the members.
    variant : Variant, default ``Variant.PRODUCTS``
        Whether the changes of the weights are averaged, and factored anew, or the factors
        themselves: the second is what averaging files does, and not what the adapters do.
    rank : int, optional
        Largest rank of the result, for the mean of products; by default the largest sum of ranks
        that a module needs, which loses nothing.
    weights : sequence of float, optional
        One weight per member; equal by default.

    Returns
    -------
    adapter : Adapter
        The centroid, of one rank throughout and scaling 1.
    error : float
        Norm of what the rank leaves out of the products, relative to the whole, in [0, 1]; 0 for
        the mean of factors, which leaves out nothing but is another point.

    Raises
    ------
    ValueError
        If there are no members, or the weights do not match.
    WsgeoError
        If the members do not change the same matrices, or a rank stands against the variant.
    """
    _check_same_parts(members)
    adapters = list(members.values())
    share, first = weights or [1.0] * len(adapters), adapters[0]
    whole = {
        name: _mean_tensor([member.whole[name] for member in adapters], share)
        for name in first.whole
    }
    grouped = {module: [m.updates[module] for m in adapters] for module in first.updates}
    if variant is Variant.FACTORS:
        updates, error = _factor_means(grouped, rank, share), 0.0
    else:
        updates, error = _product_means(grouped, rank, share)
    return Adapter(updates, whole, first.embeddings, first.transposed), error


def scaled_adapter(adapter: Adapter, factor: float, base: Base | None = None) -> Adapter:
    """Return an adapter that changes its base by a multiple.

    Parameters
    ----------
    adapter : Adapter
        The adapter.
    factor : float
        The multiple.
    base : Base, optional
        What it changes.

    Returns
    -------
    Adapter
        The same tensors that the base lacks, such as those of the head.

    Raises
    ------
    WsgeoError
        If the adapter holds tensors of the base whole: a multiple of their change needs the base.
    """
    if factor == 1:
        return adapter
    own = sorted(adapter.whole.keys() & (base.tensors if base is not None else {}))
    if own:
        raise WsgeoError(
            f"the adapters hold {counted(len(own), 'tensor')} of the base whole, such as "
            f"{shown(own[0])}",
            remedy="Merge the adapters into the base with --variant mean.",
        )
    updates = {n: replace(u, scaling=u.scaling * factor) for n, u in adapter.updates.items()}
    return replace(adapter, updates=updates)


def _check_same_parts(members: Mapping[str, Adapter]) -> None:
    if not members:
        raise ValueError("There are no adapters.")
    first_id, first = next(iter(members.items()))
    for id_, member in members.items():
        parts = [(_shapes(m), m.embeddings, m.transposed) for m in (member, first)]
        if parts[0] != parts[1]:
            odd = sorted(set(_shapes(member).items()) ^ set(_shapes(first).items()))
            example = f", such as {shown(odd[0][0])}" if odd else ""
            raise WsgeoError(
                f"adapter {shown(id_)} changes other matrices than {shown(first_id)}{example}",
                remedy="Leave out one of them, or merge them first with --variant mean.",
            )


def _shapes(adapter: Adapter) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {name: t.shape for name, t in adapter.whole.items()}
    shapes.update((f"{name} (update)", u.shape) for name, u in adapter.updates.items())
    return shapes


def _mean_tensor(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    return mean([tensor.reshape(-1) for tensor in tensors], weights).reshape(tensors[0].shape)


def _factor_means(
    grouped: Mapping[str, Sequence[LowRankUpdate]], rank: int | None, weights: Sequence[float]
) -> dict[str, LowRankUpdate]:
    ranks = {update.rank for updates in grouped.values() for update in updates}
    if len(ranks) > 1:
        raise WsgeoError(
            f"factors of the ranks {', '.join(map(str, sorted(ranks)))} have no mean",
            remedy="Pass --variant products.",
        )
    if rank is not None and ranks != {rank}:
        raise WsgeoError(
            f"factors of rank {ranks.pop()} have no mean of rank {rank}",
            remedy="Pass --variant products, or leave out --rank.",
        )
    return {module: mean_of_factors(updates, weights) for module, updates in grouped.items()}


def _product_means(
    grouped: Mapping[str, Sequence[LowRankUpdate]], rank: int | None, weights: Sequence[float]
) -> tuple[dict[str, LowRankUpdate], float]:
    needed = [min(sum(u.rank for u in us), *us[0].shape) for us in grouped.values()]
    exact = max(needed, default=1)
    rank = exact if rank is None else min(rank, exact)
    updates: dict[str, LowRankUpdate] = {}
    lost = kept = 0.0
    for module, members in grouped.items():
        updates[module], error = product_mean(members, rank, weights)
        # The kept part is orthogonal to the lost one: |lost| = error |mean|, |kept|^2 = the rest.
        square = float(np.square(_core_norm(updates[module])))
        kept += square
        lost += square * error**2 / (1 - error**2) if error < 1 else 0.0
    return updates, math.sqrt(lost / (lost + kept)) if lost else 0.0


def _core_norm(update: LowRankUpdate) -> float:
    """Return the Frobenius norm of the product without making it."""
    a, b = update.a.astype(np.float64), update.b.astype(np.float64)
    return math.sqrt(max(0.0, float(((b.T @ b) * (a @ a.T)).sum())))
