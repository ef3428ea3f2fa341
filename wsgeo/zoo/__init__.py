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
    load_base,
    load_factors,
    load_weights,
)
from wsgeo.zoo.manifest import write_manifest
from wsgeo.zoo.model_classes import objective_of
from wsgeo.zoo.tokenizing import load_tokenizer, with_tokenizer

__all__ = [
    "UNKNOWN",
    "Base",
    "Checkpoint",
    "Exclusion",
    "Fact",
    "LoraPair",
    "TensorRef",
    "Zoo",
    "build_model",
    "head_names",
    "load_base",
    "load_factors",
    "load_tokenizer",
    "load_weights",
    "objective_of",
    "read_zoo",
    "with_tokenizer",
    "write_manifest",
]
