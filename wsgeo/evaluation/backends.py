"""Which backend evaluates the members of a group: the fast one where it can, and is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.blueprints import Blueprint
from wsgeo.evaluation.families import blueprint_of
from wsgeo.evaluation.kernels import KERNELS, fastest
from wsgeo.evaluation.losses import AbstractBackend, AbstractBackends, Failure
from wsgeo.evaluation.packed import PackedBackend, known_words, packing_of
from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.layout import Weights
from wsgeo.zoo.checkpoints import Checkpoint

Load = Callable[[Checkpoint], Weights]

MODULE: Final = "hf"
"""Kernel of a group that is evaluated by the unchanged module of transformers."""

_TOLERANCE = 1e-4  # logits, or losses of language models in nats
_COMPARED = 8


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
    """

    kernel: str = MODULE
    known: NDArray[np.int64] | None = None
    reason: str = ""

    def __str__(self) -> str:
        """Return who evaluates, and why."""
        if self.kernel != MODULE:
            return f"packed backend, {self.kernel} kernel, checked against transformers"
        return "transformers' own module" + (f": {self.reason}" if self.reason else "")

    def precision_of(self, format_: str) -> str:
        """Return what the key of a loss says of how it was computed."""
        return format_ if self.kernel == MODULE else f"{format_}-packed-{self.kernel}"

    def packed(self, checkpoint: Checkpoint, weights: Weights) -> Weights:
        """Return a checkpoint's weights as its backend takes them.

        Parameters
        ----------
        checkpoint : Checkpoint
            The checkpoint.
        weights : Weights
            As they were loaded.

        Returns
        -------
        Weights
            The same object where nothing is to be packed.
        """
        if self.known is None:
            return weights
        blueprint = _blueprint(checkpoint)
        assert blueprint is not None
        return packing_of(blueprint, weights.layout, self.known).pack(weights)

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
        if self.known is None:
            return _module_backend(checkpoint, token_budget)
        blueprint = _blueprint(checkpoint)
        assert blueprint is not None
        packing = packing_of(blueprint, checkpoint.layout, self.known)
        return PackedBackend(
            blueprint, packing, self.known, kernel=self.kernel, token_budget=token_budget
        )


KNOWN: Final = tuple(Backends(kernel) for kernel in (MODULE, *KERNELS))
"""All ways to compute; without examples they only name themselves."""


def resumed(kernel: str, examples: Sequence[EncodedExamples]) -> Backends:
    """Return what an earlier scan chose, for examples that may be others.

    Parameters
    ----------
    kernel : str
        Of `KNOWN`.
    examples : sequence of EncodedExamples
        All that the group will be evaluated on.

    Returns
    -------
    Backends
        Not compared again.
    """
    if kernel == MODULE:
        return Backends(reason="as in the earlier scan")
    return Backends(kernel, known_words(examples))


def choose(checkpoint: Checkpoint, examples: Sequence[EncodedExamples], load: Load) -> Backends:
    """Choose the backend of a loss group, after a comparison on real weights and examples.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member.
    examples : sequence of EncodedExamples
        All that the group will be evaluated on; it is compared on the first.
    load : callable
        Checkpoint to weights.

    Returns
    -------
    Backends
        The packed backend, or the unchanged module and the reason.
    """
    weights = load(checkpoint)
    blueprint = _blueprint(checkpoint)
    if blueprint is None:
        return Backends(reason=f"{checkpoint.model_class} of this configuration is not packed")
    width = weights.layout.shape(blueprint.words)[1]
    found = Backends(fastest(width, 4 * width), known_words(examples))
    some = _spread(examples[0])
    error = _difference(found, checkpoint, weights, some)
    if not error <= _TOLERANCE:
        return Backends(reason=f"its packed outputs differ by {error:.2g}")
    return found


def _difference(
    found: Backends, checkpoint: Checkpoint, weights: Weights, examples: EncodedExamples
) -> float:
    """Return the largest difference of logits, or of losses, between packed and unchanged."""
    outcomes = [
        each.make(checkpoint, 512).losses(
            each.packed(checkpoint, weights).vector, examples, logits=True
        )
        for each in (found, Backends())
    ]
    one, other = (
        None if isinstance(each, Failure) else each.loss if each.logits is None else each.logits
        for each in outcomes
    )
    return np.inf if one is None or other is None else float(np.abs(one - other).max())


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


def _module_backend(checkpoint: Checkpoint, budget: int) -> AbstractBackend:
    from wsgeo.evaluation.hf import HuggingFaceBackend
    from wsgeo.zoo import build_model, head_names

    model = build_model(checkpoint)
    return HuggingFaceBackend(model, checkpoint.layout, head_names(checkpoint), token_budget=budget)
