"""What is told of the choice of a start."""

import polars as pl
from start_cases import make_starts, make_trials, no_starts

from wsgeo.regions.gains import ALL, gains
from wsgeo.regions.start_words import start_sentences, transfer_table

CLEAR = {"base": [0.60, 0.61, 0.62], "centroid of all": [0.70, 0.72, 0.71]}


def told(trials, starts=None):
    """Return the sentences of some fine-tunings."""
    starts = no_starts() if starts is None else starts
    return start_sentences(gains(trials, starts), starts, trials)


def test_a_proved_start_is_recommended_with_its_gain():
    """The start, what it gains, the interval and the seeds stand in one sentence."""
    assert told(make_trials(CLEAR))[0] == (
        "trec: start from the centroid of all: +10.0 points [+7.5, +12.5] over the base, 3 seeds."
    )


def test_the_best_of_several_is_said_to_flatter():
    """Whoever is chosen among several was lucky too; a single start was not chosen by its luck."""
    trials = make_trials(CLEAR | {"soup": [0.60, 0.62, 0.61], "lost": [None] * 3})

    assert told(trials)[0].endswith(
        "over the base, 3 seeds; chosen among 2 starts, so it likely gains a little less."
    )


def test_where_nothing_is_proved_the_base_is_recommended_with_the_best_of_the_rest():
    """The reader sees what came closest."""
    trials = make_trials({"base": [0.6, 0.6, 0.6], "a": [0.6, 0.61, 0.6], "b": [0.5, 0.5, 0.5]})
    starts = make_starts({"a": 1, "b": 2}, kind="member")

    assert told(trials, starts)[0] == (
        "trec: start from the base: nothing is proved to beat it among 2 starts "
        "(best: a, +0.3 points [-1.1, +1.8], 3 seeds)."
    )


def test_one_seed_is_said_to_prove_nothing():
    """The gain of a single pair is shown and not recommended."""
    assert told(make_trials({"base": [0.5], "soup": [0.9]}))[0] == (
        "trec: start from the base: one seed proves nothing "
        "(best: the soup, +40.0 points, 1 seed); fine-tune three or more."
    )


def test_a_base_without_a_result_leaves_nothing_known():
    """There is no gain without the base."""
    trials = make_trials({"base": [None], "soup": [0.9]})

    assert told(trials)[0] == (
        "trec: nothing is known: no start has a result beside one of the base."
    )


def test_several_targets_are_told_together():
    """A start's mean gain is followed by its wins, ties and losses."""
    metrics = {"base": [0.60, 0.61, 0.62], "soup": [0.6, 0.61, 0.62]}
    trials = pl.concat([make_trials(CLEAR, target="a"), make_trials(CLEAR, target="b"),
                        make_trials(metrics, target="a").filter(start="soup")])  # fmt: skip
    sentences = told(trials)

    assert (
        "Over 2 targets, the centroid of all: +10.0 points [+10.0, +10.0], "
        "2 wins, 0 ties, 0 losses." in sentences
    )
    assert not any("the soup:" in sentence for sentence in sentences)


def test_what_is_not_counted_is_named():
    """Targets of another recipe are named, with shots and method where these differ."""
    trials = pl.concat([make_trials(CLEAR), make_trials(CLEAR, shots=9)])
    starts, apart = no_starts(), [("trec", 9, "full")]
    sentences = start_sentences(gains(trials, starts, apart=apart), starts, trials, apart)

    assert (
        "Not counted over all targets, being fine-tuned by another recipe than the last: "
        "trec (9 examples)." in sentences
    )


def test_settings_are_named_where_they_differ():
    """Numbers of examples and methods stand beside the target only where there are several."""
    trials = pl.concat([make_trials(CLEAR), make_trials(CLEAR, shots=1_000, method="lora")])
    sentences = told(trials)

    assert sentences[0].startswith("trec (all examples, full): start from")
    assert sentences[1].startswith("trec (1,000 examples, lora): start from")


def test_the_cheap_ranking_is_judged():
    """Its agreement is a number, or it is said that nobody knows."""
    metrics = {"base": [0.5, 0.5], "a": [0.8, 0.8], "b": [0.7, 0.7], "c": [0.6, 0.6]}
    starts = make_starts({"a": 2, "b": 1, "c": 3})

    assert (
        "The cheap ranking and the fine-tunings agree, on trec, with a rank correlation of 0.50."
        in told(make_trials(metrics), starts)
    )
    assert any("nobody can say" in sentence for sentence in told(make_trials(CLEAR)))


def test_members_that_know_the_target_are_named():
    """Who was left out of the means is said once per target."""
    starts = pl.concat([
        make_starts({"centroid of all": 1}, left_out=["m1", "m0"]),
        make_starts({"centroid of nli": 2}, left_out=["m1"]),
        make_starts({"base": None}, left_out=[]),
    ])  # fmt: skip

    assert (
        "trec: 2 members were left out of every start, being found to know it or named with "
        "--leave-out: m0 and m1." in told(make_trials(CLEAR), starts)
    )


def test_lost_and_constant_fine_tunings_are_told():
    """A failure is named with its reason; a constant answer counts."""
    trials = make_trials({"base": [0.6, 0.6], "soup": [0.7, None]}, reason="killed")
    constant = trials.with_columns(
        status=pl.when(pl.col("metric") == 0.7).then(pl.lit("degenerate")).otherwise("status")
    )

    assert told(constant)[-2:] == (
        (
            "1 of 4 fine-tunings failed or diverged and is left out with the partner of the same seed: "
            "trec from soup with seed 1 (killed)."
        ),
        "1 fine-tuning learned nothing beyond a constant answer: it counts, but proves no gain.",
    )


def test_where_nothing_learned_no_start_is_judged():
    """Settings whose every fine-tuning answers by a constant are named, with what to do."""
    constant = make_trials(CLEAR, target="a").with_columns(status=pl.lit("degenerate"))
    trials = pl.concat([constant, make_trials(CLEAR, target="b")])
    told = start_sentences(gains(trials, no_starts()), no_starts(), trials)
    [judged] = [one for one in told if "can be judged" in one]

    assert judged.startswith("On a no start")
    assert "--learning-rate" in judged


def test_a_start_tried_on_every_target_is_not_one_of_many():
    """Favourites of one target each prove nothing over all, and ask no more proof of the others."""
    trials = pl.concat([
        make_trials({"base": [0.6] * 3, "soup": [metric] * 3, f"of {target}": [0.7] * 3}, target=target)
        for target, metric in {"a": 0.62, "b": 0.625, "c": 0.63}.items()
    ])  # fmt: skip
    found = gains(trials, no_starts())
    told = start_sentences(found, no_starts(), trials)

    assert found.filter(pl.col("is_chosen"), target=ALL)["start"].to_list() == ["soup"]
    assert "Over all targets the soup is proved to beat the base." in told


def test_a_gain_that_chance_explains_is_said_to_be_so():
    """An interval above 0 that is too little for the best of many starts is explained."""
    others = {f"other {i}": [0.59, 0.6, 0.61] for i in range(20)}
    trials = pl.concat([
        make_trials({"base": [0.6] * 3, "soup": [metric] * 3} | others, target=target)
        for target, metric in {"a": 0.62, "b": 0.625, "c": 0.63}.items()
    ])  # fmt: skip
    told = start_sentences(gains(trials, no_starts()), no_starts(), trials)

    assert any(one.endswith("the best of 21 starts may be so by chance.") for one in told)


def test_the_table_has_a_row_per_target_and_a_column_per_start():
    """Starts that were tried on most targets come first; the last row is the mean."""
    trials = pl.concat([
        make_trials(CLEAR | {"soup": [0.9, None, None]}, target="a"),
        make_trials(CLEAR | {"medoid": [None] * 3}, target="b"),
    ])  # fmt: skip
    table = transfer_table(gains(trials, no_starts()))

    assert table.columns == ["target", "base", "centroid of all", "soup", "medoid"]
    assert table["target"].to_list() == ["a", "b", "all targets"]
    assert table.row(0) == (
        "a",
        "61.0",
        "71.0, +10.0 [+7.5, +12.5], win",
        "90.0 against 60.0, +30.0, tie",
        "",
    )
    assert table.row(1)[-1] == "failed"
    assert table.row(2)[2] == "71.0, +10.0 [+10.0, +10.0], 2/0/0"
