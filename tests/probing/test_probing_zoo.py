"""Diagnostic sets on real modules and real data."""

import json

import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.engine import Engine
from wsgeo.probing import encode_sets, load_set, score_members
from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.judgements import judge, units_of
from wsgeo.probing.set_files import MOST
from wsgeo.probing.tables import SCORES
from wsgeo.tasks import Objective

INVARIANT = [
    {"text": f"the {noun} saw a {other} .", "group": noun}
    for noun in ("man", "dog", "cat")
    for other in ("child", "woman")
]

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
        table = score_members(engine, members, [swap], examples=examples, reasons=reasons)
    loss, hit = plain_losses(first, first.folder, swap)

    assert table.schema == SCORES
    assert reasons == {}
    for row in table.rows(named=True)[: len(swap.slices)]:
        mask = swap.slices[row["slice"]]
        assert row["id"] == first.id
        assert row["loss"] == pytest.approx(loss[mask].mean(), abs=1e-5)
        assert row["metric"] == hit[mask].mean()
    told = swap.examples["label"].to_numpy()
    recalls = [hit[told == label].mean() for label in swap.labels]
    assert table["balanced"][0] == pytest.approx(np.mean(recalls))


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
    assert found.examples.height == min(MOST, rows["validation"]["rows"])
    assert {"lexical_overlap/entailment", "subsequence/non-entailment"} <= set(found.slices)


def test_invariance_without_labels_applies_to_any_classifier(tiny_zoo, tmp_path):
    """Groups of texts are asked of members whatever their labels, by what they predict."""
    from wsgeo.zoo import load_tokenizer

    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in INVARIANT))
    one, members = load_set(path), tiny_zoo.loss_group(tiny_zoo.members[0].loss_group)
    labels = [members[0].labels[i] for i in members[0].label_order]
    examples, reasons = encode_sets([one], load_tokenizer(members[0]), labels)
    with Engine(members, examples) as engine:
        table = score_members(engine, members, [one], examples=examples)

    assert reasons == {}
    assert table["outcome"].unique().to_list() == ["measured"]
    assert table["measure"].unique().to_list() == ["invariance"]
    assert table["n_examples"].unique().to_list() == [3]
    assert table["loss"].null_count() == table.height


@pytest.mark.slow
def test_a_real_language_model_prefers_some_good_sentences(data_root, weights_root, tmp_path):
    """A small story model knows case and agreement of BLiMP better than chance, as it should."""
    import evaluation_cases as cases
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = weights_root / "TinyStories-656K"
    known = pl.col("uid").is_in(["principle_A_case_1", "irregular_past_participle_verbs"])
    rows = pl.read_parquet(data_root / "blimp" / "pairs.parquet").filter(known)
    rows.group_by("uid").head(100).write_parquet(tmp_path / "stories.parquet")
    one, tokenizer = load_set(tmp_path / "stories.parquet"), AutoTokenizer.from_pretrained(folder)
    examples, _ = encode_sets([one], tokenizer, objective=Objective.CAUSAL_LM)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    backend, weights = cases.backend_of(model)
    losses = backend.losses(weights.vector, examples[one.name])
    (units,) = units_of(one)
    right = judge(units, losses, examples[one.name]).right

    assert (examples[one.name].input_ids[:, 0] == tokenizer.bos_token_id).all()
    for name, mask in units.slices.items():
        assert wilson_interval(right[mask].sum(), mask.sum())[0] > 0.5, name
