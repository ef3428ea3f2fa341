"""Centroids as configurations of mergekit, for those merges that mergekit makes too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from wsgeo.escapes import yaml_text
from wsgeo.regions.cards import BASED, TORCH_NAMES, Origin
from wsgeo.regions.tables import Variant
from wsgeo.weights.precision import StoredType

_METHODS: Final[Mapping[str, str]] = {
    "mean": "linear",
    "weighted": "linear",
    "greedy": "linear",
    "median": "linear",
    "arithmetic": "task_arithmetic",
    "ties": "ties",
    "dare": "dare_linear",
    "stock": "model_stock",
}
_LEAST_STOCK: Final = 2  # members, beside the base


def recipe_gap(origin: Origin) -> str:
    """Return why mergekit cannot make a centroid.

    Parameters
    ----------
    origin : Origin
        Plan and base.

    Returns
    -------
    str
        A sentence; empty where it can.

    Examples
    --------
    >>> from wsgeo.regions.tables import CentroidPlan
    >>> recipe_gap(Origin(CentroidPlan("basin-0", "basin", "0", "mean", ("a", "b"))))
    ''
    >>> recipe_gap(Origin(CentroidPlan("m", "basin", "0", "mean", ("a", "b"), method="fisher")))
    'There is no mergekit recipe: mergekit has no Fisher-weighted mean.'
    """
    why = _why_none(origin)
    return f"There is no mergekit recipe: {why}." if why else ""


def _why_none(origin: Origin) -> str:
    plan = origin.plan
    if plan.variant is Variant.ENCODERS:
        return "mergekit merges whole models, and this is what models of several tasks share"
    if plan.variant is not Variant.MEAN:
        return "mergekit merges adapters into their base first, and this is an adapter"
    if plan.method == "medoid":
        return "it is one of its members"
    if plan.method == "fisher":
        return "mergekit has no Fisher-weighted mean"
    if plan.method == "stock" and plan.parameters.get("per") != "tensor":
        return "mergekit chooses the share of Model Stock for each tensor, not for each layer"
    if plan.method == "stock" and len(plan.members) < _LEAST_STOCK:
        return "Model Stock takes two members"
    if plan.method in BASED and origin.whole_base is None:
        return "mergekit wants a base with every tensor of the members, and this one lacks some"
    return ""


def recipe_note(origin: Origin) -> str:
    """Return what a reader must know of the recipe beside a centroid, or why there is none.

    Parameters
    ----------
    origin : Origin
        Plan and base.

    Returns
    -------
    str
        A sentence or two.
    """
    gap = recipe_gap(origin)
    if gap:
        return gap
    if origin.plan.method == "dare" and _number(origin, "density") < 1:
        return (
            "The recipe for mergekit in `mergekit.yml` is of the same kind, not equal: mergekit draws "
            "other values, and scales each tensor to its old sum of magnitudes."
        )
    return "The equal recipe for mergekit is in `mergekit.yml`."


def mergekit_recipe(origin: Origin, dtype: StoredType) -> str:
    """Return a mergekit configuration that merges the same members in the same way.

    mergekit merges rows as they stand: where members order their labels differently, the card's
    notes say so.

    Parameters
    ----------
    origin : Origin
        Members, shares, method and sources.
    dtype : {"F32", "F16", "BF16"}
        The type of the result; what is computed is computed in float32.

    Returns
    -------
    str
        YAML.

    Raises
    ------
    ValueError
        If mergekit cannot make it.
    """
    if gap := recipe_gap(origin):
        raise ValueError(gap)
    return "\n".join([*_lines(origin), "dtype: float32", f"out_dtype: {TORCH_NAMES[dtype]}", ""])


def _lines(origin: Origin) -> Iterator[str]:
    plan = origin.plan
    yield f"merge_method: {_method(origin)}"
    if plan.method in BASED:
        assert origin.whole_base is not None
        yield f"base_model: {yaml_text(origin.whole_base)}"
    yield "models:"
    for member, share in zip(plan.members, plan.weights, strict=True):
        if share:
            yield f"  - model: {yaml_text(origin.source(member))}"
            yield from _own_parameters(origin, share)
    yield from _shared_parameters(origin)


def _method(origin: Origin) -> str:
    if origin.plan.method == "dare" and origin.plan.parameters.get("elect"):
        return "dare_ties"
    return _METHODS[origin.plan.method]


def _own_parameters(origin: Origin, share: float) -> Iterator[str]:
    method = origin.plan.method
    if method == "stock":
        return
    yield "    parameters:"
    yield f"      weight: {share!r}"
    if method in {"ties", "dare"}:
        yield f"      density: {_number(origin, 'density')!r}"


def _shared_parameters(origin: Origin) -> Iterator[str]:
    if origin.plan.method in {"arithmetic", "ties", "dare"}:
        yield "parameters:"
        # Where signs are elected, the mean is over the members that agree.
        elects = _method(origin) in {"ties", "dare_ties"}
        yield f"  normalize: {'true' if elects else 'false'}"
        yield f"  lambda: {_number(origin, 'scale')!r}"


def _number(origin: Origin, name: str) -> float:
    value = origin.plan.parameters.get(name, 1.0)
    assert isinstance(value, (int, float))
    return float(value)
