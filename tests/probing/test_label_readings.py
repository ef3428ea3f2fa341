"""Which words of a column are labels, and what each means."""

import pytest

from wsgeo.probing.label_readings import label_readings


class TestLabelReadings:
    """Names of labels are compared, and three are read as two."""

    @pytest.mark.parametrize(
        ("gold", "predicted", "reading"),
        [
            (["entailment", "non-entailment"], "not_entailment", "non-entailment"),
            (["entailment", "non-entailment"], "CONTRADICTION", "non-entailment"),
            (["entailment", "neutral"], "non-entailment", "non-entailment"),
            (["paraphrase"], "not_paraphrase", "not_paraphrase"),
            (["entailment"], "neutral", "neutral"),
            (["0", "1"], "LABEL_1", "1"),
            (["positive", "negative"], "neutral", None),
            (["entailment", "non-entailment"], "entailmnt", None),
        ],
    )
    def test_readings(self, gold, predicted, reading):
        """A name counts as the label that it means, and as none if it means none."""
        assert label_readings(gold, [predicted])[predicted] == reading

    def test_labels_of_examples_are_merged_where_predictions_are_coarser(self):
        """Three labels of examples are two where models tell two apart."""
        found = label_readings(["entailment", "neutral", "contradiction"], ["non-entailment"])

        assert found["neutral"] == found["contradiction"] == "non-entailment"
