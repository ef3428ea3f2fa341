"""The keys of a recipe with ``[pretraining]``; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from wsgeo.training.strict import (
    Count,
    Distinct,
    Document,
    Positive,
    Rate,
    Seed,
    Share,
    Strict,
    Text,
    several,
)


def _kind(value: object) -> str:
    return "steps" if isinstance(value, list) else "word"


Step = Annotated[int, Field(ge=0)]
# By kind, or a list with a slip would be told to be a word.
SaveAt = Annotated[
    Annotated[Literal["log"], pydantic.Tag("word")]
    | Annotated[Distinct[Step], Field(min_length=1), pydantic.Tag("steps")],
    pydantic.Discriminator(_kind),
]


class Pretraining(Strict):
    """``[pretraining]``: settings of a series; each of the plain ones may be an axis of the grid."""

    objective: Literal["masked_lm", "causal_lm"] = "masked_lm"
    architecture: Literal["bert", "gpt2", "llama"] | None = None
    text: Annotated[list[Text], pydantic.BeforeValidator(several)] = Field(min_length=1)
    validation: Text
    tokenizer: Text = "wordpiece"
    n_tokens: Count = 8192
    lower_case: bool = True
    layers: Count = 4
    width: Count = 192
    heads: Count = 6
    max_length: Annotated[int, Field(ge=8)] = 128
    seed: Seed = 0
    steps: Count
    batch_size: Count = 24
    learning_rate: Positive = 1e-3
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: Share = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.98
    clip: Positive = 1.0
    dropout: Rate = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    causal_share: Share | None = None
    masked_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    embeddings: Literal["cooccurrence", "random"] = "cooccurrence"
    initializer_range: Positive | None = None
    save_at: SaveAt = "log"
    n_checkpoints: Count = 8
    n_validation: Count = 256

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Pretraining:
        decoder = self.objective == "causal_lm"
        if self.architecture is not None and decoder == (self.architecture == "bert"):
            raise ValueError(f"{self.architecture} does not learn {self.objective}")
        if decoder and self.causal_share is not None:
            raise ValueError("causal_share is for masked_lm; a causal model has one objective")
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} is no multiple of {self.heads} heads")
        if self.save_at != "log" and max(self.save_at) > self.steps:
            raise ValueError(f"save_at goes beyond the {self.steps} steps")
        return self


NOT_AXES = ("text", "validation", "save_at")


class PretrainingRecipe(Document):
    """The whole file."""

    pretraining: Pretraining
