"""The kinds of mean that a centroid may be, and how each is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.regions.accounts import Measure
from wsgeo.regions.adapter_folders import write_adapter_folder
from wsgeo.regions.adapters import Adapter, load_adapter, mean_adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.centroids import mean_weights
from wsgeo.regions.encoders import encoder_mean, in_frame
from wsgeo.regions.folders import ModelTemplate, write_model_folder
from wsgeo.regions.tables import Variant
from wsgeo.weights.precision import StoredType
from wsgeo.workflows.selections import Selection
from wsgeo.zoo import Base, Checkpoint, WholeBase, load_weights, load_whole_base
from wsgeo.zoo.hub import parse_hub_id

WORDS: Final = tuple(v.word for v in Variant if v is not Variant.ENCODERS)
"""What the command line calls the variants that may be asked for."""


def variant_of(selection: Selection, asked: str | None, rank: int | None) -> Variant:
    """Return which mean is made of some members.

    Parameters
    ----------
    selection : Selection
        The members.
    asked : str or None
        One of `WORDS`; None for what suits the members.
    rank : int or None
        Bound of the rank.

    Returns
    -------
    Variant
        What is averaged.

    Raises
    ------
    WsgeoError
        If what is asked for does not apply to the members.
    """
    if asked is not None and asked not in WORDS:
        raise WsgeoError(
            f"no variant is called {asked}", remedy=f"Choose among {', '.join(WORDS)}."
        )
    wanted = next((variant for variant in Variant if variant.word == asked), None)
    variant = _fitting(selection, wanted)
    if rank is not None and variant is not Variant.PRODUCTS:
        raise WsgeoError(
            f"a rank bounds the mean of products, not the {variant}", remedy="Leave out --rank."
        )
    return variant


def _fitting(selection: Selection, wanted: Variant | None) -> Variant:
    """Return what is wanted, or what suits the members; refuse what does not apply to them."""
    n_full = sum(not member.lora for member in selection.members)
    of_adapters = wanted in {Variant.PRODUCTS, Variant.FACTORS}
    if selection.spans_tasks:
        if wanted is not None and of_adapters:
            raise WsgeoError(
                f"the members are of several tasks, which share an encoder but no {wanted.word}",
                remedy="Leave out --variant, or choose the members of one task with --group.",
            )
        return Variant.ENCODERS
    if wanted is not None and of_adapters and n_full:
        raise WsgeoError(
            f"{wanted.word} are those of LoRA adapters, and {n_full} of "
            f"{len(selection.members)} members are full models or IA3",
            remedy="Leave out --variant, or pass --variant mean.",
        )
    return wanted or (Variant.MEAN if n_full else Variant.PRODUCTS)


@final
@dataclass(frozen=True)
class Writer:
    """Writes a centroid of any variant.

    Parameters
    ----------
    folder : Path
        Where to.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in the file.
    measure : callable (Path) -> Evidence
        Measures what was written.
    rank : int or None
        Largest rank of a mean of products.
    allow_pickle : bool
        Whether a pickled base is converted.
    """

    folder: Path
    dtype: StoredType
    measure: Measure
    rank: int | None = None
    allow_pickle: bool = False

    def write(self, members: Sequence[Checkpoint], origin: Origin) -> Origin:
        """Average members as the plan of the origin says, and write the folder.

        Parameters
        ----------
        members : sequence of Checkpoint
            In the order of the plan.
        origin : Origin
            For the card; its evidence is replaced.

        Returns
        -------
        Origin
            With what was measured, and what else a reader must know.

        Raises
        ------
        WsgeoError
            If the members cannot be averaged, or the folder cannot be written.
        """
        if origin.plan.variant is Variant.ENCODERS:
            return self._encoder(members, origin)
        if origin.plan.variant is Variant.MEAN:
            return self._model(members, origin)
        return self._adapter(members, origin)

    def _model(self, members: Sequence[Checkpoint], origin: Origin) -> Origin:
        weights = mean_weights(lambda i: load_weights(members[i]), len(members))
        template = ModelTemplate.of(members[0])
        origin = _noted(origin, *_label_notes(members, template.labels))
        evidence = write_model_folder(
            self.folder, weights, template, origin, dtype=self.dtype, measure=self.measure
        )
        return replace(origin, evidence=evidence)

    def _adapter(self, members: Sequence[Checkpoint], origin: Origin) -> Origin:
        first, variant = members[0], origin.plan.variant
        adapters = {member.id: load_adapter(member) for member in members}
        adapter, error = mean_adapter(adapters, variant, rank=self.rank)
        notes = _label_notes(members, first.labels)
        origin = _noted(origin, _adapter_note(adapter, error, variant), *notes)
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
        return replace(origin, evidence=evidence)

    def _encoder(self, members: Sequence[Checkpoint], origin: Origin) -> Origin:
        base = next((member.base for member in members if member.base is not None), None)
        if base is None:
            raise WsgeoError(
                "the members' base was not found, so there is no frame for their encoder",
                remedy="Scan with --base PATH.",
            )
        frame = load_whole_base(base, allow_pickle=self.allow_pickle)
        tokenizer = members[0].tokenizer_folder
        origin = _noted(origin, _encoder_note(members, frame))
        evidence = write_model_folder(
            self.folder,
            in_frame(encoder_mean(members, base), frame),
            ModelTemplate(frame.config, frame.model_class, frame.labels, tokenizer),
            origin,
            dtype=self.dtype,
            measure=self.measure,
        )
        return replace(origin, evidence=evidence)


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


def _adapter_note(adapter: Adapter, error: float, variant: Variant) -> str:
    rank = max(update.rank for update in adapter.updates.values())
    if variant is Variant.FACTORS:
        return (
            f"The factors of the adapters are averaged, at rank {rank}, not what the adapters do: "
            "the mean of their products is another model."
        )
    if error < 1e-6:
        return f"At rank {rank} it changes the base by the mean of what its members change."
    return (
        f"At rank {rank} it misses {error:.2g} of the mean change of its members, by the Frobenius "
        "norm relative to the whole."
    )


def _encoder_note(members: Sequence[Checkpoint], frame: WholeBase) -> str:
    n_tasks = len({member.loss_group for member in members})
    kept = set(frame.weights.layout.names) - set(frame.own_names.values())
    own = "; its other tensors are those of the base" if kept else ""
    return (
        f"It has no task head: its members are of {n_tasks} tasks or label sets, and what is "
        f"averaged is the encoder that they share with their base{own}."
    )
