"""The diagonal Fisher information against gradients taken the plain way."""

import copy

import numpy as np
import pytest
from evaluation_cases import build, classification, language, weights_of
from safetensors.numpy import load_file
from zoo_cases import make_zoo

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.fisher import diagonal_fisher, write_fisher
from wsgeo.tasks.task import Objective
from wsgeo.zoo import read_zoo


def plain_fisher(model, examples, labels):
    """Take the squared gradient of each example's loss, one after another, in float64."""
    import torch

    model = copy.deepcopy(model).double()
    parameters = dict(model.named_parameters())
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for i in range(len(examples)):
        length = int(examples.lengths[i])
        ids, mask, types = (
            torch.from_numpy(getattr(examples, name)[i : i + 1, :length].astype(np.int64))
            for name in ("input_ids", "attention_mask", "token_type_ids")
        )
        given = {"token_type_ids": types} if getattr(model.config, "type_vocab_size", 1) > 1 else {}
        model.zero_grad()
        logits = model(input_ids=ids, attention_mask=mask, **given).logits
        labels(logits, i).backward()
        for name, value in parameters.items():
            total[name] += 0 if value.grad is None else value.grad**2
    return {name: (value / len(examples)).numpy() for name, value in total.items()}


def compare(found, expected):
    """Check a Fisher information against a plain one, tensor by tensor, tied ones under one name."""
    assert set(found.layout.names) <= set(expected)
    for name in found.layout.names:
        # A bias of keys shifts all scores alike: what is seen of it is rounding, in float32.
        atol = 1e-10 + 1e-5 * expected[name].max()
        np.testing.assert_allclose(found.tensor(name), expected[name], rtol=1e-3, atol=atol)


class TestDiagonalFisher:
    """`diagonal_fisher`."""

    @pytest.mark.parametrize("family", ["bert", "llama"])
    def test_agrees_with_gradients_taken_one_by_one(self, family):
        """Of a classifier it is the mean squared gradient of each example's log-likelihood."""
        model, examples = build(family, Objective.CLASSIFICATION), classification(9, end=2)
        weights = weights_of(model)

        def labels(logits, i):
            return -logits.log_softmax(1)[0, int(examples.targets[i])]

        found = diagonal_fisher(copy.deepcopy(model), weights, examples)

        if family == "llama":  # its text ends are found by padding, which the plain way has none of
            model.config.pad_token_id = 1
        compare(found, plain_fisher(model, examples, labels))

    def test_tied_tensors_count_together(self):
        """Of a masked language model the tied embedding has the gradient of both its uses."""
        model, examples = build("bert", Objective.MASKED_LM), language(Objective.MASKED_LM, 6)

        def labels(logits, i):
            import torch

            targets = torch.from_numpy(examples.targets[i, : logits.shape[1]])
            return torch.nn.functional.cross_entropy(logits[0], targets)

        found = diagonal_fisher(copy.deepcopy(model), weights_of(model), examples)

        compare(found, plain_fisher(model, examples, labels))

    def test_weights_that_are_not_finite_are_refused(self):
        """A gradient that is no number is told with its tensor."""
        model = build("bert", Objective.CLASSIFICATION)
        weights = weights_of(model)
        weights.tensor("classifier.bias")[0] = np.nan

        with pytest.raises(WsgeoError, match=r"gradient of tensor .* is not finite"):
            diagonal_fisher(model, weights, classification(4))


def test_a_file_holds_the_fisher_information_of_a_member(tmp_path):
    """The file has the member's tensors, is the same for the same seed, and uses few examples."""
    member = read_zoo(make_zoo(tmp_path / "zoo", n_members=2)).members[0]
    examples = classification(12, n_labels=len(member.labels))

    n_used = write_fisher(member, examples, tmp_path / "one", n_examples=5, seed=1)
    write_fisher(member, examples, tmp_path / "two", n_examples=5, seed=1)

    one, two = (load_file(tmp_path / name) for name in ("one", "two"))
    assert n_used == 5
    assert set(one) == set(member.layout.names)
    assert min(tensor.min() for tensor in one.values()) >= 0
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, two[name])
