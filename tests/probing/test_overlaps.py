import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.overlaps import (
    N_BINS,
    overlap_shares,
    overlap_slope,
    positive_in_bin,
    positive_label,
)


def drawn(rng, n=400):
    """Return overlaps, labels that follow them, and lengths that follow both."""
    targets = rng.integers(2, size=n)
    overlap = np.clip(0.3 + 0.4 * targets + 0.2 * rng.normal(size=n), 0, 1)
    lengths = np.round(10 + 4 * targets + 8 * overlap + rng.normal(size=n)).astype(int)
    return overlap, targets, lengths


class TestOverlapShares:
    """Shared words."""

    def test_it_is_of_the_second_text(self):
        """The share is of the second text's words, repeated ones counted each time."""
        shares = overlap_shares(["a b c d", "a"], ["A, a! e e", "a b c d"])

        assert shares.tolist() == [0.5, 0.25]

    def test_a_text_without_words_has_none(self):
        """Where there is nothing to share there is no share."""
        assert np.isnan(overlap_shares(["a"], ["?"])).all()


class TestPositiveLabel:
    """The label that says that texts agree."""

    @pytest.mark.parametrize(
        ("labels", "place"),
        [
            (["entailment", "neutral", "contradiction"], 0),
            (["non-entailment", "Entailment"], 1),
            (["not_equivalent", "equivalent"], 1),
            (["paraphrase", "not paraphrase"], 0),
        ],
    )
    def test_it_is_found_by_name(self, labels, place):
        """However it is spelt, and never its negation."""
        assert positive_label(labels) == place

    def test_other_labels_have_none(self):
        """Labels without names, or of other tasks, say so."""
        with pytest.raises(DataError, match="0, 1"):
            positive_label(["0", "1"])


class TestPositiveInBin:
    """The curve over the overlap."""

    def test_bins_partition_the_examples(self, rng):
        """Every example with a share lies in one bin, ends of bins included."""
        overlap = np.array([*np.arange(11) / 10, 1 / 3, 2 / 3, 3 / 5, np.nan])
        counts = [positive_in_bin(np.zeros((15, 2)), overlap, 1, bin_).n for bin_ in range(N_BINS)]

        assert counts == [2, 3, 2, 4, 3]

    def test_it_is_the_mean_probability(self):
        """Within a bin it is the mean probability of the positive label."""
        logits, overlap = np.log([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]), np.array([0, 0.1, 0.9])

        assert positive_in_bin(logits, overlap, 1, 0).value == pytest.approx(0.3)
        assert positive_in_bin(logits, overlap, 1, 4).value == pytest.approx(0.8)

    def test_an_empty_bin_says_so(self):
        """A bin without examples is told, with its ends."""
        with pytest.raises(DataError, match="20 to 40 %"):
            positive_in_bin(np.zeros((1, 2)), np.array([0.9]), 1, 1)


class TestOverlapSlope:
    """What shared words are worth."""

    def test_it_agrees_with_the_reference(self, rng):
        """It is the coefficient, and nearly the interval, of the plain normal equations."""
        overlap, targets, lengths = drawn(rng)
        y = rng.normal(size=400) + 2 * overlap - targets + 0.1 * lengths
        columns = np.column_stack([overlap, targets == 0, targets == 1, lengths])
        inverse = np.linalg.inv(columns.T @ columns)
        beta = inverse @ columns.T @ y
        variance = np.sum((y - columns @ beta) ** 2) / (400 - 4) * inverse[0, 0]

        found = overlap_slope(np.column_stack([0 * y, y]), overlap, 1, targets, lengths)
        assert found.value == pytest.approx(beta[0])
        assert (found.hi - found.lo) / 2 == pytest.approx(1.96 * np.sqrt(variance), rel=1e-4)

    def test_a_model_that_counts_shared_words_has_its_slope(self, rng):
        """Log-odds of six times the overlap have a slope of six."""
        overlap, targets, lengths = drawn(rng)
        logits = np.column_stack([np.zeros(400), 6 * overlap - 3])

        found = overlap_slope(logits, overlap, 1, targets, lengths)
        assert found.value == pytest.approx(6)
        assert found.hi - found.lo == pytest.approx(0, abs=1e-9)

    def test_a_model_that_knows_the_label_or_the_length_has_none(self, rng):
        """Answers that follow label and length alone have a slope of 0 although they correlate."""
        overlap, targets, lengths = drawn(rng)
        logits = np.column_stack([np.zeros(400), 5 * targets + lengths])

        assert overlap_slope(logits, overlap, 1, targets, lengths).value == pytest.approx(
            0, abs=1e-9
        )

    def test_an_overlap_that_follows_the_label_cannot_be_told_apart(self):
        """Where label and length fix the overlap there is no slope."""
        targets = np.arange(20) % 2
        with pytest.raises(DataError, match="does not vary apart"):
            overlap_slope(np.zeros((20, 2)), targets / 2, 1, targets, np.arange(20) // 2)

    def test_examples_without_a_share_are_left_out(self, rng):
        """An example whose overlap is unknown does not count."""
        overlap, targets, lengths = drawn(rng)
        logits = rng.normal(size=(400, 2))
        gone = overlap.copy()
        gone[:100] = np.nan

        some = overlap_slope(logits[100:], overlap[100:], 1, targets[100:], lengths[100:])
        assert overlap_slope(logits, gone, 1, targets, lengths).value == pytest.approx(some.value)
        assert some.n == 300
