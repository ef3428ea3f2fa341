"""Methods of fine-tuning: which weights are trained, which are added, and how the result is saved.

A head that the base did not bring, and a pooler that it did not bring, are trained by every method:
they are random, and nothing else could make them fit.
"""

from __future__ import annotations

import abc
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, final

from wsgeo.errors import WsgeoError


class AbstractMethod(abc.ABC):
    """Which weights of a classifier are trained."""

    name: ClassVar[str]
    stores_adapter: ClassVar[bool] = False
    """Whether the folder holds an adapter that needs its base."""

    @property
    def n_positions(self) -> int:
        """Positions of the model that the method takes for itself."""
        return 0

    @abc.abstractmethod
    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:
        """Return the model with what is to be trained, and only that, requiring a gradient.

        Parameters
        ----------
        model : transformers.PreTrainedModel
            A classifier; it may be changed.
        fresh : sequence of str
            Names of its parameters that are random: the base did not bring them.
        """

    def save(self, model: Any, folder: Path, base: str) -> None:  # noqa: ARG002 - for adapters
        """Write the trained model as a Hugging Face folder.

        Parameters
        ----------
        model : torch.nn.Module
            What `prepare` returned, trained.
        folder : Path
            An empty folder.
        base : str
            How an adapter names its base.
        """
        model.save_pretrained(folder)


@final
@dataclass(frozen=True)
class Full(AbstractMethod):
    """All weights are trained."""

    name: ClassVar[str] = "full"

    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:  # noqa: ARG002
        """Return the model as it is."""
        return model


@final
@dataclass(frozen=True)
class Probe(AbstractMethod):
    """Only the head is trained."""

    name: ClassVar[str] = "probe"

    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:
        """Freeze the body."""
        _train_only(model, fresh)
        return model


@final
@dataclass(frozen=True)
class BitFit(AbstractMethod):
    """The biases and the head are trained."""

    name: ClassVar[str] = "bitfit"

    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:
        """Freeze the weights of the body that are no biases."""
        biases = [name for name, _ in model.named_parameters() if name.endswith("bias")]
        _train_only(model, [*fresh, *biases])
        return model


@final
@dataclass(frozen=True)
class Adapter(AbstractMethod):
    """A bottleneck beside each feed-forward layer, in the parallel form.

    A layer ``down``, the activation, and a layer ``up`` are just more units of the feed-forward
    layer, so the result is saved as a plain model whose inner layers are wider.

    Parameters
    ----------
    width : int, default 16
        Units of each bottleneck.
    """

    name: ClassVar[str] = "adapter"
    width: int = 16

    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:
        """Put the bottlenecks beside the layers; at first they add nothing."""
        from wsgeo.training.bottlenecks import add_bottlenecks

        _train_only(model, fresh)
        add_bottlenecks(model, self.width)
        return model

    def save(self, model: Any, folder: Path, base: str) -> None:  # noqa: ARG002
        """Write the model with wider inner layers."""
        from wsgeo.training.bottlenecks import widened

        widened(model, self.width).save_pretrained(folder)


class _AbstractPeft(AbstractMethod):
    """A method of the PEFT library, saved as its adapter folder."""

    stores_adapter: ClassVar[bool] = True

    @abc.abstractmethod
    def config(self) -> Any:
        """Return the library's description of the method."""

    def prepare(self, model: Any, fresh: Sequence[str]) -> Any:
        """Add the method's weights; head and fresh pooler are trained and saved beside them."""
        from peft import PeftModelForSequenceClassification

        try:
            config = self.config()
            config.modules_to_save = _modules(model, fresh)
            with warnings.catch_warnings():
                # PEFT reads a name that transformers is about to change; no user can act on it.
                warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
                adapted = PeftModelForSequenceClassification(model, config)
        except (ValueError, TypeError) as error:
            raise WsgeoError(
                f"the method {self.name} does not fit a {model.config.model_type} model "
                f"({str(error).splitlines()[0]})",
                remedy="Choose another method.",
            ) from error
        return adapted

    def save(self, model: Any, folder: Path, base: str) -> None:
        """Write the adapter, which names its base as the zoo does."""
        model.peft_config["default"].base_model_name_or_path = base
        model.save_pretrained(folder, save_embedding_layers=False)
        # A form to fill in, with nothing that wsgeo.json does not say.
        (folder / "README.md").unlink(missing_ok=True)


@final
@dataclass(frozen=True)
class Lora(_AbstractPeft):
    """Low-rank changes of the attention's weights.

    Parameters
    ----------
    rank : int, default 8
        Rank of each change.
    alpha : float, default 16
        Its factor, times the rank.
    dropout : float, default 0
        Rate of dropout before it.
    """

    name: ClassVar[str] = "lora"
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0

    def config(self) -> Any:
        """Return PEFT's description."""
        from peft import LoraConfig

        scale: dict[str, Any] = {"lora_alpha": self.alpha, "lora_dropout": self.dropout}
        return LoraConfig(task_type="SEQ_CLS", r=self.rank, **scale)


@final
@dataclass(frozen=True)
class IA3(_AbstractPeft):
    """Factors of keys, values and inner activations."""

    name: ClassVar[str] = "ia3"

    def config(self) -> Any:
        """Return PEFT's description."""
        from peft import IA3Config

        return IA3Config(task_type="SEQ_CLS")


@final
@dataclass(frozen=True)
class Prefix(_AbstractPeft):
    """Keys and values that stand before those of the text.

    The text moves up by as many positions: that is how PEFT computes it.

    Parameters
    ----------
    tokens : int, default 8
        How many in each layer.
    """

    name: ClassVar[str] = "prefix"
    tokens: int = 8

    @property
    def n_positions(self) -> int:
        """Positions of the model that the prefix takes."""
        return self.tokens

    def config(self) -> Any:
        """Return PEFT's description."""
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=self.tokens)


METHODS: Final[Mapping[str, type[AbstractMethod]]] = MappingProxyType(
    {method.name: method for method in (Full, Lora, IA3, Prefix, BitFit, Adapter, Probe)}
)
"""The methods by name; their settings are keyword arguments."""


def _train_only(model: Any, names: Sequence[str]) -> None:
    """Freeze the body of a classifier but for some parameters."""
    kept = set(names)
    body = {id(parameter) for parameter in model.base_model.parameters()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in kept or id(parameter) not in body)


def _modules(model: Any, fresh: Sequence[str]) -> list[str]:
    """Return the paths of the modules that PEFT is to train and save whole: head, fresh pooler."""
    body = {id(parameter) for parameter in model.base_model.parameters()}
    heads = {name.split(".")[0] for name, p in model.named_parameters() if id(p) not in body}
    inner = {_module(name) for name in fresh if name.split(".")[0] not in heads}
    return sorted(heads | inner)


def _module(name: str) -> str:
    parts = name.split(".")[:-1]
    # PEFT wraps a module with its inner ones; a bare "dense" would be a layer of the body too.
    return ".".join(parts[: parts.index("pooler") + 1] if "pooler" in parts else parts)
