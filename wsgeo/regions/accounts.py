"""The files in which a centroid gives account of itself: card, provenance and recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

from wsgeo.files import write_text
from wsgeo.regions.cards import Origin, model_card
from wsgeo.regions.mergekit_recipes import mergekit_recipe, recipe_gap, recipe_note
from wsgeo.regions.provenances import provenance
from wsgeo.regions.staging import MARKER, write_json
from wsgeo.regions.tables import Evidence
from wsgeo.weights.precision import StoredType

Measure: TypeAlias = Callable[[Path], Evidence]
"""Measures the model in a folder."""


@final
@dataclass(frozen=True)
class Account:
    """What the card and the provenance say beside the origin.

    Parameters
    ----------
    model_class : str
        The class in transformers.
    dtype : {"F32", "F16", "BF16"}
        The type of the weights in the file.
    labels : tuple of str
        Label names in the order of the head's rows.
    library : {"transformers", "peft"}, default "transformers"
        What loads the folder.
    """

    model_class: str
    dtype: StoredType
    labels: tuple[str, ...] = ()
    library: str = "transformers"

    def write(self, folder: Path, origin: Origin, measure: Measure | None = None) -> Evidence:
        """Write the files of an account, measuring the model that stands in the folder.

        Parameters
        ----------
        folder : Path
            Holds weights, config and tokenizer.
        origin : Origin
            Where the centroid comes from.
        measure : callable, optional
            Replaces the evidence of ``origin``.

        Returns
        -------
        Evidence
            What was written down.
        """
        if measure is not None:
            # An adapter is read with the label names that stand here.
            write_json(folder / MARKER, provenance(origin, self.labels, self.dtype))
            origin = dataclasses.replace(origin, evidence=measure(folder))
        note = recipe_note(origin)
        card = model_card(origin, self.model_class, self.dtype, self.library, note)
        write_text(folder / "README.md", card)
        if not recipe_gap(origin):
            write_text(folder / "mergekit.yml", mergekit_recipe(origin, self.dtype))
        write_json(folder / MARKER, provenance(origin, self.labels, self.dtype))
        return origin.evidence
