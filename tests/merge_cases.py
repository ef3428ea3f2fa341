"""Members of a few dozen values, made by hand, and what to merge them with.

base = tensors(0)
members = write_members(tmp_path, base, moved(base, n=3))
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wsgeo.weights.headers import read_header
from wsgeo.weights.layout import Layout
from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo import Base, Checkpoint, TensorRef
from wsgeo.zoo.hashing import scan_file

HEAD = "classifier.weight"
SHAPES = {
    "bert.embeddings.word_embeddings.weight": (19, 4),
    "bert.encoder.layer.0.output.dense.bias": (8,),
    "bert.encoder.layer.0.output.dense.weight": (8, 4),
    "bert.encoder.layer.1.output.dense.bias": (8,),
    "bert.encoder.layer.1.output.dense.weight": (8, 4),
    HEAD: (3, 4),
}

Tensors = dict[str, np.ndarray]


def tensors(seed: int, scale: float = 0.3) -> Tensors:
    """Return random values of all shapes."""
    rng = np.random.default_rng(seed)
    return {n: (scale * rng.standard_normal(s)).astype(np.float32) for n, s in SHAPES.items()}


def moved(base: Tensors, n: int, seed: int = 0, step: float = 0.05) -> list[Tensors]:
    """Return members that left the base half in one direction, half each in its own."""
    common = tensors(1000 + seed, step)
    own = [tensors(2000 + 100 * seed + k, step) for k in range(n)]
    return [{m: base[m] + common[m] + each[m] for m in base} for each in own]


def write_base(folder: Path, base: Tensors, *, id_: str = "base") -> Base:
    """Write a base, without the head."""
    file = folder / f"{id_}.safetensors"
    write_safetensors(file, {name: base[name] for name in base if name != HEAD})
    return Base(id_, folder, id_, refs_of(file), {file: digest_of(file)})


def write_members(
    folder: Path, base: Base | None, models: list[Tensors], *, dtype: str = "F32", **changes
) -> list[Checkpoint]:
    """Write members, and return them as reading a zoo would describe them."""
    members = []
    for k, model in enumerate(models):
        file = folder / f"run-{k}.safetensors"
        write_safetensors(file, model, dtype=dtype)
        refs = refs_of(file)
        layout = Layout(tuple(refs), tuple(ref.shape for ref in refs.values()))
        fields = {
            "id": file.stem, "folder": folder, "content_hash": file.stem, "config": {},
            "model_class": "BertModel", "tensors": refs, "layout": layout, "labels": (),
            "labels_named": False, "tokenizer_folder": folder, "tokenizer_hash": "", "base": base,
            "head": frozenset({HEAD}), "label_rows": frozenset({HEAD}),
            "file_hashes": {file: digest_of(file)},
        }  # fmt: skip
        members.append(Checkpoint(**fields | changes))
    return members


def refs_of(file: Path) -> dict[str, TensorRef]:
    """Return where the tensors of a file lie, by name."""
    entries = sorted(read_header(file).tensors.items())
    return {name: TensorRef(file, name, entry.dtype, entry.shape) for name, entry in entries}


def digest_of(file: Path) -> str:
    """Return the hash of a file as reading a zoo takes it."""
    return scan_file(read_header(file), ()).digest
