"""Adapters are merged as their library does, or refused."""

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    SENTENCES,
    bert_config,
    edit_json,
    logits,
    write_adapter,
    write_model,
)

from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.zoo import load_base, load_tokenizer, load_weights, read_zoo


def _write_ia3(folder, config, **changes):
    """Write an IA3 adapter as PEFT saves it: keys and values scaled, and what enters a layer."""
    write_adapter(
        folder, "base", config, peft_type="IA3", feedforward_modules=["output.dense"], **changes
    )
    path, prefix = folder / "adapter_model.safetensors", "base_model.model.bert.encoder.layer."
    stored = {n: v for n, v in read_tensors(path).items() if ".lora_" not in n}
    rng = np.random.default_rng(0)
    for i in range(config["num_hidden_layers"]):
        for module, shape in (
            ("attention.self.key", (16, 1)),
            ("attention.self.value", (16, 1)),
            ("attention.output.dense", (1, 16)),
            ("output.dense", (1, 32)),
        ):
            values = rng.normal(1, 0.3, shape).astype(np.float32)
            stored[f"{prefix}{i}.{module}.ia3_l"] = values
    edit_json(
        folder / "adapter_config.json",
        target_modules=["key", "value", "output.dense"],
        fan_in_fan_out=False,
        init_ia3_weights=True,
    )
    write_safetensors(path, stored)
    return stored


class TestAdapters:
    """Adapters are merged on loading."""

    def adapter(self, root, **changes):
        """Write one and read it."""
        write_adapter(root / "lora", "base", bert_config(), **changes)
        return next(m for m in read_zoo(root).members if m.id == "lora")

    @pytest.mark.parametrize("changes", [{}, {"use_rslora": True}, {"alpha_pattern": {"query": 7}}])
    def test_merges_by_the_formula(self, root, changes):
        """The merged matrix is the base's plus scaling times B A; others are the base's."""
        member = self.adapter(root, **changes)
        factors = read_tensors(root / "lora" / "adapter_model.safetensors")
        base, weights = load_base(member), load_weights(member)
        for target in ("query", "value", "key"):
            name = f"bert.encoder.layer.1.attention.self.{target}"
            expected = base.tensor(f"{name}.weight").astype(np.float64)
            if target != "key":
                a, b = (factors[f"base_model.model.{name}.lora_{f}.weight"] for f in "AB")
                alpha = 7 if changes.get("alpha_pattern") and target == "query" else 4
                scale = alpha / (2**0.5 if changes.get("use_rslora") else 2)
                expected = expected + scale * b.astype(np.float64) @ a

            assert weights.tensor(f"{name}.weight") == pytest.approx(expected, abs=1e-6)

    def test_nothing_added_is_the_base(self, root):
        """With B = 0 the body is the base's, bit for bit."""
        member = self.adapter(root, scale=0.0)
        base, weights = load_base(member), load_weights(member)

        for name in base.layout.names:
            assert np.array_equal(weights.tensor(name), base.tensor(name))

    def test_is_found_to_equal_its_merged_copy(self, root):
        """A merged model saved in full has the adapter's content hash."""
        member = self.adapter(root)
        weights = load_weights(member)
        tensors = {name: weights.tensor(name).copy() for name in weights.layout.names}
        config = bert_config(labels=member.group_labels)
        write_model(root / "merged", tensors, config, facts={"base": "base"})
        edit_json(root / "lora" / "wsgeo.json", labels=list(member.group_labels))
        for name in ("classifier.weight", "classifier.bias"):
            path = root / "lora" / "adapter_model.safetensors"
            stored = read_tensors(path)
            stored[f"base_model.model.{name}"] = tensors[name]
            write_safetensors(path, stored)
        members = {m.id: m for m in read_zoo(root).members}

        assert members["merged"].content_hash == members["lora"].content_hash
        assert members["merged"].duplicate_of == "lora"

    def test_labels_and_method(self, root):
        """Its labels come from ``wsgeo.json``, its method is lora, its body is named by the base."""
        member = self.adapter(root)

        assert member.labels == NLI_LABELS
        assert member.facts["method"].value == "lora"
        assert member.facts["base"].source == "adapter_config.json"

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_agrees_with_peft(self, root):
        """Logits are those of PEFT on the same base."""
        import torch
        from peft import PeftModel
        from transformers import AutoModelForSequenceClassification

        member = self.adapter(root)
        base = AutoModelForSequenceClassification.from_pretrained(root / "base", num_labels=3)
        model = PeftModel.from_pretrained(base, str(root / "lora")).eval()
        inputs = load_tokenizer(member)(*SENTENCES, padding=True, return_tensors="pt")
        with torch.no_grad():
            expected = model(**inputs).logits.numpy()[:, list(member.label_order)]

        assert logits(member) == pytest.approx(expected, abs=2e-5)


class TestScaledAdapters:
    """IA3 adapters are merged on loading."""

    @pytest.fixture
    def stored(self, root):
        """Write one beside the members."""
        return _write_ia3(root / "ia3", bert_config())

    def read(self, root):
        """Read it as a member."""
        return next(m for m in read_zoo(root).members if m.id == "ia3")

    def test_scales_rows_with_bias_or_columns(self, root, stored):
        """Keys scale rows and bias, a feed-forward layer its columns, to the bit."""
        member = self.read(root)
        base, weights = load_base(member), load_weights(member)
        layer = "bert.encoder.layer.1"
        key = stored[f"base_model.model.{layer}.attention.self.key.ia3_l"]
        inner = stored[f"base_model.model.{layer}.output.dense.ia3_l"]

        for name, factors in (
            (f"{layer}.attention.self.key.weight", key),
            (f"{layer}.attention.self.key.bias", key[:, 0]),
            (f"{layer}.output.dense.weight", inner),
            (f"{layer}.output.dense.bias", np.float32(1)),
            (f"{layer}.attention.self.query.weight", np.float32(1)),
        ):
            assert np.array_equal(weights.tensor(name), base.tensor(name) * factors), name
        assert member.facts["method"].value == "ia3"

    def test_its_hash_is_that_of_the_merged_model(self, root, stored):
        """Other vectors make another member; the same ones the same."""
        first = self.read(root).content_hash
        name = next(n for n in stored if n.endswith("key.ia3_l"))
        write_safetensors(
            root / "ia3" / "adapter_model.safetensors", stored | {name: stored[name] * 2}
        )

        assert self.read(root).content_hash != first

    @pytest.mark.parametrize("shape", [(16,), (1, 17), (17, 1), (16, 2)])
    def test_a_vector_that_does_not_fit_is_refused(self, root, stored, shape):
        """A vector of another length or shape is malformed."""
        name = next(n for n in stored if n.endswith("key.ia3_l"))
        wrong = stored | {name: np.ones(shape, np.float32)}
        write_safetensors(root / "ia3" / "adapter_model.safetensors", wrong)
        row = next(row for row in read_zoo(root).excluded if row.id == "ia3")

        assert (row.fate, row.code) == ("rejected", "malformed_adapter")

    def test_a_prompt_is_set_aside_with_the_reason(self, root, stored):
        """Prefixes are no weights of the base, and the row says so."""
        edit_json(root / "ia3" / "adapter_config.json", peft_type="PREFIX_TUNING")
        row = next(row for row in read_zoo(root).excluded if row.id == "ia3")

        assert row.fate == "set aside"
        assert "cannot be written as weights of the base" in row.cause

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_agrees_with_pefts_merge(self, root, stored):
        """Every merged tensor is the one that PEFT makes, to the bit; so are nearly the logits."""
        import torch
        from peft import PeftModel
        from transformers import AutoModelForSequenceClassification

        member = self.read(root)
        base = AutoModelForSequenceClassification.from_pretrained(root / "base", num_labels=3)
        adapted = PeftModel.from_pretrained(base, str(root / "ia3")).eval()
        inputs = load_tokenizer(member)(*SENTENCES, padding=True, return_tensors="pt")
        with torch.no_grad():
            expected = adapted(**inputs).logits.numpy()[:, list(member.label_order)]
        layers = {n: m for n, m in adapted.named_modules() if getattr(m, "ia3_l", None)}
        weights = load_weights(member)

        assert len(layers) == 8
        for path, layer in layers.items():
            layer.merge()
            name = path.removeprefix("base_model.model.")
            for kind in ("weight", "bias"):
                merged = getattr(layer.base_layer, kind).detach().numpy()
                assert np.array_equal(weights.tensor(f"{name}.{kind}"), merged), name
        assert logits(member) == pytest.approx(expected, abs=2e-5)
