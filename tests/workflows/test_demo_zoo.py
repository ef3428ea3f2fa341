"""The demo's zoo has the basins that it is made for."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from wsgeo.paths.barriers import convexity_gap
from wsgeo.probing.sets import load_set
from wsgeo.processes.pool import WorkerPool
from wsgeo.tasks import encode, read_task, task_of
from wsgeo.workflows.demo_texts import SET
from wsgeo.workflows.demonstrating import LABELS, make_demo_zoo


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Give the demo's zoo, made once."""
    with WorkerPool(2) as pool:
        return make_demo_zoo(tmp_path_factory.mktemp("demo") / "zoo", pool=pool)


@pytest.fixture(scope="module")
def members(zoo):
    """Give two members of each strategy, loaded."""
    from transformers import AutoModelForSequenceClassification

    chosen = [m for m in zoo.members if m.name.endswith(("order1-lr3e-4", "order4-lr1e-3"))]
    return {m.name: AutoModelForSequenceClassification.from_pretrained(m).eval() for m in chosen}


def loss_and_accuracy(model, zoo, task):
    """Return how a model does on a task."""
    from transformers import AutoTokenizer

    from wsgeo.training.evaluations import evaluate

    tokenizer = AutoTokenizer.from_pretrained(zoo.base)
    found = evaluate(model, encode(task, tokenizer, labels=LABELS))
    return found.loss, found.accuracy


def gap(zoo, a, b):
    """Return the convexity gap between two models on the validation data, on nine points."""
    import copy

    import torch

    task, mixed, t = read_task(zoo.validation), copy.deepcopy(a), np.linspace(0, 1, 9)
    losses = []
    for position in t:
        with torch.no_grad():
            for target, x, y in zip(
                mixed.parameters(), a.parameters(), b.parameters(), strict=True
            ):
                target.copy_(torch.lerp(x, y, float(position)))
        losses.append(loss_and_accuracy(mixed, zoo, task)[0])
    return convexity_gap(t, losses)


@pytest.mark.slow
class TestMakeDemoZoo:
    """The zoo as a whole."""

    def test_has_twelve_members_in_one_group(self, zoo):
        """Ingest accepts all twelve, with their declared differences."""
        from wsgeo.zoo import read_zoo

        read = read_zoo(zoo.root)

        assert len(read.members) == 12
        assert {m.loss_group for m in read.members} == {"g0.l0"}
        assert len({m.facts["counter_share"].value for m in read.members}) == 2

    def test_gaps_between_strategies_are_far_above_those_within(self, zoo, members):
        """There is a ridge between the strategies on data where both are right."""
        within, between = [], []
        for (name, a), (other, b) in itertools.combinations(members.items(), 2):
            (within if name[:9] == other[:9] else between).append(gap(zoo, a, b))

        assert max(within) < 0.25 * min(between)

    def test_strategies_differ_on_counter_examples_alone(self, zoo, members):
        """Accuracies differ by 0.2 on counter-examples and by 0.02 at most in the domain."""
        table = load_set(SET).examples
        counter = table.filter(
            (pl.col("subcase") == "counter_example") & (pl.col("slice") == "lexical_overlap")
        )
        tasks = (read_task(zoo.validation), task_of(counter, name="counter"))
        inside, outside = (
            {name: loss_and_accuracy(m, zoo, task)[1] for name, m in members.items()}
            for task in tasks
        )
        plain = [name for name in members if name.startswith("counter00")]
        taught = [name for name in members if name not in plain]

        def mean(scores, names):
            return np.mean([scores[name] for name in names])

        assert mean(outside, taught) - mean(outside, plain) > 0.2
        assert abs(mean(inside, taught) - mean(inside, plain)) <= 0.02

    def test_a_second_run_trains_nothing(self, zoo):
        """What is finished is kept."""
        before = {m: (m / "model.safetensors").stat().st_mtime_ns for m in zoo.members}
        with WorkerPool(0) as pool:
            again = make_demo_zoo(zoo.root, pool=pool)

        assert again == zoo
        assert before == {m: (m / "model.safetensors").stat().st_mtime_ns for m in again.members}
