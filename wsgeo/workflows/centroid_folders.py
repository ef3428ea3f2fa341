"""Writes centroids of any variant and method as folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np
import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.progress import Progress
from wsgeo.regions.accounts import Measure
from wsgeo.regions.adapter_folders import write_adapter_folder
from wsgeo.regions.adapters import Adapter, load_adapter, mean_adapter, scaled_adapter
from wsgeo.regions.affine_merges import Mean, TaskArithmetic
from wsgeo.regions.cards import Origin
from wsgeo.regions.encoders import in_frame
from wsgeo.regions.folders import ModelTemplate, write_model_folder
from wsgeo.regions.layer_angles import layer_table
from wsgeo.regions.merge_streams import open_stream
from wsgeo.regions.merging import AbstractMerge, Merged, merge
from wsgeo.regions.tables import TITLES, CentroidPlan, Variant
from wsgeo.weights.precision import StoredType
from wsgeo.weights.slices import TensorSlices
from wsgeo.zoo import Base, Checkpoint, WholeBase, load_whole_base
from wsgeo.zoo.hub import parse_hub_id


@final
@dataclass(frozen=True, eq=False)
class Written:
    """A centroid that was written.

    Parameters
    ----------
    origin : Origin
        With what was measured, and what else a reader must know.
    layers : polars.DataFrame or None
        How its members lie around their base, as `CENTROID_LAYERS`; None without a base.
    """

    origin: Origin
    layers: pl.DataFrame | None


@final
@dataclass(frozen=True)
class Writer:
    """Writes a centroid of any variant and method.

    Parameters
    ----------
    folder : Path
        Where to.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in the file.
    measure : callable (Path) -> Evidence
        Measures what was written.
    method : AbstractMerge, optional
        How members are merged; the mean by default.
    rank : int or None
        Largest rank of a mean of products.
    allow_pickle : bool
        Whether a pickled base is converted.
    progress : Progress or None
        Told how many tensors are done.
    """

    folder: Path
    dtype: StoredType
    measure: Measure
    method: AbstractMerge = field(default_factory=Mean)
    rank: int | None = None
    allow_pickle: bool = False
    progress: Progress | None = None

    def write(self, members: Sequence[Checkpoint], origin: Origin) -> Written:
        """Merge members as the plan of the origin says, and write the folder.

        Parameters
        ----------
        members : sequence of Checkpoint
            In the order of the plan.
        origin : Origin
            For the card; its evidence is replaced.

        Returns
        -------
        Written
            What was measured and found.

        Raises
        ------
        WsgeoError
            If the members cannot be merged, or the folder cannot be written.
        """
        if origin.plan.variant is Variant.ENCODERS:
            return self._encoder(members, origin)
        if origin.plan.variant is Variant.MEAN:
            return self._model(members, origin)
        return self._adapter(members, origin)

    def _model(self, members: Sequence[Checkpoint], origin: Origin) -> Written:
        merged = merge(self.method, members, base_of(members), progress=self.progress)
        template = ModelTemplate.of(members[0])
        origin = _noted(_shared(origin, merged.coefficients), *merged.notes)
        origin = _noted(origin, *_label_notes(members, template.labels))
        return self._folder(merged, origin, template)

    def _encoder(self, members: Sequence[Checkpoint], origin: Origin) -> Written:
        base = base_of(members)
        if base is None:
            raise WsgeoError(
                "the members' base was not found, so there is no frame for their encoder",
                remedy="Scan with --base PATH.",
            )
        frame = load_whole_base(base, allow_pickle=self.allow_pickle)
        names = sorted(base.tensors)
        merged = merge(self.method, members, base, names, progress=self.progress)
        origin = _noted(_shared(origin, merged.coefficients), *merged.notes)
        origin = _noted(origin, _encoder_note(members, frame))
        tokenizer = members[0].tokenizer_folder
        template = ModelTemplate(frame.config, frame.model_class, frame.labels, tokenizer)
        whole = replace(merged, weights=in_frame(merged.weights, frame))
        return self._folder(whole, origin, template)

    def _folder(self, merged: Merged, origin: Origin, template: ModelTemplate) -> Written:
        evidence = write_model_folder(
            self.folder, merged.weights, template, origin, dtype=self.dtype, measure=self.measure
        )
        return Written(replace(origin, evidence=evidence), merged.layers)

    def _adapter(self, members: Sequence[Checkpoint], origin: Origin) -> Written:
        first, variant = members[0], origin.plan.variant
        shares, layers = _coefficients(self.method, members)
        kept = [(m, share) for m, share in zip(members, shares, strict=True) if share]
        adapters = {member.id: load_adapter(member) for member, _ in kept}
        weights = [share for _, share in kept]
        adapter, error = mean_adapter(adapters, variant, rank=self.rank, weights=weights)
        scale = self.method.scale if isinstance(self.method, TaskArithmetic) else 1.0
        adapter = scaled_adapter(adapter, scale, first.base)
        note = _adapter_note(adapter, error, variant, self.method.name, scale)
        origin = _noted(_shared(origin, shares), note, *_label_notes(members, first.labels))
        evidence = write_adapter_folder(
            self.folder,
            in_own_order(adapter, first),
            origin,
            model_class=first.model_class,
            labels=first.labels,
            tokenizer_folder=first.tokenizer_folder,
            base=_loadable(first.base),
            dtype=self.dtype,
            measure=self.measure,
        )
        return Written(replace(origin, evidence=evidence), layers)


def base_of(members: Sequence[Checkpoint]) -> Base | None:
    """Return the base of members of one geometry group.

    Parameters
    ----------
    members : sequence of Checkpoint
        The members.

    Returns
    -------
    Base or None
        None where it was not found.
    """
    return next((member.base for member in members if member.base is not None), None)


def _coefficients(
    method: AbstractMerge, members: Sequence[Checkpoint]
) -> tuple[tuple[float, ...], pl.DataFrame | None]:
    """Return the shares that a linear method gives to members, and how these lie around their base."""
    base = base_of(members)
    with TensorSlices() as slices:
        stream = open_stream(members, base, None, slices)
        blend = method.blend(stream)
        layers = None if base is None else layer_table(stream.layer_grams)
        stream.verify()
    assert blend.coefficients is not None
    return blend.coefficients, layers


def _shared(origin: Origin, shares: tuple[float, ...] | None) -> Origin:
    """Put the shares of the members, where the method has chosen them, into the plan."""
    if shares is None:
        return origin
    origin = replace(origin, plan=replace(origin.plan, weights=shares))
    return _noted(origin, *_medoid_note(origin.plan))


def _medoid_note(plan: CentroidPlan) -> list[str]:
    if plan.method != "medoid":
        return []
    chosen = plan.members[plan.weights.index(max(plan.weights))]
    told = f"It is {chosen}, from whose weights those of the others are least far in sum"
    return [f"{told}; by convexity gaps the medoid may be another."]


def _noted(origin: Origin, *notes: str) -> Origin:
    return replace(origin, notes=(*origin.notes, *notes))


def in_own_order(adapter: Adapter, member: Checkpoint) -> Adapter:
    """Return an adapter with its label rows in the order that a member has them in its file.

    PEFT takes the names of the labels from the base, so their order must stay.

    Parameters
    ----------
    adapter : Adapter
        With label rows in the order of the loss group.
    member : Checkpoint
        A member of the group.

    Returns
    -------
    Adapter
        With rows as in the member's file.
    """
    if not member.label_order:
        return adapter
    own = np.argsort(member.label_order)
    rows = {n: t[own] for n, t in adapter.whole.items() if n in member.label_rows}
    return replace(adapter, whole={**adapter.whole, **rows})


def _loadable(base: Base | None) -> str | None:
    """Return what PEFT finds the base by: its repository on the hub, else its folder."""
    if base is None:
        return None
    hub_id = parse_hub_id(base.id) if "@" in base.id else None
    return hub_id.repo if hub_id and hub_id.revision == "main" else str(base.folder)


def _label_notes(members: Sequence[Checkpoint], order: tuple[str, ...]) -> list[str]:
    """Say whose labels stand in another order in their own files than in the centroid's."""
    others = [member.id for member in members if member.labels != order]
    if not others:
        return []
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    told = f"The labels of {', '.join(others[:3])}{more} stand in another order in their own files"
    return [f"{told}; rows of the head were matched by label before they were averaged."]


def _adapter_note(
    adapter: Adapter, error: float, variant: Variant, method: str, scale: float
) -> str:
    rank = max(update.rank for update in adapter.updates.values())
    if variant is Variant.FACTORS:
        return (
            f"The factors of the adapters are averaged, at rank {rank}, not what the adapters do: "
            "the mean of their products is another model."
        )
    what = f"{scale:g} times the mean" if method == "arithmetic" else f"the {TITLES[method]}"
    if error < 1e-6:
        return f"At rank {rank} it changes the base by {what} of what its members change."
    return (
        f"At rank {rank} it misses {error:.2g} of {what} change of its members, by the Frobenius "
        "norm relative to the whole."
    )


def _encoder_note(members: Sequence[Checkpoint], frame: WholeBase) -> str:
    n_tasks = len({member.loss_group for member in members})
    kept = set(frame.weights.layout.names) - set(frame.own_names.values())
    own = "; its other tensors are those of the base" if kept else ""
    return (
        f"It has no task head: its members are of {n_tasks} tasks or label sets, and what is "
        f"merged is the encoder that they share with their base{own}."
    )
