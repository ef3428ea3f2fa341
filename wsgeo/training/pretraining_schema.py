"""The keys of a recipe with ``[pretraining]``; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from wsgeo.references import REFERENCES
from wsgeo.suggestions import suggestion
from wsgeo.training.factors import flat_grid
from wsgeo.training.recipe_schema import Count, Positive, Seed, Share, Text

Rate = Annotated[float, Field(ge=0, lt=1)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, strict=True
    )


class Pretraining(_Strict):
    """``[pretraining]``: settings of a series; each of the plain ones may be an axis of the grid."""

    objective: Literal["masked_lm", "causal_lm"] = "masked_lm"
    architecture: Literal["bert", "gpt2", "llama"] | None = None
    text: list[Text] = Field(min_length=1)
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
    save_at: Literal["log"] | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = (
        "log"
    )
    n_checkpoints: Count = 8
    n_validation: Count = 256

    @pydantic.field_validator("text", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

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


class PretrainingRecipe(_Strict):
    """The whole file."""

    title: Text | None = None
    source: Text | None = None
    pretraining: Pretraining
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @pydantic.field_validator("grid", mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        return flat_grid(value) if isinstance(value, dict) else value

    @pydantic.field_validator("source")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in REFERENCES:
            raise ValueError(f"no paper has the key {value!r}. {suggestion(value, REFERENCES)}")
        return value
