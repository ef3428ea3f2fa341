"""The models that training starts from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wsgeo.errors import WsgeoError
from wsgeo.escapes import printable
from wsgeo.tasks.encoding import padding_of
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe

# As configs name rates: hidden_dropout_prob, seq_classif_dropout, attn_pdrop, dropout_rate.
_DROPOUT: Final = re.compile(r"(.*_)?(dropout|pdrop)(_prob|_rate)?")


def tokenizer_of(folder: Path) -> Any:
    """Load the tokenizer of a folder.

    Parameters
    ----------
    folder : Path
        A model's or a tokenizer's folder; remote code is not run and nothing is fetched.

    Returns
    -------
    PreTrainedTokenizerBase
        The tokenizer.

    Raises
    ------
    WsgeoError
        If there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise WsgeoError(
            "there is no tokenizer that can be loaded",
            where=str(folder),
            remedy="Put the base's tokenizer files beside its weights.",
        ) from error


def trainable_of(recipe: FineTuneRecipe, *, attention: str = "eager") -> Any:
    """Return the model of a recipe as training begins.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Base, labels, dropout, method, perturbation.
    attention : str, default 'eager'
        Its implementation, see `wsgeo.training.devices.attention_for`.

    Returns
    -------
    torch.nn.Module
        What is to be trained requires a gradient.

    Raises
    ------
    WsgeoError
        If the base cannot be loaded, or the method does not fit it.
    """
    model, fresh = classifier_of(recipe, attention=attention)
    model = recipe.method.prepare(model, fresh)
    perturb(model, recipe.perturbation, recipe.perturbation_seed)
    return model


def perturb(model: Any, scale: float, seed: int) -> None:
    r"""Shift the weights that are to be trained by Gaussian noise.

    .. math:: \theta \leftarrow \theta + s \, \mathrm{rms}(\theta) \, \epsilon, \quad
        \epsilon \sim N(0, 1)

    for each tensor alone: layer norms and matrices differ in size by orders of magnitude. With all
    weights trained this is noise on the whole start [qin2022]_, the fresh head included. A method
    that freezes the body shifts only what it adds or frees: the body is the zoo's base, to which
    adapters are merged and from which task vectors are taken. A tensor of zeros stays so, and with
    it an adapter's first function that of the base.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place, where it requires a gradient.
    scale : float
        Standard deviation of the shift over the tensor's root mean square; 0 changes nothing.
    seed : int
        Of the noise.

    References
    ----------
    [qin2022]_
    """
    import torch

    if not scale:
        return
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=rng)
                parameter += scale * parameter.square().mean().sqrt() * noise


def classifier_of(recipe: FineTuneRecipe, *, attention: str = "eager") -> tuple[Any, list[str]]:
    """Return the base with a fresh head drawn from torch's generator, or an earlier fine-tuning.

    A base may be a classifier of another task: its head is never kept, its pooler is.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Base, labels, dropout.
    attention : str, default 'eager'
        Its implementation, see `wsgeo.training.devices.attention_for`.

    Returns
    -------
    model : transformers.PreTrainedModel
        A classifier in float32.
    fresh : list of str
        Names of its parameters that are random.

    Raises
    ------
    WsgeoError
        If the base cannot be loaded, or has no dropout to set.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    start = recipe.start or recipe.base
    try:
        with quiet():
            config = AutoConfig.from_pretrained(
                start,
                local_files_only=True,
                trust_remote_code=False,
                id2label=dict(enumerate(recipe.labels)),
                label2id={label: i for i, label in enumerate(recipe.labels)},
            )
            if recipe.dropout is not None:
                set_dropout(config, recipe.dropout)
            # A decoder reads its answer at the last token that is no padding; many configs name none.
            config.pad_token_id = padding_of(tokenizer_of(recipe.base))
            model, loading = AutoModelForSequenceClassification.from_pretrained(
                start,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation=attention,
                output_loading_info=True,
                ignore_mismatched_sizes=recipe.start is None,
            )
    except (OSError, ValueError) as error:
        raise WsgeoError(
            f"the base cannot be loaded as a classifier ({str(error).splitlines()[0]})",
            where=str(start),
            remedy="Give the folder of a model with config.json and model.safetensors.",
        ) from error
    fresh = set(loading["missing_keys"])
    if recipe.start is None:
        fresh |= _renewed_head(model, loading)
    return model, sorted(fresh)


def set_dropout(config: Any, rate: float) -> None:
    """Set every rate of dropout that a model has, by whatever name its config knows it.

    Parameters
    ----------
    config : transformers.PretrainedConfig
        Changed in place.
    rate : float
        Share of the units that are dropped, in [0, 1).

    Raises
    ------
    WsgeoError
        If it has none.
    """
    names = [
        name
        for name, value in config.to_dict().items()
        if _DROPOUT.fullmatch(name) and not isinstance(value, bool | dict)
    ]
    if not names:
        raise WsgeoError(
            f"a {config.model_type} model has no dropout to set",
            where=str(config.name_or_path) or None,
            remedy="Take training.dropout out.",
        )
    for name in names:
        setattr(config, name, rate)


def _renewed_head(model: Any, loading: Mapping[str, Any]) -> set[str]:
    """Draw the head anew that a base brought, which is another task's; return its names."""
    import torch

    body = {id(parameter) for parameter in model.base_model.parameters()}
    head = {name for name, parameter in model.named_parameters() if id(parameter) not in body}
    other = sorted({name for name, *_ in loading["mismatched_keys"]} - head)
    if other:
        raise WsgeoError(
            f"the base's tensor {printable(other[0])} has not the shape that its config gives",
            where=str(model.config.name_or_path),
            remedy="Get the base again.",
        )
    if not head <= set(loading["missing_keys"]):
        drawn = type(model)(model.config)
        with torch.no_grad():
            for name in sorted(head):
                model.get_parameter(name).copy_(drawn.get_parameter(name))
    return head


def fresh_bert(recipe: PretrainRecipe, tokenizer: Any) -> Any:
    """Return a BERT with random weights, drawn from torch's generator.

    Parameters
    ----------
    recipe : PretrainRecipe
        Its shape.
    tokenizer : PreTrainedTokenizerBase
        Its vocabulary.

    Returns
    -------
    transformers.PreTrainedModel
        With a pair head where the recipe has the pair objective.
    """
    from transformers import BertConfig, BertForMaskedLM, BertForPreTraining

    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": recipe.width,
        "num_hidden_layers": recipe.n_layers,
        "num_attention_heads": recipe.n_heads,
        "intermediate_size": 4 * recipe.width,
        "max_position_embeddings": recipe.max_length,
        "initializer_range": recipe.initializer_range,
        "pad_token_id": tokenizer.pad_token_id,
        "attn_implementation": "eager",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    config = BertConfig(**shape)
    return (BertForPreTraining if recipe.pair_weight else BertForMaskedLM)(config)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from announcing the fresh head, which is wanted, and from drawing bars."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging
    level = logging.get_verbosity()
    bar = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
