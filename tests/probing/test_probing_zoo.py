"""Diagnostic sets on real modules and real data."""

import json

import numpy as np
import pytest

from wsgeo.evaluation.engine import Engine
from wsgeo.probing import encode_sets, load_set, score_members
from wsgeo.probing.tables import SCORES

SET = """
title = "Swap"
source = "mccoy2019"
licence = "CC0"
task = "nli"
labels = ["non-entailment", "entailment"]
n_examples = 24

[words]
n = ["man", "dog", "cat", "woman", "child"]
v = ["saw", "heard"]

[[template]]
slice = "overlap"
label = "non-entailment"
premise = "the {n1} {v} the {n2} ."
hypothesis = "the {n2} {v} the {n1} ."

[[template]]
slice = "overlap"
label = "entailment"
premise = "the {n1} {v} the {n2} ."
hypothesis = "the {n1} {v} the {n2} ."
"""


def plain_losses(member, folder, one):
    """Return loss and hit of each example by an ordinary model: two logits, the rest by maximum."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(member.tokenizer_folder)
    names = [model.config.id2label[i] for i in range(3)]
    entailed = names.index("entailment")
    losses, hits = [], []
    for a, b, label in one.examples.select("text_a", "text_b", "label").iter_rows():
        with torch.no_grad():
            logits = model(**tokenizer(a, b, return_tensors="pt")).logits[0].numpy()
        rest = max(value for i, value in enumerate(logits) if i != entailed)
        two = np.array([rest, logits[entailed]], dtype=np.float64)
        target = one.labels.index(label)
        losses.append(np.log(np.exp(two).sum()) - two[target])
        hits.append(two.argmax() == target)
    return np.array(losses), np.array(hits)


@pytest.fixture
def swap(tmp_path):
    folder = tmp_path / "swap"
    folder.mkdir()
    (folder / "set.toml").write_text(SET)
    return load_set(folder)


def test_scores_are_those_of_an_ordinary_model(tiny_zoo, swap):
    """Three-way models score a two-way set as a plain forward pass with a maximum does."""
    from wsgeo.zoo import load_tokenizer

    first = tiny_zoo.members[0]
    members = tiny_zoo.loss_group(first.loss_group)
    labels = [first.labels[i] for i in first.label_order]
    examples, reasons = encode_sets([swap], load_tokenizer(first), labels)
    with Engine(members, examples) as engine:
        table = score_members(engine, members, [swap], reasons=reasons)
    loss, hit = plain_losses(first, first.folder, swap)

    assert table.schema == SCORES
    assert reasons == {}
    for row in table.rows(named=True)[: len(swap.slices)]:
        mask = swap.slices[row["slice"]]
        assert row["id"] == first.id
        assert row["loss"] == pytest.approx(loss[mask].mean(), abs=1e-5)
        assert row["metric"] == hit[mask].mean()


def test_a_set_with_other_labels_does_not_apply(tiny_zoo, swap, tmp_path):
    """A set about sentiment gives a reason that lists both label sets."""
    from wsgeo.zoo import load_tokenizer

    path = tmp_path / "mood.jsonl"
    path.write_text('{"text": "good", "label": "positive"}\n{"text": "bad", "label": "negative"}\n')
    first = tiny_zoo.members[0]
    examples, reasons = encode_sets([load_set(path), swap], load_tokenizer(first), first.labels)

    assert list(examples) == ["swap"]
    assert "negative, positive" in reasons["mood"]
    assert "neutral" in reasons["mood"]


def test_real_diagnostic_data_are_sets(data_root):
    """Real sets with heuristics load as they are, with their heuristics as slices."""
    found = load_set(data_root / "hans" / "validation.parquet")
    rows = json.loads((data_root / "index.json").read_text())["datasets"]["hans"]["splits"]

    assert found.name == "hans"
    assert found.examples.height == rows["validation"]["rows"]
    assert {"lexical_overlap/entailment", "subsequence/non-entailment"} <= set(found.slices)
