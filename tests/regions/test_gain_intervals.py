"""How far a gain is known: over seeds, over examples, and at several looks."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from start_cases import make_trials, no_starts, row_of

from wsgeo.regions.differences import (
    examples_half_width,
    gain_interval,
    mean_interval,
    seed_differences,
)
from wsgeo.regions.gains import gains
from wsgeo.regions.stopping import MARGIN, planned_looks, undecided


def answered(base, start):
    """Give the answers of a base and a start, each a list of seeds."""
    base, start = np.asarray(base), np.asarray(start)
    gain = (start.mean(axis=1) - base.mean(axis=1)).tolist()
    return pl.DataFrame({"base_right": base.tolist(), "right": start.tolist(), "gain": gain})


def test_the_interval_is_students(rng):
    """It is the interval of the t test that looks whether a mean is 0."""
    values = rng.standard_normal(7)
    known = stats.ttest_1samp(values, 0).confidence_interval(0.9)

    assert mean_interval(values, 0.9) == pytest.approx((values.mean(), known.low, known.high))


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [np.inf]])
def test_what_has_no_mean_is_refused(values):
    """Nothing, and what is not finite, has no interval."""
    with pytest.raises(ValueError, match="no mean"):
        mean_interval(values)


def test_one_seed_proves_nothing():
    """With one seed the base is chosen, and whatever the gain there is neither win nor loss."""
    metrics = {"base": [0.6], "soup": [0.8], "medoid": [0.61], "centroid": [0.3]}
    for n_held_out in (1_000, None):
        found = gains(make_trials(metrics, n_held_out=n_held_out), no_starts())

        assert found["outcome"].to_list() == [None, "tie", "tie", "tie"]
        assert found.filter("is_chosen")["start"].to_list() == ["base"]
        assert found["gain_lo"].null_count() == found.height


def test_constant_answers_neither_win_nor_are_chosen():
    """A start that never learned the target proves nothing, however the base does; a loss stands."""
    metrics = {"base": [0.5, 0.5, 0.5], "soup": [0.6, 0.61, 0.6], "medoid": [0.4, 0.41, 0.4]}
    trials = make_trials(metrics)
    constant = pl.when(pl.col("start") == "base").then("status").otherwise(pl.lit("degenerate"))
    once = pl.when(seed=0).then(pl.lit("degenerate")).otherwise("status")
    never, partly = (gains(trials.with_columns(status=s), no_starts()) for s in (constant, once))

    several = pl.concat([trials.with_columns(status=constant, target=pl.lit(t)) for t in "abc"])

    assert (row_of(never, "soup")["outcome"], row_of(never, "medoid")["outcome"]) == ("tie", "loss")
    assert set(gains(several, no_starts()).filter("is_chosen")["start"]) == {"base"}
    assert never.filter("is_chosen")["start"].to_list() == ["base"]
    assert row_of(partly, "soup")["is_chosen"]


def test_ends_are_differences_of_fractions():
    """Two seeds that disagree allow any gain, and no more than all."""
    row = row_of(gains(make_trials({"base": [0.5, 0.5], "soup": [0.4, 0.7]}), no_starts()), "soup")

    assert (row["gain_lo"], row["gain_hi"]) == (-1.0, 1.0)


def test_perfect_answers_prove_little_on_few_examples():
    """An interval over examples is not 0 where every answer is right, or none."""
    few, many = (answered([[False] * n], [[True] * n]) for n in (1, 1_000))

    assert examples_half_width(few) > 0.5
    assert 0 < examples_half_width(many) < 0.01


@pytest.mark.parametrize(("gain", "outcome"), [(1 / 400, "tie"), (-1 / 400, "tie"), (0.2, "win")])
def test_seeds_that_agree_prove_no_more_than_the_examples(gain, outcome):
    """A gain of one example with each seed has no spread, and is no proof."""
    metrics = {"base": [0.6] * 3, "soup": [0.6 + gain] * 3}
    found = gains(make_trials(metrics, n_held_out=400), no_starts())

    assert row_of(found, "soup")["outcome"] == outcome
    assert row_of(found, "soup")["is_chosen"] == (outcome == "win")
    assert gains(make_trials(metrics), no_starts()).filter(start="soup")["outcome"].item() != "tie"


@pytest.mark.parametrize("alike", [0.0, 0.8])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_the_interval_over_examples_holds(rng, alike, n_seeds):
    """It holds the difference between two models in 95 of 100 draws of examples.

    The models know different examples, or mostly the same ones, and not the same with each seed.
    """
    held = []
    for _ in range(1_000):
        hard = rng.random((2, 200))
        hard[1] = np.where(rng.random(200) < alike, hard[0], hard[1])
        each = np.repeat(hard[:, None], n_seeds, axis=1)
        each = np.where(rng.random(each.shape) < 0.2, rng.random(each.shape), each)
        base, start = each < np.array([0.6, 0.7])[:, None, None]
        pairs = answered(base, start)
        held.append(abs(pairs["gain"].mean() - 0.1) <= examples_half_width(pairs))

    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_what_both_know_narrows_the_interval(rng):
    """Base and start answer the same examples: the more alike they answer, the more is proved."""
    base = rng.random((1, 300)) < 0.6
    nearly = base ^ (rng.random((1, 300)) < 0.05)
    other = rng.permuted(nearly, axis=1)

    assert examples_half_width(answered(base, nearly)) < 0.4 * examples_half_width(
        answered(base, other)
    )


def test_the_interval_over_examples_knows_no_order(rng):
    """It is the same for other orders of examples and seeds, repeated seeds, and both turned round."""
    base, start = rng.random((2, 3, 80)) < [[[0.5]], [[0.6]]]
    order = rng.permutation(80)
    width = examples_half_width(answered(base, start))
    others = [
        answered(base[:, order], start[:, order]), answered(base[::-1], start[::-1]),
        answered(np.tile(base, (2, 1)), np.tile(start, (2, 1))), answered(start, base),
    ]  # fmt: skip

    assert [examples_half_width(pairs) for pairs in others] == pytest.approx([width] * 4)


def test_one_table_of_four_gives_the_known_interval():
    """With one seed the width is that of the formula for a table of four counts."""
    a, b, c, d = 40, 12, 5, 43  # both right, the start alone, the base alone, none
    base = [True] * a + [False] * b + [True] * c + [False] * d
    start = [True] * (a + b) + [False] * (c + d)
    b, c, n = b + 0.5, c + 0.5, 102
    width = stats.norm.ppf(0.975) * np.sqrt(b + c - (b - c) ** 2 / n) / n

    assert examples_half_width(answered([base], [start])) == pytest.approx(width)


def test_the_wider_of_both_intervals_counts(rng):
    """With few examples they decide, with many the seeds; the mean stays."""
    metrics = {"base": rng.uniform(0.5, 0.6, 4), "soup": rng.uniform(0.6, 0.7, 4)}
    every = [seed_differences(make_trials(metrics, n_held_out=n)) for n in (None, 5, 10_000)]
    pairs = [frame.filter(start="soup") for frame in every]
    seeds, few, many = (gain_interval(own, 0.9) for own in pairs)

    assert many == pytest.approx(seeds)
    half = examples_half_width(pairs[1], 0.9)
    assert few == pytest.approx((seeds.mean, seeds.mean - half, seeds.mean + half))
    assert few.lo < seeds.lo


def normal(rng, size):
    """Draw metrics of fine-tunings that differ by two points from seed to seed."""
    return (0.6 + 0.02 * rng.standard_normal(size)).round(3)


def collapsing(rng, size):
    """Draw metrics of which one in ten is far below the others."""
    return (0.6 + 0.01 * rng.standard_normal(size) - 0.2 * (rng.random(size) < 0.1)).round(3)


def plain_choices(metrics):
    """Return whether any start is chosen: metrics (n_studies, 1 + n_starts, n_seeds), base first."""
    n_starts, n_seeds = metrics.shape[1] - 1, metrics.shape[2]
    looks = range(min(3, n_seeds), n_seeds + 1)
    tail = 0.05 / len(looks)
    running = np.ones((len(metrics), n_starts), bool)
    chosen = np.zeros_like(running)
    for n in looks:
        gain = (metrics[:, 1:] - metrics[:, :1])[:, :, :n]
        mean, error = gain.mean(axis=2), gain.std(axis=2, ddof=1) / np.sqrt(n)
        lo, hi = (mean + sign * stats.t.ppf(1 - tail / 2, n - 1) * error for sign in (-1, 1))
        proved = mean > stats.t.ppf(1 - min(tail / 2, tail / n_starts), n - 1) * error
        chosen |= running & proved
        running &= ~(proved | (hi < 0) | ((lo >= -MARGIN) & (hi <= MARGIN)))
    return chosen.any(axis=1)


def study(metrics):
    """Fine-tune in rounds, dropping starts that are decided; return whether one is chosen."""
    names = ["base", *(f"start {i}" for i in range(len(metrics) - 1))]
    looks, tuned = planned_looks(metrics.shape[1]), dict.fromkeys(names, 0)
    running = names
    for seed in range(metrics.shape[1]):
        tuned |= dict.fromkeys(running, seed + 1)
        results = {name: metrics[i, : tuned[name]] for i, name in enumerate(names)}
        trials = make_trials(results)
        running = [
            name
            for name in running
            if name == "base" or undecided(trials, "trec", name, looks=looks)
        ]
    return not row_of(gains(trials, no_starts(), looks=looks), "base")["is_chosen"]


@pytest.mark.parametrize(("n_starts", "n_seeds"), [(1, 3), (3, 5)])
def test_a_study_in_rounds_agrees_with_the_plain_rule(rng, n_starts, n_seeds):
    """Whether a start is chosen is what the intervals at each look say."""
    metrics = normal(rng, (15, 1 + n_starts, n_seeds))
    metrics[:, 1] += 0.04

    plain = plain_choices(metrics)
    assert 0 < plain.sum() < 15
    assert [study(each) for each in metrics] == plain.tolist()


@pytest.mark.parametrize(("n_starts", "n_seeds"), [(1, 3), (3, 3), (3, 5), (6, 5), (3, 10)])
@pytest.mark.parametrize("draw", [normal, collapsing])
def test_where_no_start_is_better_few_are_recommended(rng, n_starts, n_seeds, draw):
    """Of studies whose starts equal the base, stopped early where they may be, 1 in 20 errs at most."""
    metrics = draw(rng, (20_000, 1 + n_starts, n_seeds))

    assert plain_choices(metrics).mean() <= 0.05
