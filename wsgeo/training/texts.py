"""Training data through a tokenizer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wsgeo.errors import DataError
from wsgeo.tasks import encode, read_task
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encoded(
    recipe: FineTuneRecipe, file: Path, n_examples: int | None, tokenizer: PreTrainedTokenizerBase
) -> EncodedExamples:
    """Read and encode one file of a fine-tuning recipe.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Labels and longest input.
    file : Path
        The data.
    n_examples : int or None
        Size of the subset; it is the same whatever the recipe's seeds are.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the base.

    Returns
    -------
    EncodedExamples
        Padded token ids and targets.

    Raises
    ------
    DataError
        If the file or its labels are faulty, or a label is no class of its own.
    """
    task = read_task(file, objective=Objective.CLASSIFICATION, n_examples=n_examples)
    return _of_classes(
        encode(task, tokenizer, labels=recipe.labels, max_length=recipe.max_length), file
    )


def encoded_text(recipe: PretrainRecipe, tokenizer: Any) -> EncodedExamples:
    """Read and encode the text of a pre-training recipe; nothing is masked yet.

    Parameters
    ----------
    recipe : PretrainRecipe
        The text and its longest input.
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.

    Returns
    -------
    EncodedExamples
        Padded token ids; the targets are those of the pair objective.

    Raises
    ------
    DataError
        If the file is faulty.
    """
    if recipe.pair_weight:
        task = read_task(recipe.text, objective=Objective.CLASSIFICATION)
        labels = recipe.pair_labels
        pairs = encode(task, tokenizer, labels=labels, max_length=recipe.max_length)
        return _of_classes(pairs, recipe.text)
    task = read_task(recipe.text, objective=Objective.MASKED_LM)
    # As a task of one label the texts are encoded, padded and cut like any other.
    single = dataclasses.replace(
        task,
        objective=Objective.CLASSIFICATION,
        targets=np.zeros(len(task), dtype=np.int64),
        labels=("text",),
    )
    return encode(single, tokenizer, labels=("text",), max_length=recipe.max_length)


def _of_classes(examples: EncodedExamples, file: Path) -> EncodedExamples:
    """Refuse targets that are no classes: a measure may add classes up, training may not."""
    if examples.class_map != tuple((i,) for i in range(len(examples.labels))):
        raise DataError(
            f"its labels ({', '.join(examples.labels)}) stand for several classes of the model",
            where=str(file),
            remedy="Name each class in the data.",
        )
    return examples
