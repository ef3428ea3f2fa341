import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.tasks.batches import batches

LENGTHS = st.lists(st.integers(1, 40), max_size=60)


class TestBatches:
    """Batches of like length."""

    @given(lengths=LENGTHS, budget=st.integers(1, 200))
    def test_every_index_occurs_once(self, lengths, budget):
        """The batches partition the examples, and none is empty."""
        found = batches(lengths, budget)

        assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
        assert all(len(batch) for batch in found)

    @given(lengths=LENGTHS, budget=st.integers(1, 200))
    def test_the_budget_holds_unless_an_example_alone_exceeds_it(self, lengths, budget):
        """The padded size of a batch is within the budget, or the batch is a single example."""
        for batch in batches(lengths, budget):
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget

    @given(lengths=LENGTHS, budget=st.integers(1, 200))
    def test_lengths_increase_from_batch_to_batch(self, lengths, budget):
        """Read one after the other, the batches are sorted by length, ties by index."""
        order = [(lengths[i], i) for batch in batches(lengths, budget) for i in batch]

        assert order == sorted(order)

    @given(lengths=LENGTHS, budget=st.integers(1, 200))
    def test_no_batch_could_have_taken_the_next_example(self, lengths, budget):
        """A batch ends only where the next example would break the budget."""
        found = batches(lengths, budget)
        for batch, following in itertools.pairwise(found):
            assert (len(batch) + 1) * lengths[following[0]] > budget

    @pytest.mark.parametrize("bad", [([0, 1], 5), ([1], 0), ([[1]], 5)])
    def test_impossible_sizes_are_refused(self, bad):
        """Lengths and budgets below one, and tables of lengths, are refused."""
        with pytest.raises(ValueError, match="at least 1"):
            batches(np.array(bad[0]), bad[1])
