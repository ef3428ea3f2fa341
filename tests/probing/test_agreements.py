import time

import numpy as np
import pytest
from scipy.spatial import distance

from wsgeo.probing.agreements import measure_agreements
from wsgeo.probing.behaviours import probabilities
from wsgeo.probing.tables import AGREEMENTS


def drawn(rng, n_members=5, n_examples=40, n_labels=3):
    logits = 2 * rng.normal(size=(n_members, n_examples, n_labels)).astype(np.float32)
    return logits, rng.integers(n_labels, size=n_examples)


class TestMeasureAgreements:
    """Every two members against each other."""

    def test_it_agrees_with_the_reference(self, rng):
        """Each row is what a loop over examples gives."""
        logits, targets = drawn(rng)
        ids = list("vwxyz")
        table = measure_agreements(ids, logits, targets, "toy")

        assert table.schema == AGREEMENTS
        assert table.height == 10
        for row in table.rows(named=True):
            a, b = logits[ids.index(row["a"])], logits[ids.index(row["b"])]
            p, q = a.argmax(axis=1), b.argmax(axis=1)
            far = distance.jensenshannon(probabilities(a), probabilities(b), base=2, axis=1)
            assert row["agreement"] == pytest.approx((p == q).mean())
            assert row["both_right"] == pytest.approx(((p == targets) == (q == targets)).mean())
            assert row["jensen_shannon"] == pytest.approx(far.mean(), abs=1e-7)

    def test_twins_agree_in_all(self, rng):
        """Equal answers agree everywhere and are at no distance."""
        logits, targets = drawn(rng, n_members=1)
        table = measure_agreements(["a", "b"], np.concatenate([logits, logits]), targets, "toy")

        assert table.row(0) == ("a", "b", "toy", 1.0, 1.0, 0.0)

    def test_opposites_agree_in_nothing(self):
        """Of two labels, certain opposites never agree and are as far apart as can be."""
        logits = np.array([[[99.0, 0], [0, 99.0]], [[0, 99.0], [99.0, 0]]])
        row = measure_agreements(["a", "b"], logits, np.array([0, 1]), "toy").row(0)

        assert row[3:] == (0.0, 0.0, 1.0)

    def test_pairs_follow_the_members_and_name_the_first_by_the_alphabet(self, rng):
        """Rows come in the order of the members, and ``a`` sorts before ``b``."""
        logits, targets = drawn(rng, n_members=3)
        table = measure_agreements(["c", "a", "b"], logits, targets, "toy")

        assert table.select("a", "b").rows() == [("a", "c"), ("b", "c"), ("a", "b")]

    @pytest.mark.parametrize("n_members", [0, 1])
    def test_fewer_than_two_have_no_pair(self, rng, n_members):
        """Without a pair the table is empty and of the written schema."""
        logits, targets = drawn(rng, n_members=n_members)
        table = measure_agreements(["a"][:n_members], logits, targets, "toy")

        assert table.schema == AGREEMENTS
        assert table.is_empty()

    @pytest.mark.slow
    def test_a_hundred_members_take_seconds(self, rng):
        """100 members on 1,000 examples of three labels take less than 2 s of one core."""
        logits, targets = drawn(rng, 100, 1000)
        start = time.process_time()
        measure_agreements([f"{i:03}" for i in range(100)], logits, targets, "toy")

        assert time.process_time() - start < 2
