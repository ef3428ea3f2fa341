"""Which checkpoints are there, what each is, which may be compared, and why not."""

from wsgeo.zoo.checkpoints import (
    UNKNOWN,
    Base,
    Checkpoint,
    Exclusion,
    Fact,
    LoraPair,
    TensorRef,
    Zoo,
)
from wsgeo.zoo.inventory import read_zoo
from wsgeo.zoo.loading import (
    build_model,
    head_names,
    load_adapter_parts,
    load_base,
    load_weights,
)
from wsgeo.zoo.manifest import write_manifest
from wsgeo.zoo.model_classes import objective_of
from wsgeo.zoo.tokenizing import load_tokenizer, with_tokenizer
from wsgeo.zoo.whole_bases import WholeBase, load_whole_base

__all__ = [
    "UNKNOWN",
    "Base",
    "Checkpoint",
    "Exclusion",
    "Fact",
    "LoraPair",
    "TensorRef",
    "WholeBase",
    "Zoo",
    "build_model",
    "head_names",
    "load_adapter_parts",
    "load_base",
    "load_tokenizer",
    "load_weights",
    "load_whole_base",
    "objective_of",
    "read_zoo",
    "with_tokenizer",
    "write_manifest",
]
