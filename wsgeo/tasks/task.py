"""On what data a loss is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.arrays import content_key, read_arrays, write_arrays

VERSION = 1
"""Version of the encoding; raised when the same arrays would mean other losses."""

IGNORED = -100
"""Target of a token that has no loss."""

_ARRAYS = ("input_ids", "attention_mask", "token_type_ids", "targets")


class Objective(StrEnum):
    """What a model is asked to do with an example."""

    CLASSIFICATION = "classification"
    MASKED_LM = "masked_lm"
    CAUSAL_LM = "causal_lm"
    SEQ2SEQ = "seq2seq"


@final
@dataclass(frozen=True, eq=False)
class Task:
    """Examples with their labels, before any tokenizer has seen them.

    Parameters
    ----------
    name : str
        Name shown to people and stored with each result.
    objective : Objective
        What the model is asked to do.
    ids : tuple of str
        One id per example.
    text_a : tuple of str
        First (or only) text of each example.
    text_b : tuple of str or None
        Second text (the target text for ``seq2seq``).
    targets : ndarray of int64, shape (n_examples,), or None
        Index into ``labels``; None for language modelling.
    labels : tuple of str
        Label names, in the order of ``targets``.
    split : str
        Name of the split, such as ``validation``.
    source : str
        File the examples came from.
    seed : int
        Seed of the subset and of the masks.
    n_dropped : int
        Rows of the file that were left out because their annotators agreed on no label.
    """

    name: str
    objective: Objective
    ids: tuple[str, ...]
    text_a: tuple[str, ...]
    text_b: tuple[str, ...] | None = None
    targets: NDArray[np.int64] | None = None
    labels: tuple[str, ...] = ()
    split: str = "validation"
    source: str = ""
    seed: int = 0
    n_dropped: int = 0

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.ids)

    def rows(self, chosen: NDArray[np.int64]) -> Task:
        """Return some of the examples.

        Parameters
        ----------
        chosen : ndarray of int64, shape (n_chosen,)
            Positions of examples.

        Returns
        -------
        Task
            Those examples, in that order.
        """
        return replace(
            self,
            ids=tuple(self.ids[i] for i in chosen),
            text_a=tuple(self.text_a[i] for i in chosen),
            text_b=None if self.text_b is None else tuple(self.text_b[i] for i in chosen),
            targets=None if self.targets is None else self.targets[chosen],
        )


@final
@dataclass(frozen=True, eq=False)
class EncodedExamples:
    """Token ids of a task for one tokenizer, padded on the right.

    Rows are in the task's own order (blocks of running text for ``causal_lm``); a backend sorts
    them by length for speed and undoes it.

    Parameters
    ----------
    name : str
        Name of the task.
    objective : Objective
        What the loss is.
    input_ids, attention_mask, token_type_ids : ndarray of int32, shape (n_examples, length)
        Inputs; for ``masked_lm`` the masks are already applied.
    targets : ndarray of int64, shape (n_examples,) or (n_examples, target_length)
        For classification, the index into ``labels``. Otherwise token ids, -100 where there is no
        loss. For ``masked_lm`` and ``causal_lm`` column ``j`` is the token that stands at position
        ``j`` of the input: a causal model must predict it from the positions before ``j``, so its
        logits are shifted by one against the targets and column 0 is -100. For ``seq2seq`` column
        ``j`` is the ``j``-th token that the decoder must produce.
    labels : tuple of str
        Labels that are scored; empty for language models. They are the model's labels in the loss
        group's order, unless the task reads several model classes as one label.
    class_map : tuple of tuple of int
        For each of ``labels`` the model classes, in the loss group's order, that count as it: the
        logit of a label is the largest of its classes' (three classes read as two). The identity,
        ``((0,), (1,), ...)``, is the usual case.
    key : str
        SHA-256 over objective, arrays, labels and class map: the example set's part in the key of
        every loss. Neither the name nor ``n_truncated`` enters it.
    n_truncated : int
        Examples that lost tokens to the length limit.
    labels_named : bool
        False where task and model labels were matched by index for want of names.
    """

    name: str
    objective: Objective
    input_ids: NDArray[np.int32]
    attention_mask: NDArray[np.int32]
    token_type_ids: NDArray[np.int32]
    targets: NDArray[np.int64]
    labels: tuple[str, ...]
    class_map: tuple[tuple[int, ...], ...]
    key: str
    n_truncated: int = 0
    labels_named: bool = True

    def __post_init__(self) -> None:
        """Refuse arrays that are not aligned, and class maps that are not aligned to the labels."""
        shapes = {getattr(self, name).shape for name in _ARRAYS[:3]}
        if len(shapes) != 1 or self.input_ids.ndim != 2 or len(self.targets) != len(self):
            raise ValueError(f"The arrays are not aligned: {shapes}, {self.targets.shape}.")
        if len(self.class_map) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels, but {len(self.class_map)} class lists.")

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.input_ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example without padding, shape (n_examples,)."""
        return np.asarray(self.attention_mask.sum(axis=1), dtype=np.int64)

    def rows(self, chosen: NDArray[np.int64]) -> EncodedExamples:
        """Return some of the examples.

        Parameters
        ----------
        chosen : ndarray of int64, shape (n_chosen,)
            Positions of examples.

        Returns
        -------
        EncodedExamples
            Those examples, in that order, under a key of their own.
        """
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return EncodedExamples.of(
            self.name,
            self.objective,
            arrays,
            self.labels,
            self.class_map,
            labels_named=self.labels_named,
        )

    @classmethod
    def of(
        cls,
        name: str,
        objective: Objective,
        arrays: dict[str, NDArray[Any]],
        labels: tuple[str, ...] = (),
        class_map: tuple[tuple[int, ...], ...] = (),
        *,
        n_truncated: int = 0,
        labels_named: bool = True,
    ) -> EncodedExamples:
        """Return examples with the key of their content.

        Parameters
        ----------
        name, objective, labels, class_map, n_truncated, labels_named
            As in the class.
        arrays : dict
            ``input_ids``, ``attention_mask``, ``token_type_ids`` and ``targets``.

        Returns
        -------
        EncodedExamples
            The examples, their arrays in the written types.
        """
        arrays = {
            kind: np.ascontiguousarray(arrays[kind], np.int64 if kind == "targets" else np.int32)
            for kind in _ARRAYS
        }
        key = content_key([VERSION, objective.value, labels, class_map], arrays)
        return cls(
            name,
            objective,
            **arrays,
            labels=labels,
            class_map=class_map,
            key=key,
            n_truncated=n_truncated,
            labels_named=labels_named,
        )

    def save(self, folder: str | Path) -> Path:
        """Write the examples to ``<key>.npz`` in ``folder``, whole or not at all.

        Parameters
        ----------
        folder : str or Path
            An existing folder.

        Returns
        -------
        Path
            The file.
        """
        path = Path(folder) / f"{self.key}.npz"
        header = {
            "name": self.name,
            "objective": self.objective.value,
            "labels": self.labels,
            "class_map": self.class_map,
            "n_truncated": self.n_truncated,
            "labels_named": self.labels_named,
        }
        write_arrays(path, header, {kind: getattr(self, kind) for kind in _ARRAYS})
        return path

    @classmethod
    def load(cls, folder: str | Path, key: str) -> EncodedExamples:
        """Read the examples that `save` wrote, and check them against their key.

        Parameters
        ----------
        folder : str or Path
            Folder of the file.
        key : str
            Content key.

        Returns
        -------
        EncodedExamples
            The examples.

        Raises
        ------
        DataError
            If the file is missing, damaged, or holds other content than its name says.
        """
        path = Path(folder) / f"{key}.npz"
        header, arrays = read_arrays(path, _ARRAYS)
        examples = cls.of(
            header["name"],
            Objective(header["objective"]),
            arrays,
            tuple(header["labels"]),
            tuple(tuple(classes) for classes in header["class_map"]),
            n_truncated=header["n_truncated"],
            labels_named=header["labels_named"],
        )
        if examples.key != key:
            raise DataError(
                "the encoded examples are not those that the file's name says",
                where=str(path),
                remedy="Delete the file; it is made again.",
            )
        return examples
