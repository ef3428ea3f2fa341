"""What the ``set.toml`` of a data set may say, checked strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
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


class Kind(StrEnum):
    """What of a set is judged."""

    LABELLED = "labelled"  # each example, against its label
    MINIMAL_PAIRS = "minimal_pairs"  # which of two texts that hardly differ is taken for the better
    COUNTERFACTUAL = "counterfactual"  # each example, and whether all of a pair are right
    INVARIANCE = "invariance"  # whether all texts of a pair are answered alike

    @property
    def needs_pairs(self) -> bool:
        """Whether examples of this kind belong together."""
        return self is not Kind.LABELLED


class CounterpartDeclaration(_Strict):
    """The other example of a pair: texts that the same words fill, and their label."""

    premise: Text
    hypothesis: Text | None = None
    label: Text


class TemplateDeclaration(CounterpartDeclaration):
    """One ``[[template]]``: a pattern of one or two texts and the label that it deserves."""

    slice: Text
    subcase: str | None = None
    counterpart: CounterpartDeclaration | None = None

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
    kind : Kind
        What is judged; of a file the default is what its columns tell.
    labels : tuple of str
        Label names; none are needed for invariance in a file. Of minimal pairs the better text has
        the label that the other one negates (``unacceptable``), else the first.
    words : mapping of str to str, list of str, or list of tables
        Words of each class: the list itself, or the name of a word list file beside the set.
    template : tuple of TemplateDeclaration
        Templates; a set has either templates or ``data``.
    data : str or None
        File with the examples, relative to the set's folder.
    columns : mapping of str to str or list of str
        Column names of ``data`` by field; ``slice`` may list columns of 0 and 1, one per slice.
    n_examples : int
        Examples that are used, those of a pair counted one by one.
    seed : int
        Seed of the words or of the subset.
    """

    title: Text
    source: Text
    licence: Text
    task: Text
    kind: Kind = Kind.LABELLED
    labels: tuple[Text, ...] = ()
    words: dict[ClassName, str | list[str] | list[dict[str, str]]] = {}
    template: tuple[TemplateDeclaration, ...] = ()
    data: Text | None = None
    columns: dict[str, str | list[str]] = {}
    n_examples: int = Field(default=500, ge=1, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)

    @model_validator(mode="after")
    def _templates_or_data(self) -> SetDeclaration:
        """Refuse a set with both kinds of content, or with none."""
        if bool(self.template) == (self.data is not None):
            raise ValueError("a set has either [[template]] entries or a 'data' file")
        return self

    @model_validator(mode="after")
    def _enough_labels(self) -> SetDeclaration:
        """Refuse fewer than two labels, and other than two of minimal pairs."""
        if len(self.labels) < 2 and (self.labels or self.template or self.kind != Kind.INVARIANCE):
            raise ValueError("labels: a set has at least two")
        if self.kind is Kind.MINIMAL_PAIRS and len(self.labels) != 2:
            raise ValueError(f"labels: minimal pairs have two, not {len(self.labels)}")
        return self

    @model_validator(mode="after")
    def _pairs_of_the_kind(self) -> SetDeclaration:
        """Refuse templates without the counterpart that the kind needs, or with the wrong label."""
        for i, template in enumerate(self.template, start=1):
            if what := _fault_of_pair(self.kind, template):
                raise ValueError(f"template[{i}]{what}")
        paired = any(template.counterpart for template in self.template)
        if self.kind is Kind.COUNTERFACTUAL and self.template and not paired:
            raise ValueError("no template has a counterpart, but the kind is counterfactual")
        return self

    @model_validator(mode="after")
    def _one_column_per_field(self) -> SetDeclaration:
        """Refuse a list of columns for anything but slices."""
        for field, names in self.columns.items():
            if isinstance(names, list) and (field != "slice" or not names):
                raise ValueError(f"columns.{field} names one column; only slice may list several")
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


def _fault_of_pair(kind: Kind, template: TemplateDeclaration) -> str | None:
    """Say what keeps a template and its counterpart from being a pair of this kind."""
    if kind not in (Kind.MINIMAL_PAIRS, Kind.INVARIANCE):
        return None
    if (other := template.counterpart) is None:
        return f" has no counterpart, but the kind is {kind}"
    same = other.label == template.label
    if kind is Kind.MINIMAL_PAIRS and same:
        return f".counterpart.label is {other.label!r} too, but one of a minimal pair is worse"
    if kind is Kind.INVARIANCE and not same:
        return f".counterpart.label is {other.label!r}, but both of an invariant pair deserve one"
    return None


def _first_finding(error: ValidationError) -> tuple[str, str | None]:
    """Return what the first finding of pydantic says, and a remedy."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = _place(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}", suggestion(str(first["loc"][-1]), _keys(first["loc"]))
    what = first["msg"].removeprefix("Value error, ")
    return (f"{place}: {what}" if place else what), None


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand where an unknown one was found."""
    if "counterpart" in location[:-1]:
        return list(CounterpartDeclaration.model_fields)
    if location[0] == "template":
        return [*TemplateDeclaration.model_fields, "heuristic"]
    return list(SetDeclaration.model_fields)


def _place(location: tuple[int | str, ...]) -> str:
    """Write a place in the file as ``template[2].label``, counting from 1 as people do."""
    parts = [f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in location]
    return "".join(parts).lstrip(".")
