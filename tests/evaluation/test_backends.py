"""The choice of a backend."""

from __future__ import annotations

import dataclasses

import evaluation_cases as cases
import numpy as np
import pytest
from zoo_cases import bert_config, make_zoo, write_adapter

from wsgeo.evaluation import backends
from wsgeo.evaluation.backends import KNOWN, MODULE, Backends, choose, resumed
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Item, Point
from wsgeo.tasks.task import Objective
from wsgeo.zoo import load_weights, read_zoo


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


def test_an_adapter_is_packed_merged(tmp_path):
    """A LoRA member is evaluated as its base with the adapter merged, and packed as any other."""
    make_zoo(tmp_path, n_members=1)
    write_adapter(tmp_path / "lora", "base", bert_config())
    lora = next(m for m in read_zoo(tmp_path).members if m.id == "lora")
    texts = cases.classification(n=20)

    found = choose(lora, [texts], load_weights)
    assert found.kernel != MODULE
    outcomes = []
    for each in (found, Backends()):
        with Engine([lora], {"toy": texts}, backends=each) as engine:
            [(outcome,)] = engine.evaluate_all([Item((Point.of(lora.content_hash),), "toy")])
        outcomes.append(outcome)
    assert outcomes[0].loss == pytest.approx(outcomes[1].loss, abs=1e-5)
    assert outcomes[0].logits == pytest.approx(outcomes[1].logits, abs=1e-5)


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


@pytest.mark.parametrize("model_class", [None, "BertForSequenceClassification"])
def test_two_formats_stand_side_by_side(member, examples, model_class, monkeypatch):
    """A choice in bfloat16 says what it changes, and gives the same backend in float32."""
    if model_class is not None:
        monkeypatch.setattr(backends, "blueprint_of", lambda *_: None)

    found = choose(member, [examples], cases.load, "bf16")
    exact = found.at("fp32")

    assert "of fp32" in str(found)
    assert "of fp32" not in str(exact)
    assert found.precision_of("bf16") == exact.precision_of("fp32").replace("fp32", "bf16")
    rounded, truth = (
        each.make(member, 256).losses(each.packed(member, cases.load(member)).vector, examples)
        for each in (found, exact)
    )
    assert 0 < np.abs(rounded.loss - truth.loss).max() < 0.1
    assert rounded.mean == pytest.approx(truth.mean, abs=5e-3)


def test_slow_bfloat16_is_announced(member, examples, monkeypatch):
    """Where a processor multiplies bfloat16 no faster, the choice says so."""
    monkeypatch.setattr(backends, "speedup", lambda *_: 0.5)

    assert "no faster" in choose(member, [examples], cases.load, "bf16").note


def test_a_key_names_the_right_format():
    """Losses in one number format are not filed under another."""
    with pytest.raises(ValueError, match="compute in fp32"):
        Backends().precision_of("bf16")


def test_kinds_of_devices_have_keys_of_their_own():
    """A GPU rounds in its own way; which GPU does not matter."""
    keys = [Backends(device=device).precision_of("fp32") for device in ("cpu", "cuda:0", "cuda:1")]

    assert keys == ["fp32", "fp32-cuda", "fp32-cuda"]


def test_a_gpu_computes_the_same(member, examples):
    """Losses on a GPU are those of the processor."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("NOT TESTED: no GPU is here, so nothing of this has run on one.")
    found = choose(member, [examples], cases.load, device="cuda:0")
    truth = losses(member, examples, resumed("plain", [examples]))
    assert losses(member, examples, found).loss == pytest.approx(truth.loss, abs=1e-5)
