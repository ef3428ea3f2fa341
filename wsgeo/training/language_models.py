"""Language models before the first update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wsgeo.training.cooccurrence import rotated
from wsgeo.training.devices import attention_for, device_of

if TYPE_CHECKING:
    from wsgeo.training.corpus_folders import CorpusFolder
    from wsgeo.training.series import SeriesRecipe

_INIT = 3  # purpose of a seed


def initial_model(recipe: SeriesRecipe, corpus: CorpusFolder, tokenizer: Any) -> Any:
    """Return the model before the first update, its random weights drawn from torch's generator.

    Parameters
    ----------
    recipe : SeriesRecipe
        Shape, seed, embeddings.
    corpus : CorpusFolder
        Where word vectors come from.
    tokenizer : PreTrainedTokenizerBase
        Its vocabulary.

    Returns
    -------
    transformers.PreTrainedModel
        Tokens without a word vector, such as special ones, keep their random embeddings.
    """
    import torch

    model = _random_model(recipe, tokenizer)
    if recipe.embeddings == "cooccurrence":
        drawn = np.random.default_rng([recipe.seed, _INIT])
        vectors = torch.from_numpy(rotated(corpus.vectors(recipe.width), drawn))
        known = vectors.abs().sum(dim=1) > 0
        with torch.no_grad():
            table = model.get_input_embeddings().weight
            table[known] = vectors[known] * model.config.initializer_range
    return model


def _random_model(recipe: SeriesRecipe, tokenizer: Any) -> Any:
    import transformers

    kinds: dict[str, tuple[str, str, dict[str, Any]]] = {
        "bert": ("BertConfig", "BertForMaskedLM", _bert(recipe)),
        "gpt2": ("GPT2Config", "GPT2LMHeadModel", _gpt2(recipe)),
        "llama": ("LlamaConfig", "LlamaForCausalLM", _llama(recipe)),
    }
    config_class, model_class, shape = kinds[recipe.architecture]
    ids = {
        name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")
    }
    config = getattr(transformers, config_class)(
        vocab_size=len(tokenizer),
        initializer_range=recipe.initial_size,
        attn_implementation=attention_for(recipe.max_length, device_of(recipe.device)),
        tie_word_embeddings=True,
        **shape,
        **ids,
    )
    return getattr(transformers, model_class)(config)


def _bert(recipe: SeriesRecipe) -> dict[str, Any]:
    return {
        "hidden_size": recipe.width,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": 4 * recipe.width,
        "max_position_embeddings": recipe.max_length,
        "hidden_dropout_prob": recipe.dropout,
        "attention_probs_dropout_prob": recipe.dropout,
    }


def _gpt2(recipe: SeriesRecipe) -> dict[str, Any]:
    return {
        "n_embd": recipe.width,
        "n_layer": recipe.layers,
        "n_head": recipe.heads,
        "n_positions": recipe.max_length,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), recipe.dropout),
    }


def _llama(recipe: SeriesRecipe) -> dict[str, Any]:
    return {
        "hidden_size": recipe.width,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": 4 * recipe.width,
        "max_position_embeddings": recipe.max_length,
        "attention_dropout": recipe.dropout,
    }
