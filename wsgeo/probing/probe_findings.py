"""Probes in words: how members answer their own task, over all of them."""

from __future__ import annotations

from typing import Final

import polars as pl

_TOLD: Final = {
    (
        "words_shuffled",
        "consistency",
    ): "{} of the answers stay when the words of a text are shuffled",
    ("second_only", "consistency"): "{} stay without the first text",
    ("bag_of_words", "agreement"): "{} are those of a word-count model",
}
"""What is told of a measure, in this order."""


def probe_sentences(probes: pl.DataFrame) -> tuple[str, ...]:
    """Say what members' answers to their own task depend on.

    Parameters
    ----------
    probes : DataFrame
        Schema `wsgeo.probing.tables.PROBES`, of one loss group.

    Returns
    -------
    tuple of str
        A sentence with the range over members of each measure; empty where none was measured.

    Examples
    --------
    >>> rows = {"id": ["a", "b"], "probe": ["words_shuffled"] * 2, "measure": ["consistency"] * 2}
    >>> probe_sentences(pl.DataFrame({**rows, "value": [0.9, 0.95]}))
    ('On the task, 90 to 95% of the answers stay when the words of a text are shuffled.',)
    """
    said = []
    for (probe, measure), words in _TOLD.items():
        values = probes.filter(probe=probe, measure=measure)["value"].drop_nulls().to_numpy()
        if len(values):
            low, high = f"{values.min():.0%}", f"{values.max():.0%}"
            said.append(words.format(high if low == high else f"{low[:-1]} to {high}"))
    if not said:
        return ()
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])}, and {said[-1]}"
    return (f"On the task, {listed}{_accuracy(probes)}.",)


def _accuracy(probes: pl.DataFrame) -> str:
    """Say how good the word-count model itself is."""
    values = probes.filter(probe="bag_of_words", measure="baseline_accuracy")["value"].drop_nulls()
    return f", whose own accuracy is {values[0]:.2f}" if len(values) else ""
