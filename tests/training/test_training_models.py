"""The models that training starts from."""

from __future__ import annotations

import pytest
import torch
from zoo_cases import bert_config, edit_json, random_tensors, write_model, write_tokenizer

from wsgeo.errors import WsgeoError
from wsgeo.training import FineTuneRecipe, Optimization
from wsgeo.training.models import classifier_of, set_dropout

OTHERS = ("yes", "maybe", "no")


@pytest.fixture(scope="module")
def of_another_task(tmp_path_factory):
    """Give the folder of a classifier with three labels."""
    config = bert_config(labels=OTHERS)
    return write_model(tmp_path_factory.mktemp("models") / "nli", random_tensors(config), config)


def recipe_of(base, labels=("good", "bad"), **given):
    """Return a recipe; its data are never read here."""
    return FineTuneRecipe(base, base, base, labels, Optimization(1e-3, 4), **given)


def drawn(recipe, seed=0):
    """Return a recipe's classifier and the names of its random parameters."""
    torch.manual_seed(seed)
    return classifier_of(recipe)


class TestHead:
    """The head of a base and that of an earlier fine-tuning."""

    @pytest.mark.parametrize("labels", [("good", "bad"), OTHERS, ("a", "b", "c"), tuple("abcd")])
    def test_of_a_base_is_never_kept(self, of_another_task, labels):
        """Whatever labels the base's head has, the head is drawn by the seed; the pooler is kept."""
        recipe = recipe_of(of_another_task, labels)
        (one, fresh), (same, _), (other, _) = (drawn(recipe, seed) for seed in (0, 0, 1))
        brought = random_tensors(bert_config(labels=OTHERS))

        assert fresh == ["classifier.bias", "classifier.weight"]
        assert one.classifier.weight.shape == (len(labels), 16)
        assert torch.equal(one.classifier.weight, same.classifier.weight)
        assert not torch.equal(one.classifier.weight, other.classifier.weight)
        # As BERT draws it, not as the base has it.
        assert float(one.classifier.weight.detach().std()) == pytest.approx(0.02, rel=0.3)
        assert not one.classifier.bias.any()
        pooler = torch.from_numpy(brought["bert.pooler.dense.weight"])
        assert torch.equal(one.bert.pooler.dense.weight, pooler)

    def test_of_a_start_is_kept(self, of_another_task):
        """An earlier fine-tuning goes on with its head."""
        recipe = recipe_of(of_another_task, OTHERS, start=of_another_task)
        model, fresh = drawn(recipe)
        brought = random_tensors(bert_config(labels=OTHERS))["classifier.weight"]

        assert fresh == []
        assert torch.equal(model.classifier.weight, torch.from_numpy(brought))


def test_a_base_that_does_not_fit_its_config(of_another_task, tmp_path):
    """A tensor of the body with another shape is one line, not random weights."""
    config = bert_config(labels=OTHERS)
    base = write_model(tmp_path / "base", random_tensors(config), config)
    edit_json(base / "config.json", vocab_size=50)

    with pytest.raises(WsgeoError, match=r"word_embeddings.weight has not the shape") as caught:
        drawn(recipe_of(base))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_decoder_reads_the_last_token_of_a_padded_text(tmp_path, kind):
    """With its tokenizer's padding token, a short text has the logits that it has alone."""
    import transformers

    shape = {"vocab_size": 40, "pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    torch.manual_seed(0)
    if kind == "llama":
        config = transformers.LlamaConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            **shape,
        )
    else:
        config = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=32, **shape)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    model, fresh = drawn(recipe_of(tmp_path))
    pad = model.config.pad_token_id
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, pad, pad]])

    assert pad == transformers.AutoTokenizer.from_pretrained(tmp_path).pad_token_id
    assert fresh == ["score.weight"]
    with torch.no_grad():
        both = model(input_ids=ids, attention_mask=(ids != pad).long()).logits
        alone = model(input_ids=ids[1:, :2]).logits
    assert torch.allclose(both[1], alone[0], atol=1e-6)


SMALL = {
    "bert": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    "roberta": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    "albert": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    "deberta-v2": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    "distilbert": {"dim": 16, "hidden_dim": 32, "n_layers": 1, "n_heads": 2},
    "gpt2": {"n_embd": 16, "n_layer": 1, "n_head": 2},
    "llama": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
}


class TestDropout:
    """The rate by whatever name a config knows it."""

    @pytest.mark.parametrize("kind", SMALL)
    def test_is_all_there_is(self, kind):
        """At a rate of 0 a model in training computes as in evaluation, at another it does not."""
        import transformers

        for rate in (0.0, 0.5):
            config = transformers.AutoConfig.for_model(
                kind, vocab_size=40, intermediate_size=32, pad_token_id=0,
                bos_token_id=1, eos_token_id=2, **SMALL[kind],
            )  # fmt: skip
            set_dropout(config, rate)
            torch.manual_seed(0)
            model = transformers.AutoModelForSequenceClassification.from_config(config)
            ids = torch.tensor([[5, 6, 7, 8, 9, 10]])
            with torch.no_grad():
                learning, measured = (
                    model.train(mode)(input_ids=ids).logits for mode in (True, False)
                )

            assert torch.equal(learning, measured) == (rate == 0.0)
            rates = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
            assert rates <= {rate}

    def test_of_a_recipe_reaches_the_model(self, of_another_task):
        """The rate of a recipe is that of every layer, and without one the base keeps its own."""
        rates = [
            {m.p for m in drawn(recipe_of(of_another_task, **given))[0].modules()
             if isinstance(m, torch.nn.Dropout)}
            for given in ({"dropout": 0.25}, {})
        ]  # fmt: skip

        assert rates[0] == {0.25}
        assert 0.25 not in rates[1]

    def test_that_a_model_lacks(self):
        """A model without dropout is refused in one line."""
        import transformers

        with pytest.raises(WsgeoError, match="has no dropout to set"):
            set_dropout(transformers.PretrainedConfig(), 0.1)
