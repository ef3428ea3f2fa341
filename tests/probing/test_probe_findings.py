"""Probes in words."""

import polars as pl

from wsgeo.probing.probe_findings import probe_sentences
from wsgeo.probing.tables import PROBES


def probes(rows):
    """Return rows of (id, probe, measure, value)."""
    names = ("id", "probe", "measure", "value")
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows], schema=PROBES)


def test_ranges_are_over_members():
    """Each measure has its least and greatest member, and the word-count model its accuracy."""
    found = probe_sentences(
        probes([
            ("a", "words_shuffled", "consistency", 0.91),
            ("b", "words_shuffled", "consistency", 0.97),
            ("a", "bag_of_words", "agreement", 0.7),
            ("b", "bag_of_words", "agreement", 0.7),
            ("a", "bag_of_words", "baseline_accuracy", 0.64),
        ])
    )  # fmt: skip

    (said,) = found
    assert said.startswith("On the task, 91 to 97% of the answers stay when the words")
    assert said.endswith("70% are those of a word-count model, whose own accuracy is 0.64.")


def test_what_does_not_apply_is_not_told():
    """Without a measured value there is no sentence."""
    assert probe_sentences(probes([("a", "second_only", "consistency", None)])) == ()
