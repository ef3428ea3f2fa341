"""The keys that a recipe of a zoo may hold; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from wsgeo.references import REFERENCES
from wsgeo.suggestions import suggestion
from wsgeo.training.factors import flat_grid

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,59}$")]
Plain = str | int | float
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

Method = Literal["full", "lora", "ia3", "prefix", "bitfit", "adapter", "probe"]


class _Strict(pydantic.BaseModel):
    # Strict: a seed of true or "3" is a slip, not a number.
    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, strict=True
    )


class Base(_Strict):
    """One ``[[base]]``: a pre-trained model that members start from."""

    path: Text
    name: Name | None = None
    facts: dict[str, Plain] = {}


class Scratch(_Strict):
    """``[scratch]``: random weights of a given shape in place of a pre-trained base."""

    config: Text
    tokenizer: Text
    seeds: list[Seed] = Field(default=[0], min_length=1)


class Task(_Strict):
    """One ``[[task]]``: data, labels, and what is done to both."""

    name: Name
    train: list[Text] = Field(min_length=1)
    validation: list[Text] = Field(min_length=1)
    mixture: list[Text] = []
    labels: list[Text] | None = Field(default=None, min_length=2)
    merge: dict[str, Text] = {}
    columns: dict[str, Text] = {}
    max_length: Count | None = None
    n_examples: Count | None = None
    n_validation: Count | None = None
    draw_seed: Seed = 0
    remove_characters: str = ""
    facts: dict[str, Plain] = {}

    @pydantic.field_validator("train", "validation", "mixture", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Lora(_Strict):
    """``[training.lora]``."""

    rank: Count = 8
    alpha: Positive = 16.0
    dropout: Share = 0.0


class Prefix(_Strict):
    """``[training.prefix]``."""

    tokens: Count = 8


class Adapter(_Strict):
    """``[training.adapter]``."""

    width: Count = 16


class Training(_Strict):
    """``[training]``: settings of a member; each of the plain ones may be an axis of the grid."""

    method: Method = "full"
    seed: Seed = 0
    order_seed: Seed = 0
    learning_rate: Positive | None = None
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: Share = 0.1
    steps: Count | None = None
    epochs: Positive | None = None
    batch_size: Count = 32
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    clip: Positive = 1.0
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    perturbation: Annotated[float, Field(ge=0)] = 0.0
    perturbation_seed: Seed = 0
    subset: str | float = "all"
    dose: Share = 0.0
    save_at: list[Count] = []
    lora: Lora = Lora()
    prefix: Prefix = Prefix()
    adapter: Adapter = Adapter()

    @pydantic.field_validator("subset", mode="plain")
    @classmethod
    def _part(cls, value: Any) -> Any:
        if (isinstance(value, str) and value) or (type(value) in (int, float) and 0 < value <= 1):
            return value
        raise ValueError("it is neither a word, a file, nor a fraction above 0 and up to 1")

    @pydantic.model_validator(mode="after")
    def _one_length(self) -> Training:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self


METHOD_TABLES: dict[str, type[_Strict]] = {"lora": Lora, "prefix": Prefix, "adapter": Adapter}
AXES = (
    "task",
    "base",
    *(name for name in Training.model_fields if name not in (*METHOD_TABLES, "save_at")),
    *(f"{name}.{key}" for name, table in METHOD_TABLES.items() for key in table.model_fields),
)
"""What a grid may vary; a setting of an inner table has a point in its name."""


class Recipe(_Strict):
    """The whole file."""

    title: Text | None = None
    source: Text | None = None
    base: list[Base] = []
    scratch: Scratch | None = None
    task: list[Task] = Field(min_length=1)
    training: Training = Training()
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @pydantic.field_validator("grid", mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        return flat_grid(value) if isinstance(value, dict) else value

    @pydantic.field_validator("base", mode="before")
    @classmethod
    def _one_base(cls, value: Any) -> Any:
        return [{"path": value}] if isinstance(value, str) else value

    @pydantic.field_validator("task", mode="before")
    @classmethod
    def _one_task(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @pydantic.field_validator("source")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in REFERENCES:
            raise ValueError(f"no paper has the key {value!r}. {suggestion(value, REFERENCES)}")
        return value

    @pydantic.model_validator(mode="after")
    def _one_origin(self) -> Recipe:
        if bool(self.base) == (self.scratch is not None):
            raise ValueError("give either base or [scratch]")
        return self
