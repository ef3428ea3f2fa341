"""What a start gains over the base, and when that is proved."""

import numpy as np
import polars as pl
import pytest
from start_cases import make_starts, make_trials, no_starts, row_of

from wsgeo.errors import DataError
from wsgeo.regions.differences import mean_interval
from wsgeo.regions.gains import ALL, choice_level, gains
from wsgeo.regions.start_tables import GAINS, TRIALS

CLEAR = {"base": [0.60, 0.61, 0.62], "soup": [0.70, 0.72, 0.71], "medoid": [0.50, 0.51, 0.53]}


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
