"""Which backend evaluates the members of a group: the fast one where it can, and is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.blueprints import Blueprint
from wsgeo.evaluation.families import blueprint_of
from wsgeo.evaluation.flat import tensor_of
from wsgeo.evaluation.kernels import KERNELS, fastest, speedup
from wsgeo.evaluation.losses import (
    AbstractBackend,
    AbstractBackends,
    Failure,
    Loaded,
    Outcome,
    Resident,
)
from wsgeo.evaluation.packed import PackedBackend, known_words, packing_of
from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.layout import Weights
from wsgeo.zoo.checkpoints import Checkpoint

Load = Callable[[Checkpoint], Weights]

MODULE: Final = "hf"
"""Kernel of a group that is evaluated by the unchanged module of transformers."""

_TOLERANCE = 1e-4  # logits, or losses of language models in nats
_COMPARED = 8
_PROBED = 256, 1024  # width, and that of feed-forward layers
_FAST = 1.1  # bfloat16 products that are less than this faster do not pay for their rounding


@final
@dataclass(frozen=True, eq=False)
class Backends(AbstractBackends):
    """Makes the backends of a loss group, in whichever process; what it takes is small.

    Parameters
    ----------
    kernel : str, default 'hf'
        `MODULE`, or a key of `wsgeo.evaluation.kernels.KERNELS` for the packed backend.
    known : ndarray of int64, shape (n_words,), optional
        Sorted token ids of the group's examples; only a packed backend needs them.
    reason : str
        Why the packed backend is not used; empty where it is.
    precision : str, default 'fp32'
        Number format of the forward pass, ``fp32`` or ``bf16``.
    device : str, default 'cpu'
        Where they compute; one process to a GPU.
    note : str
        What was seen of the number format.
    """

    kernel: str = MODULE
    known: NDArray[np.int64] | None = None
    reason: str = ""
    precision: str = "fp32"
    device: str = "cpu"
    note: str = ""

    def __str__(self) -> str:
        """Return who evaluates, and why."""
        place = "" if self.device == "cpu" else f" on {self.device}"
        note = f" ({self.note})" if self.note else ""
        where = f"{place}, {self.precision}{note}" if self.precision != "fp32" else place
        if self.kernel != MODULE:
            return f"packed backend, {self.kernel} kernel{where}, checked against transformers"
        return f"transformers' own module{where}" + (f": {self.reason}" if self.reason else "")

    def at(self, precision: str) -> Backends:
        """Return the same backends in another number format; nothing is compared again.

        Parameters
        ----------
        precision : str
            ``fp32`` or ``bf16``.

        Returns
        -------
        Backends
            The choice is the same, so that both can be used side by side.
        """
        note = self.note if precision == self.precision else ""
        return replace(self, precision=precision, note=note)

    def precision_of(self, format_: str) -> str:
        """Return what the key of a loss says of how it was computed.

        Parameters
        ----------
        format_ : str
            That of these backends.

        Returns
        -------
        str
            Number format, and backend, kernel and kind of device where they are not the usual ones.

        Raises
        ------
        ValueError
            If these backends compute in another number format.
        """
        if format_ != self.precision:
            raise ValueError(f"These backends compute in {self.precision}, not in {format_}.")
        parts = [format_, *(() if self.kernel == MODULE else ("packed", self.kernel))]
        parts += [] if self.device == "cpu" else [self.device.partition(":")[0]]
        return "-".join(parts)

    def packed(self, checkpoint: Checkpoint, weights: Weights) -> Loaded:
        """Return a checkpoint's weights as its backend takes them.

        Parameters
        ----------
        checkpoint : Checkpoint
            The checkpoint.
        weights : Weights
            As they were loaded.

        Returns
        -------
        Weights or Resident
            The same object where nothing is to be packed or moved.
        """
        if self.known is not None:
            blueprint = _blueprint(checkpoint)
            assert blueprint is not None
            weights = packing_of(blueprint, weights.layout, self.known).pack(weights)
        if self.device == "cpu":
            return weights
        return Resident(weights.layout, tensor_of(weights.vector).to(self.device))

    def size_of(self, checkpoint: Checkpoint) -> int:
        """Return how many parameters a checkpoint has once it is packed.

        Parameters
        ----------
        checkpoint : Checkpoint
            The checkpoint.

        Returns
        -------
        int
            Those of the embeddings that examples use, of all layers, and of the head.
        """
        blueprint = None if self.known is None else _blueprint(checkpoint)
        if blueprint is None or self.known is None:
            return checkpoint.layout.n_parameters
        return packing_of(blueprint, checkpoint.layout, self.known).layout.n_parameters

    def make(self, checkpoint: Checkpoint, token_budget: int) -> AbstractBackend:
        """Build a backend.

        Parameters
        ----------
        checkpoint : Checkpoint
            Any checkpoint of the architecture.
        token_budget : int
            Tokens per batch.

        Returns
        -------
        AbstractBackend
            With weights of zero.
        """
        how = {"precision": self.precision, "device": self.device}
        if self.known is None:
            return _module_backend(checkpoint, token_budget, how)
        blueprint = _blueprint(checkpoint)
        assert blueprint is not None
        packing = packing_of(blueprint, checkpoint.layout, self.known)
        return PackedBackend(
            blueprint, packing, self.known, kernel=self.kernel, token_budget=token_budget, **how
        )


KNOWN: Final = tuple(Backends(kernel) for kernel in (MODULE, *KERNELS))
"""All ways to compute; without examples they only name themselves."""


def resumed(
    kernel: str,
    examples: Sequence[EncodedExamples],
    precision: str = "fp32",
    device: str = "cpu",
) -> Backends:
    """Return what an earlier scan chose, for examples that may be others.

    Parameters
    ----------
    kernel : str
        Of `KNOWN`.
    examples : sequence of EncodedExamples
        All that the group will be evaluated on.
    precision, device : str, optional
        Number format, and where to compute.

    Returns
    -------
    Backends
        Not compared again.
    """
    if kernel == MODULE:
        reason = "as in the earlier scan"
        return Backends(reason=reason, precision=precision, device=device)
    return Backends(kernel, known_words(examples), precision=precision, device=device)


def choose(
    checkpoint: Checkpoint,
    examples: Sequence[EncodedExamples],
    load: Load,
    precision: str = "fp32",
    device: str = "cpu",
) -> Backends:
    """Choose the backend of a loss group, after a comparison on real weights and examples.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member.
    examples : sequence of EncodedExamples
        All that the group will be evaluated on; it is compared on the first.
    load : callable
        Checkpoint to weights.
    precision : str, default 'fp32'
        Number format, ``fp32`` or ``bf16``. The choice is made in float32, and what another format
        changes is noted.
    device : str, default 'cpu'
        Where to compute, as `wsgeo.evaluation.devices.device_of` names it.

    Returns
    -------
    Backends
        The packed backend, or the unchanged module and the reason.
    """
    weights, blueprint = load(checkpoint), _blueprint(checkpoint)
    some, module = _spread(examples[0]), Backends(device=device)
    if blueprint is None:
        reason = f"{checkpoint.model_class} of this configuration is not packed"
        found = replace(module, reason=reason)
        if precision == "fp32":
            return found
    truth = _outcome(module, checkpoint, weights, some)
    if blueprint is not None:
        width = weights.layout.shape(blueprint.words)[1]
        kernel = fastest(width, 4 * width, precision=precision) if device == "cpu" else "plain"
        found = Backends(kernel, known_words(examples), device=device)
        error = _difference(_outcome(found, checkpoint, weights, some), truth)
        if not error <= _TOLERANCE:
            found = replace(module, reason=f"its packed outputs differ by {error:.2g}")
    if precision == "fp32":
        return found
    found = found.at(precision)
    return replace(found, note=_note(_outcome(found, checkpoint, weights, some), truth, found))


def _note(outcome: Outcome, truth: Outcome, found: Backends) -> str:
    """Return what is seen of a number format, in a line."""
    if isinstance(outcome, Failure) or isinstance(truth, Failure):
        seen = "losses are not finite"
    else:
        error = float(np.abs(outcome.loss - truth.loss).max())
        seen = f"losses of {len(truth.loss)} examples within {error:.2g} of fp32"
    if found.device != "cpu":
        return seen
    gain = speedup("plain" if found.kernel == MODULE else found.kernel, *_PROBED)
    return seen if gain >= _FAST else f"{seen}; no faster than fp32 on this processor"


def _outcome(
    backends: Backends, checkpoint: Checkpoint, weights: Weights, examples: EncodedExamples
) -> Outcome:
    loaded = backends.packed(checkpoint, weights)
    return backends.make(checkpoint, 512).losses(loaded.vector, examples, logits=True)


def _difference(one: Outcome, other: Outcome) -> float:
    """Return the largest difference of logits, or of losses where there are none."""
    if isinstance(one, Failure) or isinstance(other, Failure):
        return np.inf
    if one.logits is None or other.logits is None:
        return float(np.abs(one.loss - other.loss).max())
    return float(np.abs(one.logits - other.logits).max())


def _spread(examples: EncodedExamples) -> EncodedExamples:
    """Return some examples, from the shortest to the longest."""
    order = np.argsort(examples.lengths, kind="stable")
    rows = order[np.unique(np.linspace(0, len(order) - 1, _COMPARED).round().astype(int))]
    names = ("input_ids", "attention_mask", "token_type_ids", "targets")
    arrays = {name: getattr(examples, name)[rows] for name in names}
    return EncodedExamples.of(
        examples.name, examples.objective, arrays, examples.labels, examples.class_map
    )


def _blueprint(checkpoint: Checkpoint) -> Blueprint | None:
    from wsgeo.zoo.configs import transformers_config

    config = transformers_config(checkpoint.config).to_dict()
    return blueprint_of(checkpoint.model_class, config, checkpoint.layout)


def _module_backend(checkpoint: Checkpoint, budget: int, how: Mapping[str, str]) -> AbstractBackend:
    from wsgeo.evaluation.hf import HuggingFaceBackend
    from wsgeo.zoo import build_model, head_names

    model = build_model(checkpoint)
    heads = head_names(checkpoint)
    return HuggingFaceBackend(model, checkpoint.layout, heads, token_budget=budget, **how)
