"""Laws of the engine of transformers, and its faults."""

from __future__ import annotations

import dataclasses

import evaluation_cases as cases
import numpy as np
import pytest
from evaluation_cases import mean, one_by_one

from wsgeo.errors import DataError
from wsgeo.evaluation.losses import Failure
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.weights.layout import Layout


@pytest.fixture(scope="module")
def model():
    return cases.build("bert", Objective.CLASSIFICATION)


@pytest.fixture(scope="module")
def examples():
    return cases.classification(n=40)


class TestLaws:
    """What does not change a loss, and what does."""

    def test_the_budget_changes_nothing(self, model, examples):
        """Batches of 1, 7, 32 or all examples give the same mean loss to 1e-6."""
        means = []
        for size in (1, 7, 32, 1000):
            backend, weights = cases.backend_of(model, token_budget=25 * size)
            means.append(mean(backend.losses(weights.vector, examples)))

        assert np.ptp(means) < 1e-6

    def test_more_padding_changes_nothing(self, model, examples):
        """Columns of padding, and what is written in them, are cut off: equal to the bit."""
        wide = {
            name: np.pad(getattr(examples, name), ((0, 0), (0, 9)), constant_values=fill)
            for name, fill in [("input_ids", 7), ("attention_mask", 0), ("token_type_ids", 0)]
        }
        arrays = {**wide, "targets": examples.targets}
        padded = EncodedExamples.of(
            "toy", examples.objective, arrays, examples.labels, examples.class_map
        )
        backend, weights = cases.backend_of(model)

        first = backend.losses(weights.vector, examples)
        assert (backend.losses(weights.vector, padded).loss == first.loss).all()

    def test_rows_stay_in_order(self, model, examples):
        """Permuted examples give permuted losses."""
        order = np.random.default_rng(1).permutation(len(examples))
        arrays = {
            name: getattr(examples, name)[order]
            for name in ("input_ids", "attention_mask", "token_type_ids", "targets")
        }
        permuted = EncodedExamples.of(
            "toy", examples.objective, arrays, examples.labels, examples.class_map
        )
        backend, weights = cases.backend_of(model, token_budget=100)

        expected = backend.losses(weights.vector, examples).loss[order]
        assert np.abs(backend.losses(weights.vector, permuted).loss - expected).max() < 2e-6

    def test_same_bits(self, model, examples):
        """The same call gives the same bits, whatever was evaluated between."""
        backend, weights = cases.backend_of(model, token_budget=100)
        first = backend.losses(weights.vector, examples)
        backend.losses(2 * weights.vector, examples)
        again = backend.losses(weights.vector, examples)

        assert (first.loss == again.loss).all()

    def test_the_buffer_can_be_filled_in_place(self, model, examples):
        """A vector written into the buffer is evaluated without a copy, with the same bits."""
        backend, weights = cases.backend_of(model)
        expected = backend.losses(weights.vector, examples)
        backend.buffer[:] = 0
        backend.buffer[:] = weights.vector

        assert (backend.losses(backend.buffer, examples).loss == expected.loss).all()

    def test_the_vector_is_left_alone(self, model, examples):
        """The caller's vector is not changed, nor kept."""
        backend, weights = cases.backend_of(model)
        mine = weights.vector.copy()
        backend.losses(mine, examples)
        backend.buffer[:] = 0

        assert (mine == weights.vector).all()

    def test_three_classes_read_as_two(self, model):
        """The logit of a label is the largest of its classes."""
        three = cases.classification(n_labels=3)
        two = dataclasses.replace(
            three,
            targets=np.minimum(three.targets, 1),
            labels=("a", "bc"),
            class_map=((0,), (1, 2)),
            key="two",
        )
        backend, weights = cases.backend_of(model)
        logits = backend.losses(weights.vector, three, logits=True).logits.astype(np.float64)
        joined = np.stack([logits[:, 0], logits[:, 1:].max(1)], 1)
        expected = np.log(np.exp(joined).sum(1)) - joined[np.arange(len(two)), two.targets]

        found = backend.losses(weights.vector, two, logits=True)

        assert found.logits.shape == (len(two), 2)
        assert np.abs(found.loss - expected).max() < 1e-6

    def test_a_model_without_padding_takes_texts_of_one_length(self):
        """Examples that need no padding still go through in batches, with the model's own losses."""
        model = cases.build("gpt2", Objective.CLASSIFICATION)
        ragged = cases.classification()
        arrays = {name: getattr(ragged, name)[:, :3] for name in ("input_ids", "token_type_ids")}
        even = EncodedExamples.of(
            "even",
            ragged.objective,
            {**arrays, "attention_mask": np.ones((len(ragged), 3)), "targets": ragged.targets},
            ragged.labels,
            ragged.class_map,
        )
        backend, weights = cases.backend_of(model)

        loss = backend.losses(weights.vector, even).loss

        assert np.abs(loss - one_by_one(model, even)[0]).max() < 1e-5

    def test_the_padding_of_one_set_is_no_token_of_another(self):
        """A model without a padding id gives a set the same losses before and after any other."""
        model, first = cases.build("gpt2", Objective.CLASSIFICATION), cases.classification(seed=0)
        ids = (other := cases.classification(seed=1)).input_ids.copy()
        # Ends in the ids that the first set does not use, from which its padding is drawn.
        ids[np.arange(len(ids)), other.lengths - 1] = 0
        second = dataclasses.replace(other, input_ids=ids, key="second")
        fresh, weights = cases.backend_of(model)
        used, _ = cases.backend_of(model)

        alone = fresh.losses(weights.vector, second).loss
        used.losses(weights.vector, first)

        assert (used.losses(weights.vector, second).loss == alone).all()

    def test_logits_are_kept_on_request(self, model, examples):
        """Paths do not pay for logits."""
        backend, weights = cases.backend_of(model)
        assert backend.losses(weights.vector, examples).logits is None


class TestFaults:
    """What is refused, and how."""

    @pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
    def test_not_finite(self, model, value):
        """Weights that make the loss overflow are a failure, not a number."""
        backend, weights = cases.backend_of(model)
        vector = weights.vector.copy()
        vector[weights.layout.span("classifier.weight")] = value

        found = backend.losses(vector, cases.classification())

        assert isinstance(found, Failure)
        assert found.status == "nonfinite"

    def test_other_length(self, model):
        """A vector of another length is misuse."""
        backend, weights = cases.backend_of(model)
        with pytest.raises(ValueError, match="float32"):
            backend.losses(weights.vector[:-1], cases.classification())
        with pytest.raises(ValueError, match="float64"):
            backend.losses(weights.vector.astype(np.float64), cases.classification())

    def test_other_layout(self, model):
        """A layout that misses a tensor, or has one too many, is misuse."""
        layout = cases.weights_of(model).layout
        for names, shapes in [
            (layout.names[:-1], layout.shapes[:-1]),
            ((*layout.names, "zzz"), (*layout.shapes, (2,))),
        ]:
            with pytest.raises(ValueError, match=r"layout|zzz"):
                cases.HuggingFaceBackend(
                    cases.build("bert", Objective.CLASSIFICATION), Layout(names, shapes), ()
                )

    def test_left_padding(self, model):
        """Padding before a text would move its positions; it is misuse."""
        examples = cases.classification()
        turned = dataclasses.replace(
            examples, attention_mask=examples.attention_mask[:, ::-1].copy(), key="turned"
        )
        backend, weights = cases.backend_of(model)
        with pytest.raises(ValueError, match="right"):
            backend.losses(weights.vector, turned)

    def test_nothing_to_score(self):
        """An example without a scored token is named."""
        examples = cases.language(Objective.MASKED_LM)
        targets = examples.targets.copy()
        targets[3] = -100
        backend, weights = cases.backend_of(cases.build("bert", Objective.MASKED_LM))
        with pytest.raises(DataError, match="example 3"):
            backend.losses(weights.vector, dataclasses.replace(examples, targets=targets, key="x"))

    def test_features_of_a_language_model(self):
        """There are no features of a language model."""
        backend, weights = cases.backend_of(cases.build("bert", Objective.MASKED_LM))
        with pytest.raises(ValueError, match="classification"):
            backend.features(weights.vector, cases.language(Objective.MASKED_LM))
