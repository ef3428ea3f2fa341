"""Fine-tuning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from wsgeo.training import Optimization
from wsgeo.training.descent import DivergedError
from wsgeo.training.evaluations import evaluate
from wsgeo.training.fine_tuning import fine_tune
from wsgeo.training.models import tokenizer_of
from wsgeo.training.texts import encoded


def weights(trained):
    """Return all weights as one vector."""
    return np.concatenate([p.detach().numpy().ravel() for p in trained.model.parameters()])


class TestFineTune:
    """Fine-tuning."""

    def test_is_the_same_to_the_last_bit_with_the_same_seeds(self, recipe):
        """Two runs of one recipe give equal weights and losses."""
        first, second = fine_tune(recipe), fine_tune(recipe)

        assert np.array_equal(weights(first), weights(second))
        assert first.evaluation == second.evaluation

    def test_another_order_gives_other_weights_from_the_same_start(self, recipe):
        """The order seed leaves the head alone and changes what is learned."""
        still = Optimization(1e-30, 1, 16, weight_decay=0.0)
        start = dataclasses.replace(recipe, optimization=still)

        starts = [fine_tune(dataclasses.replace(start, order_seed=s)) for s in (0, 1)]
        ends = [fine_tune(dataclasses.replace(recipe, order_seed=s)) for s in (0, 1)]

        # A bias of zero does move by the rate of 1e-30.
        assert np.allclose(*map(weights, starts), rtol=0, atol=1e-20)
        assert not np.array_equal(*map(weights, ends))

    def test_another_seed_gives_another_head(self, recipe):
        """The seed decides the head that training starts from."""
        still = dataclasses.replace(recipe, optimization=Optimization(1e-30, 1, 16))
        heads = [
            fine_tune(dataclasses.replace(still, seed=s)).model.classifier.weight.detach().numpy()
            for s in (0, 1)
        ]

        assert not np.allclose(*heads)

    def test_leaves_the_callers_generator_alone(self, recipe):
        """Training does not disturb torch's random numbers."""
        import torch

        torch.manual_seed(5)
        expected = torch.rand(1).item()
        torch.manual_seed(5)
        fine_tune(recipe)

        assert torch.rand(1).item() == expected

    def test_learns(self, recipe):
        """With more steps the training loss falls below that of a coin."""
        longer = dataclasses.replace(recipe, optimization=Optimization(1e-2, 120, 16))

        assert fine_tune(longer).descended.train_loss < np.log(2)

    def test_stops_when_the_loss_is_not_finite(self, recipe):
        """A rate that breaks the weights is reported with the step."""
        wild = dataclasses.replace(recipe, optimization=Optimization(1e38, 20, 16, warmup=0.0))

        with pytest.raises(DivergedError, match="at step"):
            fine_tune(wild)

    def test_tells_its_progress(self, recipe):
        """Each update is told."""
        told = []
        trained = fine_tune(recipe, tell=lambda *report: told.append(report))

        assert [step for step, _ in told] == [1, 2, 3, 4]
        assert np.mean([loss for _, loss in told]) == trained.descended.train_loss


class TestEvaluate:
    """Evaluation."""

    def test_agrees_with_one_example_at_a_time(self, recipe):
        """Loss and accuracy do not depend on the batches."""
        model = fine_tune(recipe).model
        tokenizer = tokenizer_of(recipe.base)
        examples = encoded(recipe, recipe.validation, None, tokenizer)

        together, single = evaluate(model, examples), evaluate(model, examples, 1)

        assert single.loss == pytest.approx(together.loss, abs=1e-6)
        assert single.accuracy == together.accuracy
        assert single.predicted == together.predicted
        assert sum(single.predicted) == sum(single.present) == len(examples)
