"""The keys that a recipe of a zoo may hold; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from wsgeo.tasks.labels import is_unnamed
from wsgeo.training.fact_names import refused
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

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,59}$")]
Plain = str | int | float
Files = Annotated[Distinct[Text], pydantic.BeforeValidator(several)]


def _named(label: str) -> str:
    if is_unnamed([label]):
        raise ValueError(
            f"{label!r} is a number; give a name with a letter, such as 'class {label}'"
        )
    return label


def _free(name: str) -> str:
    # Also a setting that is no axis of this recipe: its value would be another one.
    if refused(name) or name.partition(".")[0] in Training.model_fields:
        raise ValueError(f"{name!r} is a name of a setting or a result; give the fact another one")
    return name


Facts = dict[Annotated[str, pydantic.AfterValidator(_free)], Plain]
Label = Annotated[Text, pydantic.AfterValidator(_named)]
Method = Literal["full", "lora", "ia3", "prefix", "bitfit", "adapter", "probe"]


class Base(Strict):
    """One ``[[base]]``: a pre-trained model that members start from."""

    path: Text
    name: Name | None = None
    facts: Facts = Field(default={})


class Scratch(Strict):
    """``[scratch]``: random weights of a given shape in place of a pre-trained base."""

    config: Text
    tokenizer: Text
    seeds: Distinct[Seed] = Field(default=[0], min_length=1)


class Task(Strict):
    """One ``[[task]]``: data, labels, and what is done to both."""

    name: Name
    train: Files = Field(min_length=1)
    validation: Files = Field(min_length=1)
    mixture: Files = Field(default=[])
    labels: list[Label] | None = Field(default=None, min_length=2)
    merge: dict[str, Label] = Field(default={})
    columns: dict[str, Text] = Field(default={})
    max_length: Count | None = None
    n_examples: Count | None = None
    n_validation: Count | None = None
    draw_seed: Seed = 0
    remove_characters: str = ""
    facts: Facts = Field(default={})


class Lora(Strict):
    """``[training.lora]``."""

    rank: Count = 8
    alpha: Positive = 16.0
    dropout: Share = 0.0


class Prefix(Strict):
    """``[training.prefix]``."""

    tokens: Count = 8


class Adapter(Strict):
    """``[training.adapter]``."""

    width: Count = 16


class Training(Strict):
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
    dropout: Rate | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    perturbation: Annotated[float, Field(ge=0)] = 0.0
    perturbation_seed: Seed = 0
    subset: str | float = "all"
    dose: Share = 0.0
    save_at: Distinct[Count] = Field(default=[])
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


METHOD_TABLES: dict[str, type[Strict]] = {"lora": Lora, "prefix": Prefix, "adapter": Adapter}
AXES = (
    "task",
    "base",
    *(name for name in Training.model_fields if name not in (*METHOD_TABLES, "save_at")),
    *(f"{name}.{key}" for name, table in METHOD_TABLES.items() for key in table.model_fields),
)
"""What a grid may vary; a setting of an inner table has a point in its name."""


class Recipe(Document):
    """The whole file."""

    base: list[Base] = Field(default=[])
    scratch: Scratch | None = None
    task: Annotated[list[Task], pydantic.BeforeValidator(several)] = Field(min_length=1)
    training: Training = Training()

    @pydantic.field_validator("base", mode="before")
    @classmethod
    def _one_base(cls, value: Any) -> Any:
        return [{"path": value}] if isinstance(value, str) else value

    @pydantic.model_validator(mode="after")
    def _one_origin(self) -> Recipe:
        if bool(self.base) == (self.scratch is not None):
            raise ValueError("give either base or [scratch]")
        return self
