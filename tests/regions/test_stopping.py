"""When enough seeds have been fine-tuned."""

import numpy as np
import pytest
from start_cases import make_trials

from wsgeo.regions.stopping import FIRST_LOOK, planned_looks, undecided


def asked(gains, looks=1, **options):
    """Return whether a start of such gains is undecided."""
    base = np.full(len(gains), 0.5)
    metrics = {"base": base, "soup": base + gains, **options.pop("others", {})}
    trials = make_trials(metrics, n_held_out=options.pop("n_held_out", None))
    return undecided(trials, "trec", "soup", looks=looks, **options)


@pytest.mark.parametrize("gain", [0.2, -0.2])
def test_a_clear_difference_is_decided_either_way(gain):
    """Winners and losers need no more seeds."""
    assert not asked(gain + np.array([0.0, 0.001, 0.002]))


def test_nothing_is_decided_before_the_first_look():
    """Two seeds decide nothing, however clear they are."""
    assert asked(np.full(FIRST_LOOK - 1, 0.3))


def test_a_difference_within_the_margin_is_a_tie():
    """A start that is as good as the base needs no more seeds, and no gain beyond the margin."""
    close = np.array([-0.001, 0.0, 0.001])

    assert not asked(close, margin=0.01)
    assert asked(close, margin=0.001)


def test_what_is_neither_goes_on():
    """An interval from below to above the margin asks for more seeds."""
    assert asked(np.array([-0.05, 0.05, 0.02]))


def test_more_looks_ask_for_more():
    """Chances to stop are paid for."""
    gains = np.array([0.01, 0.02, 0.03, 0.025])

    assert not asked(gains, looks=1)
    assert asked(gains, looks=20)


def test_a_winner_is_decided_when_it_would_be_chosen():
    """Among many starts the proof that stops the seeds is the one that the choice needs."""
    gains = np.array([0.015, 0.02, 0.03])
    others = {f"other {i}": np.full(3, 0.5) for i in range(20)}

    assert not asked(gains)
    assert asked(gains, others=others)


@pytest.mark.parametrize("gain", [0.004, 0.02, -0.02])
def test_what_no_seeds_could_prove_is_decided(gain):
    """Where so few examples hide the gain, more seeds are of no use."""
    gains = np.full(3, gain) + np.array([-0.02, 0.0, 0.02]) * (gain > 0)

    assert not asked(gains, n_held_out=100)
    assert asked(np.full(3, gain) + np.array([-0.05, 0.0, 0.05]), n_held_out=100_000)


def test_a_gain_of_few_examples_is_no_win():
    """Seeds that agree on a gain stop as a tie or go on, but not as the choice would not have it."""
    wide = np.array([0.06, 0.1, 0.12])

    assert not asked(wide)
    assert asked(wide, n_held_out=150)
    assert not asked(wide, n_held_out=1_000)


def test_looks_begin_with_the_third_seed():
    """There is one look per seed from the third on, and one where there are fewer."""
    assert [planned_looks(n) for n in range(1, 7)] == [1, 1, 1, 2, 3, 4]


def test_several_settings_are_refused():
    """Fine-tunings on other numbers of examples are another comparison."""
    trials = make_trials({"base": [0.5]}).vstack(make_trials({"base": [0.5]}, shots=10))

    with pytest.raises(ValueError, match="several"):
        undecided(trials, "trec", "soup", looks=1)
