"""Losses through an unchanged transformers module whose parameters view one flat buffer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.flat import FlatBackend, outcome_of
from wsgeo.evaluation.inputs import Batch, prepare
from wsgeo.evaluation.losses import Outcome, Values
from wsgeo.evaluation.scoring import class_scores, mapped_logits, means_by_owner, token_scores
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective
from wsgeo.weights.layout import Layout

if TYPE_CHECKING:
    import torch

_PREPARED_SETS = 64  # example sets whose batches are kept


@final
class HuggingFaceBackend(FlatBackend):
    """Evaluates weight vectors with a transformers model of any built-in class.

    The parameters are views of one resident buffer: a new weight vector is one copy, or none when
    it was written into `buffer`, and never a new module.

    Parameters
    ----------
    model : torch.nn.Module
        Empty model in float32 and evaluation mode; it belongs to the backend from now on.
    layout : Layout
        Canonical names and shapes: one name for each tied group of the model's state.
    head_names : collection of str
        Tensor names of the head.
    token_budget : int, default 1024
        Tokens per batch, padding included. It does not change a loss by more than rounding. With
        more than 1024 a batch leaves the cache: 4096 took 1.6 times as long at 4 layers of 512.
    precision : str, default 'fp32'
        ``fp32``, or ``bf16``: torch's automatic mixed precision.
    device : str, default 'cpu'
        Where it computes.

    Raises
    ------
    ValueError
        If the layout's names and shapes are not those of the model.
    """

    def __init__(
        self,
        model: Any,
        layout: Layout,
        head_names: Collection[str],
        *,
        token_budget: int = 1024,
        precision: str = "fp32",
        device: str = "cpu",
    ) -> None:
        super().__init__(layout, device)
        self._model = model.eval().requires_grad_(False).to(device)
        self._precision = precision
        model.tie_weights()  # a model built without initial values need not be tied yet
        self._heads = frozenset(head_names)
        self._token_budget = token_budget
        self._padding: int | None = model.config.get_text_config().pad_token_id
        self._prepared: dict[str, tuple[list[Batch], int | None]] = {}
        _view_parameters(self._model, layout, self._flat)

    def losses(self, vector: Values, examples: EncodedExamples, *, logits: bool = False) -> Outcome:
        """Measure a weight vector.

        Parameters
        ----------
        vector : ndarray or Tensor of float32, shape (n_parameters,)
            The weights, in the order of the layout.
        examples : EncodedExamples
            What to measure on.
        logits : bool, default False
            Whether to keep class logits.

        Returns
        -------
        Losses or Failure
            Per example, in the order of ``examples``; a failure ``nonfinite`` if a logit is not
            finite.

        Raises
        ------
        DataError
            If the examples are empty or one has nothing to score.
        ValueError
            If ``vector`` does not fit the layout.
        """
        import torch

        self._take(vector)
        n, classify = len(examples), examples.objective is Objective.CLASSIFICATION
        scored = torch.empty(2, n, dtype=torch.float64, device=self._device)
        classes = torch.empty(n, len(examples.class_map), device=self._device)
        with torch.inference_mode(), self._mixed():
            for batch in self._batches(examples):
                if classify:
                    mapped = mapped_logits(self._call(batch).logits.float(), examples.class_map)
                    classes[batch.rows] = mapped
                    outcome = torch.stack(class_scores(mapped, batch.targets))
                else:
                    outcome = self._score_tokens(batch)
                scored[:, batch.rows] = outcome
        return outcome_of(scored, classes if logits and classify else None)

    def features(self, vector: Values, examples: EncodedExamples) -> NDArray[np.float32]:
        """Return what the last layer of the head sees.

        Parameters
        ----------
        vector : ndarray or Tensor of float32, shape (n_parameters,)
            The weights, in the order of the layout.
        examples : EncodedExamples
            Examples of a classification task.

        Returns
        -------
        ndarray of float32, shape (n_examples, width)
            One row per example.

        Raises
        ------
        ValueError
            If the task is not classification, or the model has no linear head.
        """
        import torch

        if examples.objective is not Objective.CLASSIFICATION:
            raise ValueError("Features are taken of classification models only.")
        self._take(vector)
        found, order = list[NDArray[np.float32]](), list[NDArray[np.intp]]()
        with torch.inference_mode(), self._mixed(), self._watch_head() as seen:
            for batch in self._batches(examples):
                self._call(batch)
                found.append(self._pool(seen[-1], batch).float().cpu().numpy())
                order.append(batch.rows)
        rows = np.concatenate(order)
        features = np.empty((len(rows), found[0].shape[1]), np.float32)
        features[rows] = np.concatenate(found)
        return features

    def _batches(self, examples: EncodedExamples) -> list[Batch]:
        config = self._model.config.get_text_config()
        if examples.key not in self._prepared:
            if len(self._prepared) >= _PREPARED_SETS:
                del self._prepared[next(iter(self._prepared))]
            # Without a padding id of its own the model gets another for each set of examples.
            config.pad_token_id = self._padding
            batches = [
                batch.to(self._device)
                for batch in prepare(examples, self._model, self._token_budget)
            ]
            self._prepared[examples.key] = batches, config.pad_token_id
        batches, config.pad_token_id = self._prepared[examples.key]
        return batches

    def _call(self, batch: Batch) -> Any:
        cache = {"use_cache": False} if hasattr(self._model.config, "use_cache") else {}
        return self._model(**batch.arguments, **cache)

    def _mixed(self) -> torch.autocast:
        import torch

        kind, enabled = self._device.partition(":")[0], self._precision == "bf16"
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled)

    def _score_tokens(self, batch: Batch) -> torch.Tensor:
        import torch

        scored = batch.targets != IGNORED
        with self._heads_see_only(scored):
            logits = self._call(batch).logits
        if logits.shape[:2] == scored.shape:
            logits = logits[scored]
        logits = logits.reshape(-1, logits.shape[-1]).float()
        rows = torch.arange(len(scored), device=scored.device)
        owners = rows[:, None].expand_as(scored)[scored]
        each = torch.stack(token_scores(logits, batch.targets[scored]))
        return means_by_owner(each, owners, len(scored))

    @contextmanager
    def _heads_see_only(self, scored: torch.Tensor) -> Iterator[None]:
        """Hand the head of a language model only the positions that have a loss.

        The vocabulary projection is most of a small model's work, and a masked model has a loss at
        15 % of the positions.
        """
        done = False

        def select(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            nonlocal done
            if done or arguments[0].shape[:2] != scored.shape:
                return None
            done = True
            return (arguments[0][scored].unsqueeze(0), *arguments[1:])

        hooks = [entry.register_forward_pre_hook(select) for entry in _head_modules(self._model)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def _watch_head(self) -> Iterator[list[torch.Tensor]]:
        """Collect the inputs of the head's linear layers as they are called."""
        seen: list[torch.Tensor] = []

        def note(_: Any, arguments: tuple[Any, ...]) -> None:
            seen.append(arguments[0])

        hooks = [
            module.register_forward_pre_hook(note)
            for name, module in self._model.named_modules()
            if f"{name}.weight" in self._heads and getattr(module, "in_features", None)
        ]
        if not hooks:
            raise ValueError(f"{type(self._model).__name__} has no linear layer in its head.")
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def _pool(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return one row per example: decoders score every token and use the last."""
        import torch

        if hidden.dim() == 2:
            return hidden
        ids = batch.arguments["input_ids"]
        text = ids != self._model.config.get_text_config().pad_token_id
        last = (torch.arange(ids.shape[1], device=ids.device) * text).argmax(1)
        return hidden[torch.arange(len(ids), device=ids.device), last]


def _view_parameters(model: Any, layout: Layout, flat: torch.Tensor) -> None:
    """Make every tensor of the model's state a view of the flat buffer, tied ones once."""
    names = dict.fromkeys(layout.names, False)
    groups: dict[int, list[str]] = {}
    state = model.state_dict(keep_vars=True)
    for name, tensor in state.items():
        groups.setdefault(id(tensor), []).append(name)
    for tied in groups.values():
        known = [name for name in tied if name in names]
        tensor = state[tied[0]]
        if not known and not tensor.is_floating_point():
            continue
        if len(known) != 1 or layout.shape(known[0]) != tuple(tensor.shape):
            raise ValueError(f"{type(model).__name__}: {tied} does not fit the layout.")
        names[known[0]] = True
        tensor.data = flat[layout.span(known[0])].view(tensor.shape)
    if not all(names.values()):
        extra = next(name for name, used in names.items() if not used)
        raise ValueError(f"{type(model).__name__} has no tensor {extra!r}.")


def _head_modules(model: Any) -> list[Any]:
    """Return the modules that may be first to see the encoder's or decoder's output."""
    if model.base_model is model:
        return [model.get_output_embeddings()]
    return [child for child in model.children() if child is not model.base_model]
