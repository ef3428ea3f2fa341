"""Start models as folders from which training starts, and which people load."""

from __future__ import annotations

from pathlib import Path

from wsgeo.regions.cards import Origin
from wsgeo.regions.folders import ModelTemplate, copy_tokenizer, model_config, write_model_folder
from wsgeo.regions.staging import KIND, MARKER, staged_folder, write_json
from wsgeo.weights.layout import Weights
from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo import WholeBase

HEAD_NOTE = (
    "It has no task head: what its base lacks, such as a head and a pooler, is drawn anew from the "
    "seed of each fine-tuning, as it is for the base itself."
)
"""What becomes of heads, in words."""


def template_of(frame: WholeBase, tokenizer: Path) -> ModelTemplate:
    """Return what a start's folder needs beside its weights: config and class are the base's.

    Parameters
    ----------
    frame : WholeBase
        The base.
    tokenizer : Path
        Folder of the members' tokenizer.

    Returns
    -------
    ModelTemplate
        The same for every start.
    """
    return ModelTemplate(frame.config, frame.model_class, frame.labels, tokenizer)


def write_plain(folder: Path, weights: Weights, frame: WholeBase, tokenizer: Path) -> Path:
    """Write a start without a card, for training: float32, in the frame of the base.

    Parameters
    ----------
    folder : Path
        Where; one that is there is left as it is, for its name tells its content.
    weights : Weights
        By the names of the base's own class.
    frame : WholeBase
        The base.
    tokenizer : Path
        Folder of the members' tokenizer.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WsgeoError
        If it cannot be written, or there is no tokenizer.
    """
    if folder.exists():
        return folder
    layout, template = weights.layout, template_of(frame, tokenizer)
    with staged_folder(folder) as staging:
        write_safetensors(
            staging / "model.safetensors",
            ((name, weights.tensor(name)) for name in layout.names),
            shapes=dict(zip(layout.names, layout.shapes, strict=True)),
            dtype="F32",
            metadata={"format": "pt"},
        )
        write_json(staging / "config.json", model_config(template))
        copy_tokenizer(tokenizer, staging)
        write_json(staging / MARKER, {"kind": KIND, "method": "start", "notes": [HEAD_NOTE]})
    return folder


def write_carded(
    folder: Path, weights: Weights, frame: WholeBase, tokenizer: Path, origin: Origin
) -> Path:
    """Write a start that people load, with a card that says what it is and what it gains.

    Parameters
    ----------
    folder : Path
        Where; an older one in its place is replaced.
    weights : Weights
        By the names of the base's own class.
    frame : WholeBase
        The base.
    tokenizer : Path
        Folder of the members' tokenizer.
    origin : Origin
        For the card.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WsgeoError
        If it cannot be written.
    """
    write_model_folder(folder, weights, template_of(frame, tokenizer), origin)
    return folder
