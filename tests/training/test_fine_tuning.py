"""Fine-tuning."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from wsgeo.errors import DataError, WsgeoError
from wsgeo.training import Optimization
from wsgeo.training.descent import DivergedError
from wsgeo.training.evaluations import evaluate
from wsgeo.training.fine_tuning import check_length, fine_tune
from wsgeo.training.models import tokenizer_of
from wsgeo.training.texts import encoded
from wsgeo.zoo.model_classes import positions_of


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


class TestLengths:
    """Texts that are too long."""

    def test_texts_that_are_cut_are_counted(self, recipe):
        """As many as have more tokens than the longest input; none where nothing limits them."""
        tokenizer = tokenizer_of(recipe.base)
        whole = encoded(recipe, recipe.train, None, tokenizer).attention_mask.sum(axis=1)
        short = fine_tune(dataclasses.replace(recipe, max_length=8))
        free = fine_tune(recipe)

        assert short.n_truncated["train"] == int((whole > 8).sum()) > 0
        assert (short.longest_input, free.longest_input) == (8, int(whole.max()))
        assert free.n_truncated == {"train": 0, "validation": 0}

    @pytest.mark.parametrize("kind", ["Bert", "Roberta", "MPNet"])
    def test_no_text_is_longer_than_the_positions(self, recipe, kind):
        """What passes the check the model takes, and no more; some number from behind the padding."""
        import torch
        import transformers

        small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
        config = getattr(transformers, f"{kind}Config")(
            vocab_size=20, intermediate_size=8, max_position_embeddings=12, pad_token_id=1, **small
        )
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config).eval()
        free = positions_of(config.to_dict())
        check_length(recipe, model, free)
        model(torch.full((1, free), 5))

        with pytest.raises(WsgeoError, match=f"Set max_length to {free} or less"):
            check_length(recipe, model, free + 1)
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, free + 1), 5))


def test_a_label_for_several_classes_is_refused(recipe, tmp_path):
    """A scan may read three classes as two; no class is trained on what is two of them."""
    file = tmp_path / "two.parquet"
    labels = ["entailment", "non-entailment"]
    pl.DataFrame({"text": ["otter", "heron"], "label": labels}).write_parquet(file)
    three = dataclasses.replace(recipe, labels=("entailment", "neutral", "contradiction"))

    with pytest.raises(DataError, match="stand for several classes"):
        encoded(three, file, None, tokenizer_of(recipe.base))


class TestEvaluate:
    """Evaluation."""

    def test_agrees_with_one_example_at_a_time(self, recipe):
        """Loss, accuracy and each answer do not depend on the batches, nor on their order."""
        model = fine_tune(recipe).model
        tokenizer = tokenizer_of(recipe.base)
        examples = encoded(recipe, recipe.validation, None, tokenizer)

        together, single = evaluate(model, examples), evaluate(model, examples, 1)
        alone = [evaluate(model, examples.rows(np.array([i]))).right for i in range(len(examples))]

        assert [(right,) for right in together.right] == alone
        assert together.right == single.right
        assert single.loss == pytest.approx(together.loss, abs=1e-6)
        assert single.accuracy == together.accuracy
        assert single.predicted == together.predicted
        assert sum(single.predicted) == sum(single.present) == len(examples)
