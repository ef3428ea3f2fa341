"""The tensors that a class with a configuration has, from a model that takes no memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.processes import WorkFailure, remedy_of, remembered, run_apart
from wsgeo.weights.layout import Layout
from wsgeo.zoo.configs import ModelConfig, transformers_config

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Shape = tuple[int, ...]

BUILD_SECONDS = 60.0
MAX_BUFFER_BYTES = 4 << 30


@final
@dataclass(frozen=True)
class Architecture:
    """The tensors that a class with a configuration has.

    Parameters
    ----------
    layout : Layout
        Canonical names and shapes of the weights; a tied tensor once, under its source's name.
    aliases : mapping of str to str
        Other name of a tied tensor -> canonical name.
    optional : frozenset of str
        Buffers that the class computes itself and older files hold.
    ignored : tuple of str
        Patterns of the class for names that older files hold to no use.
    prefix : str
        What the names of the body begin with.
    head : frozenset of str
        Canonical names outside the body.
    label_rows : frozenset of str
        Those of the head with one row per label.
    transposed : frozenset of str
        Weights stored as (n_inputs, n_outputs).
    """

    layout: Layout
    aliases: Mapping[str, str]
    optional: frozenset[str]
    ignored: tuple[str, ...]
    prefix: str
    head: frozenset[str]
    label_rows: frozenset[str]
    transposed: frozenset[str]

    @property
    def shapes(self) -> dict[str, Shape]:
        """Canonical name -> shape."""
        return dict(zip(self.layout.names, self.layout.shapes, strict=True))


_HEADS = frozenset({"lm_head", "classifier", "classification_head", "score"})


def architecture_of(
    config: ModelConfig, where: str, *, model_class: str | None = None, n_labels: int | None = None
) -> Architecture:
    """Return the tensors that a configuration asks for, from a model without memory.

    Parameters
    ----------
    config : ModelConfig
        A checked configuration.
    where : str
        The file, for messages.
    model_class : str, optional
        The class, where it is not the config's own (an adapter on a base).
    n_labels : int, optional
        The number of classes, where it is not the config's own.

    Returns
    -------
    Architecture
        Remembered per class, configuration and number of labels.

    Raises
    ------
    EntryError
        If the installed transformers cannot build the class from the config.
    ValueError
        If no class is known.
    """
    name = model_class or config.model_class
    if name is None:
        raise ValueError("A model without a class has no architecture.")
    n_labels = len(config.labels) if n_labels is None else n_labels
    # Of the whole config: what is no part of the computing hash can still be absurd.
    answer = _built_apart(name, json.dumps(dict(config.raw), sort_keys=True), n_labels)
    if isinstance(answer, WorkFailure):
        raise EntryError(
            "config_invalid",
            f"the installed transformers cannot build {name} ({shown(answer.reason, 160)})",
            where=where,
            remedy=remedy_of(answer, "Restore the config that belongs to the weights."),
        )
    return answer


def empty_model(
    model_class: str, raw: Mapping[str, Any], n_labels: int, *, attention: str = "sdpa"
) -> PreTrainedModel:
    """Return a model whose parameters hold nothing yet; buffers are as the class computes them.

    Parameters
    ----------
    model_class : str
        A built-in class.
    raw : mapping
        The checked configuration.
    n_labels : int
        Number of classes; 0 for a language model.
    attention : str, default "sdpa"
        Attention implementation; a class without it gets ``eager``.

    Returns
    -------
    PreTrainedModel
        On the current default device, float32, in evaluation mode.
    """
    import torch
    import transformers
    from transformers.initialization import no_init_weights

    kind = getattr(transformers, model_class)
    config = transformers_config(raw)
    if n_labels:
        config.num_labels = n_labels
    if attention == "sdpa" and not getattr(kind, "_supports_sdpa", False):
        attention = "eager"
    with no_init_weights():
        model = kind._from_config(config, attn_implementation=attention, dtype=torch.float32)
    return model.eval()  # type: ignore[no-any-return]


@remembered
def _built_apart(model_class: str, document: str, n_labels: int) -> Architecture | WorkFailure:
    """Have the model built in the process apart; what comes back are plain values."""
    request = model_class, json.loads(document), n_labels
    answer = run_apart(_describe, request, seconds=BUILD_SECONDS)
    if isinstance(answer, WorkFailure):
        return answer
    shapes, description = answer
    return Architecture(Layout(tuple(shapes), tuple(shapes.values())), **description)


def _describe(
    request: tuple[str, dict[str, Any], int],
) -> tuple[dict[str, Shape], dict[str, Any]]:
    """Return the shapes of the weights by sorted name, and the other fields of `Architecture`."""
    import torch

    model_class, raw, n_labels = request
    with torch.device("meta"):
        model = empty_model(model_class, raw, n_labels, attention="eager")
        other = empty_model(model_class, raw, n_labels + 1, attention="eager") if n_labels else None
    _refuse_large_buffers(model)
    aliases = _aliases(model)
    state = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    shapes = {name: tuple(state[name].shape) for name in sorted(state.keys() - aliases)}
    grown = {k: tuple(v.shape) for k, v in other.state_dict().items()} if other else shapes
    prefix, head = _body_and_head(f"{model.base_model_prefix}.", shapes)
    return shapes, {
        "aliases": aliases,
        "optional": frozenset(name for name, _ in model.named_buffers()) - shapes.keys(),
        "ignored": tuple(getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ()),
        "prefix": prefix,
        "head": head,
        "label_rows": frozenset(name for name in shapes if grown[name] != shapes[name]),
        "transposed": frozenset(
            f"{name}.weight" for name, m in model.named_modules() if type(m).__name__ == "Conv1D"
        ),
    }


def _refuse_large_buffers(model: PreTrainedModel) -> None:
    """Refuse tables that are in no file, so that only the config says how large they become."""
    size = sum(buffer.nbytes for buffer in model.buffers())
    if size > MAX_BUFFER_BYTES:
        raise ValueError(f"the tables that it computes would take {size / 2**30:.0f} GiB")


def _body_and_head(prefix: str, names: Collection[str]) -> tuple[str, frozenset[str]]:
    head = frozenset(name for name in names if not name.startswith(prefix))
    if len(head) == len(names):
        # Some encoder-decoders have no module around the body, only a head with a name of its own.
        return "", frozenset(name for name in names if name.split(".")[0] in _HEADS)
    return prefix, head


def _aliases(model: PreTrainedModel) -> dict[str, str]:
    """Return the tied names, by the tensors that the built model shares."""
    declared = dict(getattr(model, "all_tied_weights_keys", None) or {})
    sources: dict[int, str] = {}
    aliases: dict[str, str] = {}
    for name, value in model.state_dict(keep_vars=True).items():
        if name in declared:
            continue
        source = sources.setdefault(id(value), name)
        if source != name:
            aliases[name] = source
    for name, source in declared.items():
        aliases[name] = str(aliases.get(source, source))
    return aliases
