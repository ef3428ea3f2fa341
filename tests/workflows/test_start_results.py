"""What a run keeps of choices of a start, call after call."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import polars as pl
import pytest
from start_cases import make_starts, make_trials

from wsgeo.regions.gains import ALL
from wsgeo.store import Run
from wsgeo.workflows.start_results import keep_answer, settings_apart, write_tables
from wsgeo.workflows.start_settings import StartSettings, Tuning

CLEAR = {"base": [0.60, 0.61, 0.62], "soup": [0.70, 0.72, 0.71]}


@dataclass
class Calls:
    """Calls in one run, their fine-tunings made up."""

    run: Run
    targets: list = field(default_factory=list)

    def __call__(self, target, *, shots=None, n_held_out=10_000, metrics=CLEAR, rate=0.1, **given):
        """Keep what a call found of one target."""
        settings = StartSettings(shots=(shots,), **given)
        study = SimpleNamespace(
            targets=[SimpleNamespace(name=target)],
            tuning=Tuning(rate, 16, "as asked"),
        )
        own = {"target": target, "shots": shots}
        ranked = make_starts({"base": None, "soup": 1}, **own)
        cell = SimpleNamespace(ranking=SimpleNamespace(table=lambda _: ranked), tried=())
        trials = make_trials(metrics, method=settings.method, n_held_out=n_held_out, **own)
        write_tables(self.run, study, settings, [cell], SimpleNamespace(trials=trials))
        chosen = {**own, "method": settings.method, "start": "soup", "folder": "x"}
        answer = {"targets": [{"name": target}], "chosen": [chosen], "notes": []}
        keep_answer(self.run, study, settings, answer)
        return self.run.table("gains")


@pytest.fixture
def call(tmp_path):
    """Give what calls in an empty run."""
    return Calls(Run(tmp_path))


def ends(gains, target):
    """Return the interval of the soup."""
    return gains.filter(target=target, start="soup").select("gain_lo", "gain_hi").row(0)


def test_later_calls_do_not_change_earlier_intervals(call):
    """Looks and held-out examples are those of the call that made the fine-tunings."""
    first = call("a", seeds=9, n_held_out=300)
    second = call("b", seeds=3, n_held_out=5_000)

    assert ends(second, "a") == ends(first, "a")
    assert ends(second, "b")[0] > ends(second, "a")[0]


def test_the_most_looks_count(call):
    """Who asks again with fewer seeds has looked as often as the first time."""
    first = call("a", seeds=9)

    assert ends(call("a", seeds=3), "a") == ends(first, "a")


def test_shots_of_a_target_have_their_own_examples(call):
    """Few examples of one number of shots say nothing of another."""
    call("a", shots=8, n_held_out=50)
    gains = call("a", n_held_out=10_000)

    outcomes = gains.filter(start="soup").select("shots", "outcome").rows()
    assert dict(outcomes) == {8: "tie", None: "win"}


def test_only_one_recipe_is_counted_over_targets(call):
    """Targets of another recipe than the last are not in the mean, and are named."""
    call("a")
    call("b")
    gains = call("c", rate=0.2)

    assert settings_apart(call.run) == [("a", None, "full"), ("b", None, "full")]
    assert ALL not in gains["target"]
    told = call.run.read("run")["starts"]["sentences"]
    assert any(one.startswith("Not counted") and "a and b" in one for one in told)
    assert call("a", rate=0.2).filter(target=ALL, start="soup")["n"].item() == 2


def test_a_call_that_makes_nothing_leaves_the_recipe(call):
    """Where the budget made no fine-tuning, those of before stand with what is known of them."""
    first = call("a", n_held_out=300)
    second = call("a", n_held_out=5_000, metrics={}, rate=0.2)

    assert second.equals(first)


def test_fine_tunings_without_answers_prove_nothing(call):
    """Those of an earlier version go when another target is asked for; failures stay told."""
    call("a")
    trials = call.run.table("trials")
    lost = trials.head(1).with_columns(seed=pl.lit(9, pl.Int64), status=pl.lit("failed"))
    old = pl.concat([trials, lost]).with_columns(right=pl.lit(None, pl.List(pl.Boolean)))
    call.run.write_table("trials", old)
    call("b")
    left = call.run.table("trials").filter(target="a")

    assert left["status"].to_list() == ["failed"]


def test_choices_of_other_settings_stay(call):
    """The start that is chosen with one number of shots or method is not that of another."""
    for given in ({}, {"shots": 8}, {"method": "lora"}, {"shots": 8}):
        call("a", **given)
    rows = pl.DataFrame(call.run.read("run")["starts"]["chosen"])

    assert rows.select("shots", "method").rows() == [(None, "full"), (None, "lora"), (8, "full")]
