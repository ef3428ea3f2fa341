"""Sets are scored from end to end: encoded, answered, and told apart by what they ask."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from score_cases import member, toy

from wsgeo.evaluation.losses import AbstractEngine, Losses
from wsgeo.probing.scores import encode_sets, score_members
from wsgeo.probing.sets import load_set
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.task import Objective


class OverlapEngine(AbstractEngine):
    """An engine whose one model follows a rule: entailed if every word was there before."""

    def __init__(self, sets):
        self.sets = {one.name: one for one in sets}

    def evaluate(self, items):
        """Yield what the rule answers to each pair of texts."""
        for i, item in enumerate(items):
            examples = self.sets[item.examples].examples
            says = [set(words(b)) <= set(words(a)) for a, b in examples["text_a", "text_b"].rows()]
            right = np.array(says) == (examples["label"] == "entailment").to_numpy()
            yield (
                i,
                (Losses(np.where(right, 0.1, 2.4).astype(np.float32), right.astype(np.float32)),),
            )


def words(text):
    """Return the words of a text, without case and full stops."""
    return text.lower().replace(".", "").split()


OVERLAP = """
title = "Overlap"
source = "mccoy2019"
licence = "CC0"
task = "nli"
labels = ["entailment", "non-entailment"]
n_examples = 60

[words]
n = ["doctor", "lawyer", "poet", "judge", "baker"]
vt = ["saw", "helped", "thanked"]

[[template]]
slice = "lexical_overlap"
subcase = "swap"
label = "non-entailment"
premise = "The {n1} {vt} the {n2}."
hypothesis = "The {n2} {vt} the {n1}."

[[template]]
slice = "lexical_overlap"
subcase = "of_two"
label = "non-entailment"
premise = "The {n1} near the {n2} {vt} the {n3}."
hypothesis = "The {n2} {vt} the {n1}."

[[template]]
slice = "lexical_overlap"
label = "entailment"
premise = "The {n1} near the {n2} {vt} the {n3}."
hypothesis = "The {n1} {vt} the {n3}."

[[template]]
slice = "foreign_word"
label = "non-entailment"
premise = "The {n1} {vt} the {n2}."
hypothesis = "The {n1} {vt} the {n3}."
"""


def test_a_model_that_follows_lexical_overlap_is_found_out(tmp_path):
    """A rule that reads overlap as entailment is always right where it holds, else always wrong."""
    (tmp_path / "set.toml").write_text(OVERLAP)
    one = load_set(tmp_path)
    table = score_members(OverlapEngine([one]), [member("rule")], [one])
    metric = dict(table.select("slice", "metric").iter_rows())

    assert metric["lexical_overlap/entailment"] == 1.0
    assert metric["lexical_overlap/non-entailment"] == 0.0
    assert metric["lexical_overlap/non-entailment/swap"] == 0.0
    assert metric["lexical_overlap/non-entailment/of_two"] == 0.0
    assert metric["foreign_word"] == 1.0


class TestEncodeSets:
    """Which sets fit what a model does."""

    @pytest.mark.parametrize("objective", [Objective.CAUSAL_LM, Objective.SEQ2SEQ])
    def test_a_model_without_labels_refuses_labelled_sets_with_a_reason(self, objective):
        """Sets that a language model cannot answer are not applicable, and say why."""
        examples, reasons = encode_sets([toy()], None, objective=objective)

        assert examples == {}
        assert "toy" in reasons

    def test_pairs_of_two_texts_are_nothing_for_a_language_model(self):
        """Sentences are scored alone, so a set with premises and hypotheses does not apply."""
        frame = toy().examples.with_columns(
            pair=pl.Series(["1", "1", "2", "2"]), slice=pl.lit("x"),
            label=pl.Series(["entailment", "non-entailment"] * 2),
        )  # fmt: skip
        one = replace(toy(), examples=frame, kind=Kind.MINIMAL_PAIRS)
        _, reasons = encode_sets([one], None, objective=Objective.CAUSAL_LM)

        assert "two texts" in reasons["toy"]
