"""What all recipes have in common; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pydantic
from pydantic import Field

from wsgeo.references import REFERENCES
from wsgeo.suggestions import suggestion
from wsgeo.training.factors import flat_grid

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Value = TypeVar("Value")


def _distinct(values: list[Value]) -> list[Value]:
    repeated = [value for n, value in enumerate(values) if value in values[:n]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands twice")
    return values


Distinct = Annotated[list[Value], pydantic.AfterValidator(_distinct)]


class Strict(pydantic.BaseModel):
    """A table whose keys are all known and whose values are of their kind."""

    # Strict: a seed of true or "3" is a slip, not a number.
    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, strict=True
    )


class Document(Strict):
    """A whole file: what it is, where it comes from, and what varies."""

    title: Text | None = None
    source: Text | None = None
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


def several(value: Any) -> Any:
    """Return a text or table alone as a list of one; anything else as it is.

    Parameters
    ----------
    value : object
        What a file says, not checked.

    Returns
    -------
    object
        For pydantic to check.
    """
    return [value] if isinstance(value, str | dict) else value
