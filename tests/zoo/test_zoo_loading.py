"""Weights, models and tokenizers at the moment they are needed."""

import json

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    SENTENCES,
    bert_config,
    fine_tuned,
    logits,
    random_tensors,
    tokenizer_document,
    vocabulary,
    write_model,
    write_series,
    write_tokenizer,
)

from wsgeo.errors import EntryError
from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.zoo import build_model, head_names, load_base, load_tokenizer, load_weights, read_zoo


@pytest.fixture
def member(root):
    """Read its member."""
    return read_zoo(root).members[0]


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
