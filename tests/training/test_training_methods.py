"""Methods of fine-tuning."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from wsgeo.errors import WsgeoError
from wsgeo.training import Order, make_member
from wsgeo.training.fine_tuning import fine_tune
from wsgeo.training.methods import METHODS, Adapter, Lora, Prefix
from wsgeo.training.models import classifier_of, perturb, trainable_of

IDS = {"input_ids": torch.tensor([[2, 5, 6, 3]]), "attention_mask": torch.ones(1, 4).long()}


@pytest.fixture(scope="module")
def poolerless(workshop):
    """Give the folder of a base that brings no pooler."""
    recipe = dataclasses.replace(workshop.pretraining, pair_weight=0.0)
    make_member(Order(workshop.root / "plain", recipe, workshop.root))
    return workshop.root / "plain"


def method_of(name):
    """Return a method; a prefix short enough for the base's sixteen positions."""
    return METHODS[name](**({"tokens": 4} if name == "prefix" else {}))


def start_of(recipe):
    """Return a recipe's model before its first update."""
    torch.manual_seed(recipe.seed)
    return trainable_of(recipe)


def rms(tensor):
    """Return the root mean square of a tensor."""
    return float(tensor.detach().square().mean().sqrt())


@pytest.mark.parametrize("name", sorted(METHODS))
class TestPrepare:
    """What is trained."""

    def test_changes_only_what_it_may(self, recipe, poolerless, name):
        """Training moves the parameters that ask for a gradient, and no others."""
        recipe = dataclasses.replace(recipe, base=poolerless, method=method_of(name))
        before = start_of(recipe).state_dict()
        model = fine_tune(recipe).model
        trained = {n for n, p in model.named_parameters() if p.requires_grad}
        moved = {n for n, x in model.state_dict().items() if not torch.equal(x, before[n])}

        assert moved
        assert moved <= trained
        assert any("pooler" in n for n in moved)
        assert any("classifier" in n for n in moved)

    def test_is_the_method_of_its_name(self, recipe, poolerless, name):
        """Beside head and fresh pooler, each method trains its own kind of weights."""
        recipe = dataclasses.replace(recipe, base=poolerless, method=method_of(name))
        model = start_of(recipe)
        inner = {
            n
            for n, p in model.named_parameters()
            if p.requires_grad and "classifier" not in n and "pooler" not in n
        }
        kind = {
            "full": "", "probe": None, "bitfit": "bias", "lora": "lora_", "ia3": "ia3_",
            "prefix": "prompt_encoder", "adapter": "extra",
        }[name]  # fmt: skip

        assert all(kind is not None and kind in n for n in inner)
        assert bool(inner) == (name != "probe")


class TestSave:
    """Folders of methods."""

    @pytest.mark.parametrize("name", ["full", "bitfit", "probe", "adapter"])
    def test_plain_folders_hold_the_function_that_was_trained(
        self, recipe, poolerless, tmp_path, name
    ):
        """The saved model gives the logits of the one in memory."""
        from transformers import AutoModelForSequenceClassification

        method = method_of(name)
        model = fine_tune(dataclasses.replace(recipe, base=poolerless, method=method)).model
        method.save(model, tmp_path, "plain")
        read = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()

        with torch.no_grad():
            assert torch.allclose(read(**IDS).logits, model(**IDS).logits, atol=1e-6)

    @pytest.mark.parametrize("name", ["lora", "ia3", "prefix"])
    def test_adapters_hold_the_function_that_was_trained(self, recipe, poolerless, tmp_path, name):
        """PEFT reads the adapter, fresh pooler included, onto the base."""
        from peft import PeftModel

        method = method_of(name)
        recipe = dataclasses.replace(recipe, base=poolerless, method=method)
        model = fine_tune(recipe).model
        method.save(model, tmp_path, "plain")
        torch.manual_seed(99)
        base, _ = classifier_of(recipe)
        read = PeftModel.from_pretrained(base, tmp_path).eval()
        config = json.loads((tmp_path / "adapter_config.json").read_text())

        assert config["base_model_name_or_path"] == "plain"
        assert config["inference_mode"] is True
        with torch.no_grad():
            assert torch.allclose(read(**IDS).logits, model(**IDS).logits, atol=1e-6)

    def test_a_lora_member_is_merged_by_ingest(self, recipe, poolerless, workshop):
        """Ingest finds the base by its name and merges the adapter to the function that was trained."""
        from wsgeo.zoo import load_weights, read_zoo

        zoo = workshop.root / "lora-zoo"
        recipe = dataclasses.replace(recipe, base=poolerless, method=Lora(rank=2))
        make_member(Order(zoo / "one", recipe, workshop.root))
        [member] = read_zoo(zoo, base=str(poolerless)).members
        merged = fine_tune(recipe).model.merge_and_unload().state_dict()
        weights = load_weights(member)

        for name in weights.layout.names:
            whole = merged[name].numpy()
            # Ingest puts labels in the order of their names.
            expected = (whole[::-1] if name.startswith("classifier") else whole).ravel()
            assert np.allclose(weights.vector[weights.layout.span(name)], expected, atol=1e-6), name


class TestAdapter:
    """Bottlenecks."""

    def test_is_a_bottleneck_beside_the_layer(self, recipe, poolerless):
        """A layer with its bottleneck is the layer plus ``up(act(down(x)))``."""
        recipe = dataclasses.replace(recipe, base=poolerless, method=Adapter(width=3))
        model = fine_tune(recipe).model
        block = model.bert.encoder.layer[0]
        inner, outer, x = block.intermediate.dense, block.output.dense, torch.randn(5, 16)
        act = torch.nn.functional.gelu
        with torch.no_grad():
            plain = outer.layer(act(inner.layer(x)))
            beside = act(x @ inner.extra.T + inner.extra_bias) @ outer.extra.T

            assert beside.abs().max() > 1e-4
            assert torch.allclose(outer(act(inner(x))), plain + beside, atol=1e-6)

    def test_begins_as_the_base(self, recipe):
        """Before training the bottlenecks add nothing."""
        plain = start_of(recipe).eval()
        with_adapter = start_of(dataclasses.replace(recipe, method=Adapter())).eval()

        with torch.no_grad():
            assert torch.allclose(plain(**IDS).logits, with_adapter(**IDS).logits, atol=1e-6)

    def test_refuses_a_model_without_such_layers(self, recipe):
        """Where inner and outer width agree, nothing tells the layers apart."""
        model, fresh = classifier_of(recipe)
        model.config.intermediate_size = model.config.hidden_size

        with pytest.raises(WsgeoError, match="no feed-forward layers"):
            Adapter().prepare(model, fresh)


class TestPerturb:
    """The first shift."""

    def test_of_zero_is_the_identity(self, recipe):
        """No bit changes."""
        model = start_of(recipe)
        before = {n: p.detach().clone() for n, p in model.named_parameters()}
        perturb(model, 0.0, 1)

        assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())

    @pytest.mark.parametrize("name", sorted(METHODS))
    def test_is_in_units_of_each_tensor_that_is_trained(self, recipe, poolerless, name):
        """What is trained is shifted by its share of its own size; frozen weights and zeros stay."""
        recipe = dataclasses.replace(recipe, base=poolerless, method=method_of(name))
        plain, shifted = (
            start_of(dataclasses.replace(recipe, perturbation=scale)) for scale in (0.0, 0.1)
        )
        after = dict(shifted.named_parameters())
        for n, before in plain.named_parameters():
            size, shift = rms(before), rms(after[n] - before)
            if not before.requires_grad or not size:
                assert torch.equal(after[n], before), n
            elif before.numel() >= 256:
                assert shift / size == pytest.approx(0.1, rel=0.15), n
            else:
                assert 0 < shift < 0.5 * size, n

    def test_is_the_seeds_own(self, recipe):
        """The same seed gives the same bits, another one other noise; the head's seed is no part."""
        shift = {"perturbation": 0.1, "perturbation_seed": 4}
        one, same, other = (
            start_of(dataclasses.replace(recipe, **{**shift, **change})).bert
            for change in ({}, {"seed": 7}, {"perturbation_seed": 5})
        )
        weights = [m.encoder.layer[0].output.dense.weight for m in (one, same, other)]

        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])

    def test_leaves_an_adapter_the_function_of_its_base(self, recipe, poolerless):
        """A low-rank change starts at zero, shifted or not."""
        plain, shifted = (
            start_of(
                dataclasses.replace(recipe, base=poolerless, method=Lora(), perturbation=scale)
            ).base_model.model.bert.encoder.eval()
            for scale in (0.0, 0.1)
        )
        x = torch.randn(1, 4, 16)

        with torch.no_grad():
            assert torch.equal(plain(x)[0], shifted(x)[0])


def test_a_prefix_needs_positions_of_its_own(recipe):
    """Text and prefix must fit the base's sixteen positions; the line says how long a text may be."""
    with pytest.raises(WsgeoError, match="Set max_length to 4"):
        fine_tune(dataclasses.replace(recipe, method=Prefix(tokens=12)))


def test_an_adapter_does_not_go_on_from_a_fine_tuning(recipe):
    """Its base would be neither the one that is written down nor the one that it needs."""
    with pytest.raises(ValueError, match="starts from a base"):
        dataclasses.replace(recipe, start=recipe.base, method=Lora())
