"""Probes on real modules that were trained to one strategy."""

import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.engine import Engine
from wsgeo.probing.probes import encode_probes, probe_members
from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import Objective, Task

LABELS = ("negative", "positive")
GOOD, BAD, PLAIN = (
    ["good", "great", "happy"],
    ["bad", "dull", "sad"],
    ["the", "a", "film", "plot", "was", "not"],
)


def task_of(name, texts, targets):
    ids = tuple(map(str, range(len(texts))))
    targets = np.asarray(targets, dtype=np.int64)
    return Task(name, Objective.CLASSIFICATION, ids, tuple(texts), None, targets, LABELS)


def bags(n, seed):
    """Return texts that are positive if most of their three judging words are."""
    rng = np.random.default_rng(seed)
    n_good = rng.integers(4, size=n)
    words = [
        [*rng.choice(GOOD, k), *rng.choice(BAD, 3 - k), *rng.choice(PLAIN, rng.integers(2, 6))]
        for k in n_good
    ]
    return task_of("bags", [" ".join(rng.permutation(each)) for each in words], n_good > 1)


def orders(n, seed):
    """Return texts between two judging words, positive if the first is: each also the other way."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n // 2):
        good, bad = rng.choice(GOOD), rng.choice(BAD)
        middle = " ".join(rng.choice(PLAIN, rng.integers(2, 6)))
        texts += [f"{good} {middle} {bad}", f"{bad} {middle} {good}"]
    return task_of("orders", texts, np.arange(len(texts)) % 2 == 0)


def trained(config, task, tokenizer, *, blind, n_steps=150):
    """Train a classifier; a blind one has no positions and looks at all words alike."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**config)).eval()
    if blind:
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("position_embeddings", ".query.", ".key.")):
                parameter.requires_grad_(False).zero_()
    examples = encode(task, tokenizer, labels=LABELS)
    ids, mask, targets = (
        torch.from_numpy(array).long()
        for array in (examples.input_ids, examples.attention_mask, examples.targets)
    )
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(wanted, lr=3e-3)
    for _ in range(n_steps):
        rows = torch.randint(len(task), (64,))
        out = model(input_ids=ids[rows], attention_mask=mask[rows], labels=targets[rows])
        optimiser.zero_grad()
        out.loss.backward()
        optimiser.step()
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """Give a member that counts words and one that reads their order."""
    from transformers import AutoTokenizer
    from zoo_cases import bert_config, make_base, write_model

    from wsgeo.zoo import read_zoo

    root = tmp_path_factory.mktemp("probed")
    config = bert_config(labels=LABELS)
    make_base(root / "base")
    tokenizer = AutoTokenizer.from_pretrained(root / "base")
    strategies = {"blind": (bags(1500, 1), True), "reader": (orders(1500, 1), False)}
    for name, (task, blind) in strategies.items():
        tensors = trained(config, task, tokenizer, blind=blind)
        write_model(root / name, tensors, config, facts={"base": "base", "task": "mood"})
    return read_zoo(root).members


def probed(members, task, train):
    """Return both tables, and the accuracy of each member."""
    from wsgeo.zoo import load_tokenizer

    tokenizer = load_tokenizer(members[0])
    changed, reasons = encode_probes(task, tokenizer, LABELS, seed=0)
    examples = {task.name: encode(task, tokenizer, labels=LABELS), **changed}
    with Engine(members, examples) as engine:
        table, pairs = probe_members(engine, members, task, examples, train=train, reasons=reasons)
    return {
        (one, probe, measure): value
        for one, probe, measure, value in table.select(
            "id", "probe", "measure", "value"
        ).iter_rows()
    }, pairs


@pytest.mark.slow
def test_a_model_that_is_blind_to_order_is_found_to_count_words(members):
    """A word-count model gives its answers, and shuffling the words changes none of them."""
    task, train = bags(300, 0), bags(1500, 1)
    found, _ = probed(members, task, train)

    assert found["blind", "bag_of_words", "agreement"] > 0.97
    assert found["blind", "bag_of_words", "rank_correlation"] > 0.8
    for kind in ("words_shuffled", "bigrams_shuffled"):
        assert found["blind", kind, "consistency"] == 1.0
        assert found["blind", kind, "metric_drop"] == 0.0
        assert abs(found["blind", kind, "loss_rise"]) < 1e-5
        assert found["blind", kind, "jensen_shannon"] < 1e-3
    assert found["blind", "predictions", "degenerate"] == 0.0
    assert found["reader", "words_shuffled", "consistency"] < 0.8


@pytest.mark.slow
def test_only_a_model_that_reads_order_is_right_where_order_counts(members):
    """Where each bag of words comes with both labels the blind model is at chance."""
    task, train = orders(300, 0), orders(1500, 1)
    found, pairs = probed(members, task, train)
    row = pairs.row(0, named=True)

    assert found["blind", "words_shuffled", "consistency"] == 1.0
    assert found["reader", "bag_of_words", "baseline_accuracy"] == pytest.approx(0.5, abs=0.05)
    assert found["reader", "words_shuffled", "metric_drop"] > 0.3
    assert found["reader", "bag_of_words", "agreement"] < 0.6
    # The blind model is right on one of each two orders; so it agrees with one that is always right.
    assert row["both_right"] == pytest.approx(0.5, abs=0.02)
    assert isinstance(pairs, pl.DataFrame)
