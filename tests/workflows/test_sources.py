"""What a group is measured on, and what that costs."""

from types import SimpleNamespace

import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.tasks import Objective, Task, label_map
from wsgeo.workflows import sources
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest

NLI = Task(
    "nli",
    Objective.CLASSIFICATION,
    tuple("abcde"),
    ("t",) * 5,
    targets=np.array([0, 1, 2, 1, 0]),
    labels=("neutral", "entailment", "contradiction"),
)


class TestLabels:
    """What ``--label`` does."""

    def test_several_labels_become_one(self):
        """Labels that are called the same are one label, at the place of the first."""
        said = dict.fromkeys(("neutral", "contradiction"), "non-entailment")
        task = sources._renamed(NLI, said)

        assert task.labels == ("non-entailment", "entailment")
        assert task.targets.tolist() == [0, 1, 0, 1, 0]
        assert label_map(task.labels, ("entailment", "non-entailment")).named

    def test_names_alone_change_no_example(self):
        """Where each label gets its own name, also another's, the examples keep their classes."""
        said = {"neutral": "entailment", "entailment": "neutral"}
        task = sources._renamed(NLI, said)

        assert task.labels == ("entailment", "neutral", "contradiction")
        np.testing.assert_array_equal(task.targets, NLI.targets)

    def test_a_label_that_is_not_there_is_refused(self):
        """The message names the labels that there are."""
        with pytest.raises(DataError, match="Its labels: neutral, entailment, contradiction"):
            sources._renamed(NLI, {"maybe": "neutral"})


@pytest.mark.parametrize(
    ("config", "trained", "longest"),
    [
        ({"max_position_embeddings": 128}, (), 128),
        ({"max_position_embeddings": 4096}, (), 512),
        ({"max_position_embeddings": 130, "model_type": "roberta", "pad_token_id": 1}, (), 128),
        ({"max_position_embeddings": 128}, (64, 32), 32),
        ({}, (), None),
    ],
)
def test_examples_are_no_longer_than_members_can_take(config, trained, longest):
    """Positions limit them, the usual 512, and what each member was trained with."""
    members = [
        SimpleNamespace(config=config, facts={"max_length": SimpleNamespace(value=n)} if n else {})
        for n in trained or (None,)
    ]

    assert sources.longest_input(members) == longest


def test_a_long_text_does_not_make_us_wait(tmp_path, monkeypatch):
    """The file is read once; what is sent to be counted, and the wait for it, have a bound."""
    path, calls = tmp_path / "text.txt", []
    path.write_text("a word\n" * 200_000)
    read = sources.read_task
    monkeypatch.setattr(sources, "read_task", lambda *a, **k: calls.append("read") or read(*a, **k))
    monkeypatch.setattr(
        sources, "with_tokenizer", lambda _, use, n_texts: calls.append((use, n_texts))
    )
    member = SimpleNamespace(
        model_class="BertForMaskedLM", config={}, labels=(), label_order=(), facts={}
    )

    group = sources._group("g", (member,), path, DataRequest(), ScanSettings(n_examples=8))
    group.token_counts()

    first, (_, n_encoded), (use, n_counted) = calls
    assert first == "read"
    assert n_encoded == len(group.task) == 8
    assert n_counted == len(use.args[0]) <= 62_500
