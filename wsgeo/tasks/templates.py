"""Templates with slots, and the grammar that they form with the words.

A template is a sentence with slots: ``The {n1} {vt} the {n2} .``. A slot is the name of a word
class and, where a class is used more than once, a number. The rules:

- one slot holds one word throughout a template, in premise and hypothesis alike;
- slots of one class hold different words;
- ``{n1.pl}`` is the form ``pl`` of the word (for classes whose words have forms), ``{n1}`` the first;
- ``{N1}`` is the word of ``{n1}`` with a capital letter;
- a template and its counterpart are filled by the same words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks.declarations import (
    SetDeclaration,
    TemplateDeclaration,
    declaration_file,
    read_declaration,
)
from wsgeo.tasks.words import Word, check_words, read_words

Texts = tuple[str, str | None]
"""The first and the second text of an example."""

_SLOT = re.compile(r"\{([A-Za-z_]+)(\d*)(?:\.([A-Za-z_]+))?\}")


@final
@dataclass(frozen=True)
class Template:
    """One or two texts with slots.

    Parameters
    ----------
    premise : str
        First (or only) text.
    hypothesis : str or None
        Second text.
    label : str
        Label that every filling deserves.
    slice : str
        Slice of the set, such as ``lexical_overlap``.
    subcase : str or None
        Finer name within the slice.
    counterpart : Template or None
        The other example of a pair, of the same slice and subcase.
    """

    premise: str
    hypothesis: str | None
    label: str
    slice: str
    subcase: str | None = None
    counterpart: Template | None = None

    @property
    def parts(self) -> tuple[Template, ...]:
        """The template itself, and its counterpart if it has one."""
        return (self,) if self.counterpart is None else (self, self.counterpart)

    @cached_property
    def slots(self) -> tuple[tuple[str, str], ...]:
        """Distinct slots as (class, number), in order of appearance."""
        texts = " ".join(f"{part.premise} {part.hypothesis or ''}" for part in self.parts)
        found = _SLOT.findall(texts)
        return tuple(dict.fromkeys((name.lower(), number) for name, number, _ in found))

    def fill(self, words: Mapping[tuple[str, str], Word]) -> tuple[Texts, ...]:
        """Return the texts of each part with the word of each slot put in."""
        return tuple(part._filled(words) for part in self.parts)

    def _filled(self, words: Mapping[tuple[str, str], Word]) -> Texts:
        second = None if self.hypothesis is None else _fill(self.hypothesis, words)
        return _fill(self.premise, words), second


@final
@dataclass(frozen=True)
class Grammar:
    """Templates and the words that fill them.

    Parameters
    ----------
    templates : tuple of Template
        The templates.
    words : mapping of str to tuple of Word
        Words of each class.
    where : str
        File they were read from, for messages.
    """

    templates: tuple[Template, ...]
    words: Mapping[str, tuple[Word, ...]]
    where: str = ""

    def __post_init__(self) -> None:
        """Refuse slots without words, unknown forms, and repeated words."""
        for name, words in self.words.items():
            check_words(name, words, self.where)
        for i, template in enumerate(self.templates, start=1):
            _check_template(template, self.words, f"{self.where}: template[{i}]".lstrip(": "))

    def capacity(self, template: Template) -> int:
        """Return how many ways there are to fill ``template``."""
        return math.prod(radices(template, self.words))


def read_grammar(path: str | Path) -> Grammar:
    """Read the templates and words of a ``set.toml``.

    Parameters
    ----------
    path : str or Path
        The file, or the folder that holds it and its word lists.

    Returns
    -------
    Grammar
        Templates and words, checked against each other.

    Raises
    ------
    DataError
        If the file, a word list or a template is faulty; the message names the place.
    """
    return grammar_of(read_declaration(path), declaration_file(path))


def grammar_of(declaration: SetDeclaration, file: Path) -> Grammar:
    """Return the grammar of a declaration that was read from ``file``."""
    words = {name: read_words(name, given, file) for name, given in declaration.words.items()}
    templates = tuple(_template(declared) for declared in declaration.template)
    for i, template in enumerate(templates, start=1):
        for part, place in zip(template.parts, ("label", "counterpart.label"), strict=False):
            if part.label not in declaration.labels:
                raise DataError(
                    f"template[{i}].{place} is {part.label!r}, which is none of the set's labels",
                    where=str(file),
                    remedy=suggestion(part.label, declaration.labels),
                )
    if len({part.hypothesis is None for template in templates for part in template.parts}) > 1:
        raise DataError(
            "some templates have a hypothesis and some have none",
            where=str(file),
            remedy="Make two sets of them.",
        )
    return Grammar(templates, words, str(file))


def radices(template: Template, words: Mapping[str, Sequence[Word]]) -> tuple[int, ...]:
    """Return the number of words left for each slot when the slots before it are filled."""
    names = [name for name, _ in template.slots]
    return tuple(len(words[name]) - names[:i].count(name) for i, name in enumerate(names))


def _template(declared: TemplateDeclaration) -> Template:
    """Return a declared template with its counterpart."""
    place = (declared.slice, declared.subcase)
    if (other := declared.counterpart) is None:
        return Template(declared.premise, declared.hypothesis, declared.label, *place)
    counterpart = Template(other.premise, other.hypothesis, other.label, *place)
    return Template(declared.premise, declared.hypothesis, declared.label, *place, counterpart)


def _fill(pattern: str, words: Mapping[tuple[str, str], Word]) -> str:
    """Replace each slot of ``pattern`` by its word."""

    def word(match: re.Match[str]) -> str:
        name, number, form = match.groups()
        forms = words[name.lower(), number]
        text = forms[form] if form else next(iter(forms.values()))
        return text[0].upper() + text[1:] if name[0].isupper() else text

    return _SLOT.sub(word, pattern)


def _check_template(template: Template, words: Mapping[str, Sequence[Word]], where: str) -> None:
    """Refuse unknown classes and forms, stray braces, and too few words."""
    patterns = (text for part in template.parts for text in (part.premise, part.hypothesis or ""))
    for pattern in patterns:
        for name, _, form in _SLOT.findall(pattern):
            if name.lower() not in words:
                raise DataError(
                    f"no words are given for {{{name}}}",
                    where=where,
                    remedy=suggestion(name.lower(), words),
                )
            if form and form not in words[name.lower()][0]:
                raise DataError(f"words.{name.lower()} has no form {form!r}", where=where)
        if set("{}") & set(_SLOT.sub("", pattern)):
            raise DataError(f"a brace of {pattern!r} opens or closes no slot", where=where)
    if min(radices(template, words), default=1) < 1:
        raise DataError("a class has fewer words than the template has slots for it", where=where)
