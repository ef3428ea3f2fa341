"""What the ``set.toml`` of a data set may say, checked strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion

Text = Annotated[str, Field(min_length=1)]
# No digits: {n2} is the second word of the class n, never a word of a class n2.
ClassName = Annotated[str, Field(pattern="^[a-z_]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TemplateDeclaration(_Strict):
    """One ``[[template]]``: a pattern of one or two texts and the label that it deserves."""

    premise: Text
    hypothesis: Text | None = None
    label: Text
    slice: Text
    subcase: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _heuristic_is_a_slice(cls, value: Any) -> Any:
        """Read ``heuristic`` as another word for ``slice``."""
        if not isinstance(value, Mapping) or "heuristic" not in value:
            return value
        if "slice" in value:
            raise ValueError("'heuristic' and 'slice' mean the same; give one of them")
        return {("slice" if key == "heuristic" else key): item for key, item in value.items()}


class SetDeclaration(_Strict):
    """All of a ``set.toml``: where the set comes from, and its templates or its file.

    Parameters
    ----------
    title : str
        Name of the set in words.
    source : str
        Citation key of `wsgeo.references`, or the publication or address in words.
    licence : str
        Licence of the texts.
    task : str
        Task that the set asks about, such as ``nli``.
    labels : tuple of str
        Label names.
    words : mapping of str to str, list of str, or list of tables
        Words of each class: the list itself, or the name of a word list file beside the set.
    template : tuple of TemplateDeclaration
        Templates; a set has either templates or ``data``.
    data : str or None
        File with the examples, relative to the set's folder.
    columns : mapping of str to str
        Column names of ``data``: ``text_a``, ``text_b``, ``label``, ``slice``, ``subcase``.
    n_examples : int
        Examples that are used.
    seed : int
        Seed of the words or of the subset.
    """

    title: Text
    source: Text
    licence: Text
    task: Text
    labels: tuple[Text, ...] = Field(min_length=2)
    words: dict[ClassName, str | list[str] | list[dict[str, str]]] = {}
    template: tuple[TemplateDeclaration, ...] = ()
    data: Text | None = None
    columns: dict[str, str] = {}
    n_examples: int = Field(default=500, ge=1, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)

    @model_validator(mode="after")
    def _templates_or_data(self) -> SetDeclaration:
        """Refuse a set with both kinds of content, or with none."""
        if bool(self.template) == (self.data is not None):
            raise ValueError("a set has either [[template]] entries or a 'data' file")
        return self


def read_declaration(path: str | Path) -> SetDeclaration:
    """Read and check a ``set.toml``.

    Parameters
    ----------
    path : str or Path
        The file, or the folder that holds ``set.toml``.

    Returns
    -------
    SetDeclaration
        What the file says.

    Raises
    ------
    DataError
        If the file is missing, is no TOML, has an unknown or missing key, or a wrong value.
    """
    file = declaration_file(path)
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the set cannot be read: {error}", where=str(file)) from error
    try:
        return SetDeclaration.model_validate(raw)
    except ValidationError as error:
        what, remedy = _first_finding(error)
        raise DataError(what, where=str(file), remedy=remedy) from error


def declaration_file(path: str | Path) -> Path:
    """Return the ``set.toml`` that ``path`` names or holds."""
    path = Path(path)
    return path / "set.toml" if path.is_dir() else path


def _first_finding(error: ValidationError) -> tuple[str, str | None]:
    """Return what the first finding of pydantic says, and a remedy."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = _place(first["loc"])
    if first["type"] == "extra_forbidden":
        template = first["loc"][0] == "template"
        known = list((TemplateDeclaration if template else SetDeclaration).model_fields)
        remedy = suggestion(str(first["loc"][-1]), known + ["heuristic"] * template)
        return f"unknown key {place!r}", remedy
    what = first["msg"].removeprefix("Value error, ")
    return (f"{place}: {what}" if place else what), None


def _place(location: tuple[int | str, ...]) -> str:
    """Write a place in the file as ``template[2].label``, counting from 1 as people do."""
    parts = [f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in location]
    return "".join(parts).lstrip(".")
