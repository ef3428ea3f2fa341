"""What a start gains over the base, and when that is proved."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from start_cases import make_starts, make_trials, no_starts

from wsgeo.errors import DataError
from wsgeo.regions.differences import (
    examples_half_width,
    gain_interval,
    mean_interval,
    seed_differences,
)
from wsgeo.regions.gains import ALL, choice_level, gains
from wsgeo.regions.start_tables import GAINS, TRIALS
from wsgeo.regions.stopping import MARGIN, planned_looks, undecided

CLEAR = {"base": [0.60, 0.61, 0.62], "soup": [0.70, 0.72, 0.71], "medoid": [0.50, 0.51, 0.53]}


def row_of(found, start, target="trec"):
    """Return the row of a start."""
    return found.row(
        by_predicate=(pl.col("start") == start) & (pl.col("target") == target), named=True
    )


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


def test_gains_are_paired_by_seed():
    """Differences are taken within a seed, so what seeds share does not widen the interval."""
    shared = np.array([0.2, 0.5, 0.8])
    trials = make_trials({"base": shared, "soup": shared + np.array([0.01, 0.011, 0.012])})
    row = row_of(gains(trials, no_starts()), "soup")

    assert row["gain"] == pytest.approx(0.011)
    assert row["loss_gain"] == pytest.approx(0.011)
    assert row["gain_hi"] - row["gain_lo"] < 0.01
    assert row["outcome"] == "win"


def test_a_constant_on_all_results_changes_no_gain(rng):
    """Gains are differences."""
    metrics = {start: rng.uniform(0.3, 0.6, 4) for start in ("base", "soup", "medoid")}
    moved = {start: values + 0.1 for start, values in metrics.items()}
    one, other = (gains(make_trials(each), no_starts()) for each in (metrics, moved))

    columns = ["gain", "gain_lo", "gain_hi"]
    assert one["start"].to_list() == other["start"].to_list()
    assert one[columns].fill_null(0).to_numpy() == pytest.approx(
        other[columns].fill_null(0).to_numpy()
    )


def test_base_and_start_change_places():
    """What one gains the other loses."""
    names = {"base": "soup", "soup": "base"}
    one = make_trials({"base": [0.6, 0.62, 0.61], "soup": [0.7, 0.71, 0.75]})
    turned = one.with_columns(pl.col("start").replace(names))
    a, b = (row_of(gains(each, no_starts()), "soup") for each in (one, turned))

    assert (a["gain"], a["gain_lo"], a["gain_hi"]) == pytest.approx(
        (-b["gain"], -b["gain_hi"], -b["gain_lo"])
    )
    assert (a["outcome"], b["outcome"]) == ("win", "loss")


def test_the_base_comes_first_and_then_starts_by_gain():
    """The base has the gain 0 and no outcome; the best proved start is chosen."""
    found = gains(make_trials(CLEAR), make_starts({"soup": 1}))

    assert found.schema == GAINS
    assert found["start"].to_list() == ["base", "soup", "medoid"]
    assert found["outcome"].to_list() == [None, "win", "loss"]
    assert found["is_chosen"].to_list() == [False, True, False]
    assert found["kind"].to_list() == ["base", "centroid", None]
    assert found["n"].to_list() == [3, 3, 3]
    assert found["seconds"].to_list() == [3.0, 3.0, 3.0]


def test_a_lost_fine_tuning_leaves_out_its_seed():
    """A seed counts where both have a result; a start without any has a row that says so."""
    trials = make_trials(
        {"base": [0.6, None, 0.61, 0.59], "soup": [0.7, 0.7, 0.72, None], "medoid": [None] * 4}
    )
    found = gains(trials, no_starts())

    assert row_of(found, "soup")["n"] == 2
    assert row_of(found, "soup")["gain"] == pytest.approx(0.105)
    lost = row_of(found, "medoid")
    assert (lost["n"], lost["gain"], lost["outcome"], lost["is_chosen"]) == (0, None, None, False)


def test_a_constant_answer_is_a_result():
    """A degenerate fine-tuning is not left out: that would flatter its start."""
    trials = make_trials({"base": [0.6, 0.61], "soup": [0.7, 0.2]}).with_columns(
        status=pl.when(pl.col("metric") == 0.2).then(pl.lit("degenerate")).otherwise("status")
    )

    assert row_of(gains(trials, no_starts()), "soup")["n"] == 2


def test_one_seed_proves_nothing():
    """With one seed the base is chosen; a gain beyond the noise of the examples is still a win."""
    metrics = {"base": [0.6], "soup": [0.8], "medoid": [0.61], "centroid": [0.3]}
    outcomes = {"soup": "win", "medoid": "tie", "centroid": "loss"}
    for n_held_out, expected in [
        (1_000, outcomes),
        (None, dict.fromkeys(outcomes, "tie")),
    ]:
        found = gains(make_trials(metrics, n_held_out=n_held_out), no_starts())

        assert {start: row_of(found, start)["outcome"] for start in outcomes} == expected
        assert found.filter("is_chosen")["start"].to_list() == ["base"]
        assert found["gain_lo"].null_count() == found.height


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


def answered(base, start):
    """Give the answers of a base and a start, each a list of seeds."""
    base, start = np.asarray(base), np.asarray(start)
    gain = (start.mean(axis=1) - base.mean(axis=1)).tolist()
    return pl.DataFrame({"base_right": base.tolist(), "right": start.tolist(), "gain": gain})


@pytest.mark.parametrize("alike", [0.0, 0.8])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_the_interval_over_examples_holds(rng, alike, n_seeds):
    """It holds the difference between two models in 95 of 100 draws of examples or more.

    The models know different examples, or mostly the same ones.
    """
    held = []
    for _ in range(1_000):
        hard = rng.random((2, 200))
        hard[1] = np.where(rng.random(200) < alike, hard[0], hard[1])
        base, start = np.repeat((hard < [[0.6], [0.7]])[:, None], n_seeds, axis=1)
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


def test_looks_and_examples_belong_to_a_setting():
    """Each setting is widened by its own looks and examples; one that is not named had one look."""
    sizes = {"a": None, "b": 10, "c": None}
    trials = pl.concat(make_trials(CLEAR, target=t, n_held_out=n) for t, n in sizes.items())
    mixed = gains(trials, no_starts(), looks={("a", None, "full"): 9})

    for target, looks in {"a": 9, "b": 1, "c": 1}.items():
        alone = gains(trials.filter(target=target), no_starts(), looks=looks)
        assert mixed.filter(target=target).equals(alone)


def test_another_recipe_is_apart():
    """What was fine-tuned otherwise keeps its own rows, and is no part of those over all targets."""
    trials = pl.concat(make_trials(CLEAR, target=target) for target in "abc")
    found = gains(trials, no_starts(), apart=[("b", None, "full")])

    assert row_of(found, "soup", ALL)["n"] == 2
    assert row_of(found, "soup", "b")["outcome"] == "win"
    two = [("b", None, "full"), ("c", None, "full")]
    assert ALL not in gains(trials, no_starts(), apart=two)["target"]


def test_the_base_is_chosen_where_nothing_is_proved():
    """A gain whose interval holds 0 is no reason to leave the base."""
    found = gains(make_trials({"base": [0.6, 0.6], "soup": [0.6, 0.7]}), no_starts())

    assert row_of(found, "soup")["outcome"] == "tie"
    assert found.filter("is_chosen")["start"].to_list() == ["base"]


def test_more_starts_need_more_proof():
    """A gain that is enough for one start is not enough for the best of many."""
    soup = {"base": [0.6, 0.6, 0.6], "soup": [0.615, 0.62, 0.63]}
    others = {f"other {i}": [0.59, 0.6, 0.61] for i in range(20)}
    one, many = (gains(make_trials(each), no_starts()) for each in (soup, soup | others))

    assert row_of(one, "soup")["is_chosen"]
    assert row_of(many, "soup")["outcome"] == "win"
    assert not row_of(many, "soup")["is_chosen"]
    assert choice_level(0.05, 21) > choice_level(0.05, 2) == choice_level(0.05, 1) == 0.95


def test_over_all_targets_each_counts_once():
    """The mean of target means does not weigh targets by seeds; outcomes add up to targets."""
    trials = pl.concat([
        make_trials({"base": [0.5] * 3, "soup": [0.6, 0.61, 0.62]}, target="a"),
        make_trials({"base": [0.5] * 2, "soup": [0.5, 0.5]}, target="b"),
        make_trials({"base": [0.5] * 2, "soup": [0.4, 0.39]}, target="c"),
    ])  # fmt: skip
    found = gains(trials, no_starts())
    means = found.filter(pl.col("target") != ALL, pl.col("start") == "soup")["gain"]
    row = row_of(found, "soup", ALL)

    assert (row["gain"], row["gain_lo"], row["gain_hi"]) == pytest.approx(mean_interval(means))
    assert (row["wins"], row["ties"], row["losses"]) == (1, 1, 1)
    assert (row["n"], row["outcome"]) == (3, None)
    assert row_of(found, "base", ALL)["is_chosen"]


def test_a_start_that_was_tried_on_some_targets_is_a_mean_over_those():
    """What was not tried, or was lost, is not counted."""
    trials = pl.concat([
        make_trials(CLEAR, target="a"), make_trials(CLEAR, target="b"),
        make_trials({"base": [0.5, 0.5], "soup": [None, None]}, target="c"),
    ])  # fmt: skip
    row = row_of(gains(trials, no_starts()), "soup", ALL)

    assert row["n"] == row["wins"] + row["ties"] + row["losses"] == 2


def test_shots_and_methods_are_apart():
    """Each number of examples and method has its own base, choice and mean over targets."""
    trials = pl.concat(
        make_trials(CLEAR, target=target, shots=shots, method=method)
        for target in "ab" for shots in (None, 100) for method in ("full", "lora")
    )  # fmt: skip
    found = gains(trials, no_starts())

    assert found.height == 3 * 4 * 3
    assert found["is_chosen"].sum() == 3 * 4


@pytest.mark.parametrize(("ranks", "agreement"), [((1, 2, 3), 1.0), ((3, 2, 1), -1.0)])
def test_a_cheap_ranking_is_held_against_the_results(ranks, agreement):
    """Rank 1 for the highest metric is agreement; the base has no rank."""
    metrics = {"base": [0.9] * 2, "a": [0.8] * 2, "b": [0.7] * 2, "c": [0.6] * 2}
    starts = make_starts(dict(zip("abc", ranks, strict=True)) | {"base": None, "d": 4})
    found = gains(make_trials(metrics), starts)

    assert found["stage_agreement"].to_list() == pytest.approx([agreement] * 4)


def test_agreement_needs_three_starts_and_an_order():
    """Two points, or equal ones, order nothing."""
    two = gains(make_trials(CLEAR), make_starts({"soup": 1, "medoid": 2}))
    alike = {start: [0.5, 0.5] for start in ("base", "a", "b", "c")}
    equal = gains(make_trials(alike), make_starts({"a": 1, "b": 2, "c": 3}))

    assert two["stage_agreement"].null_count() == two.height
    assert equal["stage_agreement"].null_count() == equal.height


def test_no_fine_tunings_have_no_gains():
    """An empty table is one of no rows."""
    assert gains(pl.DataFrame(schema=TRIALS), no_starts()).is_empty()


@pytest.mark.parametrize("metric", [None, float("nan")])
def test_a_result_that_is_not_finite_is_refused(metric):
    """A finished fine-tuning has a metric."""
    trials = make_trials({"base": [0.6], "soup": [0.7]}).with_columns(
        metric=pl.when(pl.col("start") == "soup").then(pl.lit(metric)).otherwise("metric")
    )

    with pytest.raises(DataError, match="soup: a finished fine-tuning of seed 0"):
        gains(trials, no_starts())


def test_a_seed_that_occurs_twice_is_refused():
    """Two results of one seed cannot both be paired."""
    trials = make_trials(CLEAR)

    with pytest.raises(DataError, match="twice"):
        gains(pl.concat([trials, trials.head(1)]), no_starts())


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
