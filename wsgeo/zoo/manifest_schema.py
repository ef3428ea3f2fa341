"""The keys that ``zoo.toml`` may hold; imported only when there is one to read."""

from __future__ import annotations

from typing import Annotated

import pydantic

Text = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=2000)]
Plain = str | bool | int | float


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Member(_Strict):
    """One ``[[member]]``: what is said of one entry."""

    path: Text
    id: Text | None = None
    base: Text | None = None
    task: Text | None = None
    data: Text | dict[str, Text] | None = None
    method: Text | None = None
    seed: int | None = None
    step: int | None = None
    learning_rate: float | None = None
    labels: tuple[Text, ...] | None = None
    facts: dict[str, Plain] = {}


class Manifest(_Strict):
    """The whole file.

    ``path`` of a member is its folder below the zoo, or a cached hub id ``org/name@revision``, or
    ``base+adapter``. Folders that are not listed are entries too, unless ``only_listed`` is true.
    """

    base: Text | None = None
    task: Text | None = None
    data: Text | dict[str, Text] | None = None
    only_listed: bool = False
    exclude: tuple[Text, ...] = ()
    members: tuple[Member, ...] = pydantic.Field(default=(), alias="member")

    def member_named(self, entry_id: str) -> Member | None:
        """Return the lines of an entry, by its path or id."""
        for member in self.members:
            if entry_id in (member.path, member.id):
                return member
        return None
