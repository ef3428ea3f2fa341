"""The classes that may be built: those in the installed transformers with one of four heads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Never

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.escapes import shown
from wsgeo.processes import WorkFailure, remedy_of, run_apart

OBJECTIVES = ("classification", "masked_lm", "causal_lm", "seq2seq")


# Types that number the tokens of a text from behind the padding id on: the first positions of their
# tables are never a token's.
_FROM_BEHIND_PADDING = frozenset(
    {
        "camembert", "data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "markuplm",
        "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
    }
)  # fmt: skip

_Tables = dict[str, dict[str, str]]


def built_in_classes() -> Mapping[str, Mapping[str, str]]:
    """Return objective -> model type -> class name, as built into the installed transformers.

    Returns
    -------
    mapping of str to mapping of str to str
        Keys of the outer mapping are `OBJECTIVES`.
    """
    return _tables_apart()[0]


@cache
def _tables_apart() -> tuple[_Tables, frozenset[str]]:
    """Ask the process that has transformers loaded: they take seconds and half a gigabyte."""
    answer = run_apart(_list_built_in, None)
    if isinstance(answer, WorkFailure):  # raised, so that the next call asks again
        raise WsgeoError(
            f"the installed transformers cannot be loaded ({answer.reason})",
            remedy=remedy_of(answer, "Install wsgeo again."),
        )
    return answer


def _list_built_in(_: None) -> tuple[_Tables, frozenset[str]]:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto import modeling_auto as auto

    tables = (
        auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )
    classes = {name: dict(table) for name, table in zip(OBJECTIVES, tables, strict=True)}
    return classes, frozenset(CONFIG_MAPPING)


def objective_of(model_class: str) -> str:
    """Return what a built-in class is trained to do.

    Parameters
    ----------
    model_class : str
        Such as ``BertForSequenceClassification``.

    Returns
    -------
    str
        One of `OBJECTIVES`.

    Raises
    ------
    ValueError
        If the class is not on the list.
    """
    for objective, classes in built_in_classes().items():
        if model_class in classes.values():
            return objective
    raise ValueError(f"{model_class} is not a built-in class.")


def class_for(model_type: str, objective: str, where: str) -> str:
    """Return the built-in class of a model type for an objective.

    Parameters
    ----------
    model_type : str
        Such as ``bert``.
    objective : str
        One of `OBJECTIVES`.
    where : str
        The file, for messages.

    Returns
    -------
    str
        Class name.

    Raises
    ------
    EntryError
        If there is none.
    """
    name = built_in_classes()[objective].get(model_type)
    if name is None:
        _set_aside_class(f"{shown(model_type)} has no built-in class for {objective}", where)
    return name


def model_type_of(raw: Mapping[str, object], where: str) -> str:
    """Return the model type of a config, if transformers has it built in.

    Parameters
    ----------
    raw : mapping
        The parsed ``config.json``.
    where : str
        The file, for messages.

    Returns
    -------
    str
        Such as ``bert``.

    Raises
    ------
    EntryError
        If it is missing or unknown.
    """
    model_type = raw.get("model_type")
    if not isinstance(model_type, str) or model_type not in _tables_apart()[1]:
        _set_aside_class(f"model_type is {shown(model_type)}", where)
    return model_type


def class_named(
    raw: Mapping[str, object], model_type: str, where: str, *, as_base: bool
) -> str | None:
    """Return the class that a config names, if it is on the list for its model type.

    Parameters
    ----------
    raw : mapping
        The parsed ``config.json``.
    model_type : str
        Such as ``bert``.
    where : str
        The file, for messages.
    as_base : bool
        Whether any other class is welcome too.

    Returns
    -------
    str or None
        None for another class of a base.

    Raises
    ------
    EntryError
        If the class is not on the list and ``as_base`` is false.
    """
    named = raw.get("architectures")
    name = named[0] if isinstance(named, list) and len(named) == 1 else None
    if name in {table.get(model_type) for table in built_in_classes().values()} - {None}:
        return str(name)
    if not as_base:
        _set_aside_class(f"architectures is {shown(named)}", where)
    return None


def positions_of(config: Mapping[str, object]) -> int | None:
    """Return how many tokens a model's positions hold.

    Parameters
    ----------
    config : mapping
        Its ``config.json``.

    Returns
    -------
    int or None
        None where no table of positions limits a text.

    Examples
    --------
    >>> config = {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    >>> positions_of(config), positions_of({"model_type": "gpt2", "n_positions": 1024})
    (512, 1024)
    """
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if not isinstance(positions, int):
        return None
    padding = config.get("pad_token_id")
    if config.get("model_type") in _FROM_BEHIND_PADDING and isinstance(padding, int):
        return positions - padding - 1
    return positions


def _set_aside_class(what: str, where: str) -> Never:
    raise EntryError(
        "unsupported_class",
        f"{what}, not a model with a head that the installed transformers can build",
        where=where,
        remedy="Use a sequence classifier, masked, causal or seq2seq language model.",
        malformed=False,
    )
