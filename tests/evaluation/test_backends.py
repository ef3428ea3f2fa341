"""The choice of a backend."""

from __future__ import annotations

import dataclasses

import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.evaluation import backends
from wsgeo.evaluation.backends import KNOWN, MODULE, Backends, choose, resumed
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Item, Point
from wsgeo.tasks.task import Objective


@pytest.fixture(scope="module")
def member(tmp_path_factory):
    """Return a checkpoint that can be packed."""
    model = cases.build("bert", Objective.CLASSIFICATION)
    return cases.write_checkpoint(model, tmp_path_factory.mktemp("zoo") / "m", "m")


@pytest.fixture(scope="module")
def examples():
    return cases.classification(n=20)


def losses(member, examples, found):
    given = {"load": cases.load, "head_names": cases.head_names, "backends": found}
    with Engine([member], {"toy": examples}, **given) as engine:
        [(outcome,)] = engine.evaluate_all([Item((Point.of(member.content_hash),), "toy")])
    return outcome


def test_a_known_kind_is_packed(member, examples):
    """The packed backend is chosen, and its losses are those of the module."""
    found = choose(member, [examples], cases.load)

    assert found.kernel != MODULE
    packed, plain = losses(member, examples, found), losses(member, examples, cases.ToyBackends())
    assert packed.loss == pytest.approx(plain.loss, abs=1e-5)


def test_an_earlier_choice_is_kept(member, examples):
    """What a run began with it goes on with, on whatever examples."""
    found = resumed("plain", [examples])

    assert (found.kernel, resumed(MODULE, [examples]).known) == ("plain", None)
    plain = losses(member, examples, cases.ToyBackends())
    assert losses(member, examples, found).loss == pytest.approx(plain.loss, abs=1e-5)


def test_another_kind_is_left_to_its_module(member, examples):
    """A class without a blueprint says why it is not packed."""
    other = dataclasses.replace(member, model_class="BertForMultipleChoice")

    found = choose(other, [examples], cases.load)

    assert found.kernel == MODULE
    assert "BertForMultipleChoice" in found.reason


def test_what_differs_is_not_used(member, examples, monkeypatch):
    """A packed backend whose logits are not the module's is given up."""
    original = backends.blueprint_of
    monkeypatch.setattr(
        backends, "blueprint_of", lambda *given: dataclasses.replace(original(*given), eps=0.5)
    )

    found = choose(member, [examples], cases.load)

    assert found.kernel == MODULE
    assert "differ by" in found.reason


def test_ways_to_compute_have_keys_of_their_own():
    """Losses that were computed in another way are never mixed."""
    keys = [each.precision_of("fp32") for each in KNOWN]

    assert len(set(keys)) == len(keys)
    assert Backends().precision_of("fp32") == "fp32"


def test_packing_is_linear(member, examples, rng):
    """To pack a mix is to mix what is packed."""
    found = resumed("plain", [examples])
    one = cases.load(member)
    other = dataclasses.replace(one, vector=rng.standard_normal(len(one.vector)).astype(np.float32))
    mixed = dataclasses.replace(one, vector=(0.25 * one.vector + 0.75 * other.vector))

    whole = found.packed(member, mixed).vector
    parts = [found.packed(member, each).vector for each in (one, other)]

    assert whole == pytest.approx(0.25 * parts[0] + 0.75 * parts[1], abs=1e-6)
    assert len(whole) < len(one.vector)
