"""Weights, models and tokenizers at the moment they are needed."""

import json

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    edit_json,
    fine_tuned,
    make_zoo,
    random_tensors,
    tokenizer_document,
    vocabulary,
    write_adapter,
    write_model,
    write_series,
    write_tokenizer,
)

from wsgeo.errors import EntryError
from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.zoo import build_model, head_names, load_base, load_tokenizer, load_weights, read_zoo

SENTENCES = (
    ["the doctor near the actor danced", "bad film"],
    ["the actor danced", "not very good"],
)


@pytest.fixture
def root(tmp_path):
    """Make a zoo of one member."""
    return make_zoo(tmp_path / "zoo", n_members=1)


@pytest.fixture
def member(root):
    """Read its member."""
    return read_zoo(root).members[0]


def logits(checkpoint):
    """Return the logits of a checkpoint as wsgeo loads it."""
    import torch

    model, weights = build_model(checkpoint), load_weights(checkpoint)
    state = {name: torch.from_numpy(weights.tensor(name)) for name in weights.layout.names}
    model.load_state_dict(state, strict=False)
    inputs = load_tokenizer(checkpoint)(*SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits.numpy()


class TestLoadWeights:
    """`load_weights`."""

    def test_rows_are_in_the_groups_order(self, root, member):
        """Row i of the loaded head belongs to label i of the group, the body is as in the file."""
        stored = read_tensors(root / "run-0" / "model.safetensors")
        weights = load_weights(member)

        for i, label in enumerate(member.group_labels):
            row = NLI_LABELS.index(label)
            assert np.array_equal(
                weights.tensor("classifier.weight")[i], stored["classifier.weight"][row]
            )
            assert weights.tensor("classifier.bias")[i] == stored["classifier.bias"][row]
        for name in set(weights.layout.names) - member.label_rows:
            assert np.array_equal(weights.tensor(name), stored[name])

    def test_permuted_twins_load_alike(self, root):
        """A member and its copy with permuted rows and names have the same loaded weights."""
        config = bert_config(labels=NLI_LABELS)
        tensors = fine_tuned(random_tensors(bert_config()), config, 0)
        order = [2, 0, 1]
        twin = dict(tensors)
        for name in ("classifier.weight", "classifier.bias"):
            twin[name] = tensors[name][order]
        labels = [NLI_LABELS[i] for i in order]
        write_model(root / "twin", twin, bert_config(labels=labels), facts={"base": "base"})
        one, two = read_zoo(root).members

        assert one.loss_group == two.loss_group
        assert np.array_equal(load_weights(one).vector, load_weights(two).vector)

    @pytest.mark.parametrize("fault", ["bit", "cut", "gone", "other"])
    def test_a_file_that_changed(self, root, member, fault):
        """A file that is not what was checked is never used, whatever its size and time."""
        path = root / "run-0" / "model.safetensors"
        raw = bytearray(path.read_bytes())
        if fault == "bit":
            raw[-3] ^= 1
            path.write_bytes(raw)
        elif fault == "cut":
            path.write_bytes(raw[:-100])
        elif fault == "other":
            write_safetensors(path, {"x": np.zeros(3, np.float32)})
        else:
            path.unlink()

        with pytest.raises(EntryError, match=r"model\.safetensors"):
            load_weights(member)

    def test_a_base_that_changed(self, root, member):
        """The base is checked in the same way."""
        path = root / "base" / "model.safetensors"
        raw = bytearray(path.read_bytes())
        raw[-3] ^= 1
        path.write_bytes(raw)

        with pytest.raises(EntryError) as caught:
            load_base(member)
        assert caught.value.code == "file_changed"

    def test_head_names(self, member):
        """The head is the classifier; the pooler belongs to the body."""
        assert head_names(member) == {"classifier.weight", "classifier.bias"}


class TestBuildModel:
    """`build_model`."""

    def test_nothing_is_there_before_it_is_loaded(self, member):
        """Every parameter is NaN, so that one that was forgotten shows."""
        import torch

        model = build_model(member)

        assert not model.training
        assert all(torch.isnan(p).all() and p.dtype == torch.float32 for p in model.parameters())

    def test_global_randomness_is_left_alone(self, member):
        """Building draws no random number."""
        import torch

        before = torch.random.get_rng_state()
        build_model(member)

        assert torch.equal(before, torch.random.get_rng_state())

    def test_agrees_with_the_library(self, root):
        """Logits are those of transformers' own loading, in the group's order."""
        import torch
        from transformers import AutoModelForSequenceClassification
        from transformers.utils import logging

        logging.disable_progress_bar()
        series = write_series(
            root / "s", random_tensors(bert_config()), bert_config(labels=NLI_LABELS), [1]
        )
        member = next(m for m in read_zoo(root).members if m.id == "s/checkpoint-1")
        model = AutoModelForSequenceClassification.from_pretrained(series / "checkpoint-1").eval()
        inputs = load_tokenizer(member)(*SENTENCES, padding=True, return_tensors="pt")
        with torch.no_grad():
            expected = model(**inputs).logits.numpy()[:, list(member.label_order)]

        assert logits(member) == pytest.approx(expected, abs=1e-6)


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


class TestLoadTokenizer:
    """`load_tokenizer`."""

    def test_encodes(self, member):
        """The tokenizer of the folder is the one that comes back."""
        vocab = vocabulary()
        ids = load_tokenizer(member)("the doctor")["input_ids"]

        assert ids == [vocab[token] for token in ("[CLS]", "the", "doctor", "[SEP]")]

    def test_a_tokenizer_that_changed(self, root, member):
        """Another vocabulary since the zoo was read is refused."""
        document = tokenizer_document()
        vocab = document["model"]["vocab"]
        vocab["cat"], vocab["dog"] = vocab["dog"], vocab["cat"]
        write_tokenizer(root / "run-0", document)

        with pytest.raises(EntryError):
            load_tokenizer(member)

    def test_no_code_is_run_and_nobody_asked(self, root, member, monkeypatch):
        """A config that names code of its own neither runs it nor asks for leave."""
        import sys

        monkeypatch.setattr(sys, "stdin", None)
        path = root / "run-0" / "tokenizer_config.json"
        config = json.loads(path.read_text())
        config["auto_map"] = {"AutoTokenizer": ["evil.Tokenizer", None]}
        path.write_text(json.dumps(config))
        (root / "run-0" / "evil.py").write_text("raise SystemExit('executed')")

        assert len(load_tokenizer(member)) == len(vocabulary())
