"""What a constant predictor reaches."""

import numpy as np
import pytest

from wsgeo.evaluation.chance import class_chance, class_entropy, token_chance, token_entropy
from wsgeo.tasks.task import IGNORED

N_TOKENS = 2000


@pytest.fixture
def share():
    """Return token frequencies in the manner of a text."""
    share = 1.0 / np.arange(1, N_TOKENS + 1)
    return share / share.sum()


@pytest.fixture
def targets(share):
    """Return scored tokens, one to six of each of 500 examples."""
    rng = np.random.default_rng(0)
    tokens = rng.choice(N_TOKENS, size=(500, 6), p=share)
    return np.where(np.arange(6) < rng.integers(1, 7, size=(500, 1)), tokens, IGNORED)


def entropy(share):
    return float(-(share * np.log(share)).sum())


class TestClasses:
    """The class frequencies."""

    def test_entropy(self):
        """Equal classes have the logarithm of their number; one class has none."""
        assert class_entropy(np.arange(12) % 4) == pytest.approx(np.log(4))
        assert class_entropy(np.zeros(5, np.int64)) == 0.0

    def test_classes_that_do_not_occur_do_not_count(self):
        """Chance is one over the number of classes that occur."""
        assert class_chance(np.array([0, 0, 3])).accuracy == 0.5


class TestTokens:
    """The token frequencies of a text."""

    def test_agrees_with_a_plain_loop(self, share, targets):
        """With much text the loss is the mean surprise of the examples, one by one."""
        counts = np.round(share * 1e9).astype(np.int64)
        rows = [[-np.log(share[token]) for token in row if token >= 0] for row in targets]
        hits = [np.mean(row[row >= 0] == 0) for row in targets]

        found = token_chance(targets, counts)
        assert found.loss == pytest.approx(np.mean([np.mean(row) for row in rows]), abs=1e-4)
        assert found.accuracy == pytest.approx(np.mean(hits))

    def test_an_example_without_a_scored_token_is_refused(self):
        """The mean of no token is no number, and would spread to the whole chance."""
        with pytest.raises(ValueError, match="no scored token"):
            token_chance(np.array([[7, 8], [IGNORED, IGNORED]]))

    def test_frequencies_of_the_text_not_of_the_sample(self, share):
        """The loss does not grow with the number of scored tokens, as that of counting them does."""
        rng = np.random.default_rng(0)
        counts = rng.multinomial(100_000, share)
        found, counted = [], []
        for n in (100, 2000):
            draws = [rng.choice(N_TOKENS, size=(n, 1), p=share) for _ in range(20)]
            found.append(np.mean([token_chance(draw, counts).loss for draw in draws]))
            counted.append(np.mean([class_entropy(draw) for draw in draws]))

        assert found == pytest.approx([entropy(share)] * 2, abs=0.1)
        assert counted[1] - counted[0] > 0.5

    def test_a_token_that_the_text_lacks(self, targets):
        """Scored tokens that were not counted make no infinite loss."""
        assert np.isfinite(token_chance(targets, np.array([5])).loss)
        assert token_chance(targets, np.array([0])) == token_chance(targets)

    @pytest.mark.parametrize("n", [500, 5000])
    def test_entropy(self, n):
        """With far fewer tokens than kinds of tokens the estimate comes closer than counting."""
        share = 1.0 / np.arange(1, 5001)
        share /= share.sum()
        rng = np.random.default_rng(0)
        draws = [rng.multinomial(n, share) for _ in range(20)]
        found = np.mean([token_entropy(draw) for draw in draws])
        counted = np.mean([entropy(draw[draw > 0] / n) for draw in draws])

        assert abs(found - entropy(share)) < 0.6 * abs(counted - entropy(share))

    def test_every_token_once(self):
        """Tokens that all occur once have a finite entropy above that of counting."""
        assert np.log(10) < token_entropy(np.ones(10, np.int64)) < np.inf
