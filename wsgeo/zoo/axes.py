"""How the members of a zoo were trained: the settings in which they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from wsgeo.zoo.checkpoints import Checkpoint, Fact, Zoo
from wsgeo.zoo.manifest import NAME as MANIFEST

SETTINGS: Final = pl.Schema({
    "id": pl.String,
    "axis": pl.String,  # name of the setting
    "value": pl.String,
    "number": pl.Float64,  # the value where it is a number, else null
    "source": pl.String,  # where it was read
})  # fmt: skip

DECLARED: Final = "axes."
"""How the facts begin that ``wsgeo.json`` declares as axes of its zoo."""

KNOWN: Final = frozenset({
    "base", "task", "data", "data.train", "start", "method", "trajectory", "step",
    "seed", "order_seed", "learning_rate", "schedule", "warmup", "weight_decay", "clip", "dropout",
    "batch_size", "train_batch_size", "steps", "training_steps", "epochs", "epoch", "num_epochs",
    "n_examples", "max_length", "precision", "perturbation", "subset", "dose", "mixture",
})  # fmt: skip
"""Settings that count whether they are declared or not; any other fact may be a result."""

_METHOD_SETTINGS = "method_settings."


def settings_table(zoo: Zoo) -> pl.DataFrame:
    """Return each member's value of every setting that takes two values or more in the zoo.

    A setting is what ``wsgeo.json`` declares below ``axes``, what ``zoo.toml`` gives below
    ``facts``, or one of `KNOWN`, wherever it was read.

    Parameters
    ----------
    zoo : Zoo
        The zoo.

    Returns
    -------
    polars.DataFrame
        Schema `SETTINGS`, sorted by axis in order of first mention, then by id. A member for which
        a setting is not known has no row of it.
    """
    found: dict[str, dict[str, Fact]] = {}
    for member in zoo.members:
        for axis, fact in _settings(member):
            # `_settings` gives the most trusted source first.
            found.setdefault(axis, {}).setdefault(member.id, fact)
    rows: list[tuple[Any, ...]] = []
    for axis, facts in found.items():
        texts = {name: text_of(fact.value) for name, fact in facts.items()}
        if len(set(texts.values())) > 1:
            rows += [
                (name, axis, texts[name], _number(fact.value), fact.source)
                for name, fact in facts.items()
            ]
    return pl.DataFrame(rows, schema=SETTINGS, orient="row")


def text_of(value: str | int | float | None) -> str:
    """Return a value as text; equal numbers are the same text.

    Parameters
    ----------
    value : str, int, float or None
        Of a fact.

    Returns
    -------
    str
        Whole numbers without a point.

    Examples
    --------
    >>> text_of(3.0), text_of(3), text_of(2e-5)
    ('3', '3', '2e-05')
    """
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if whole else str(value)  # type: ignore[arg-type]


def _settings(member: Checkpoint) -> Iterator[tuple[str, Fact]]:
    """Give the settings of a member: what its owner says, what is declared, what is known."""
    facts = [(name, fact) for name, fact in member.facts.items() if fact.value is not None]
    for name, fact in facts:
        if fact.source == MANIFEST and name != "data.validation":  # it is the fact `data`
            yield name, fact
    for name, fact in facts:
        if name.startswith(DECLARED):
            yield name.removeprefix(DECLARED), fact
    for name, fact in facts:
        if name in KNOWN or name.startswith(_METHOD_SETTINGS):
            yield name.removeprefix(_METHOD_SETTINGS), fact


def _number(value: str | int | float | None) -> float | None:
    if isinstance(value, str) or value is None:
        return None
    return float(value) if abs(value) < 10**300 else None
