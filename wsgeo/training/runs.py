"""Runs that are kept: a model folder at each of some steps, every one whole or absent.

The folders of a run are of one making: the same versions on the same kind of device. Points of two
makings would not lie on one trajectory, so a run that has to begin again leaves none of another.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from wsgeo.training.crews import Made
from wsgeo.training.descent import DivergedError
from wsgeo.training.devices import device_of
from wsgeo.training.finished import (
    are_whole,
    is_finished,
    making_of,
    read_record,
    versions,
    writing,
)
from wsgeo.training.states import StateKeeper

_RESULTS = ("reason", "train_loss", "validation_loss", "validation_metric", "seconds")


@final
@dataclass(frozen=True)
class Run:
    """One run and the models that it leaves.

    Parameters
    ----------
    folder : Path
        What it is named by; its state lies beside it.
    folders : mapping of int to Path
        Folder of each model by its number of updates, in order; the last is the run's end.
    settings : mapping of int to mapping
        What is known of each before training, ready for JSON.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    folder: Path
    folders: Mapping[int, Path]
    settings: Mapping[int, Mapping[str, Any]]
    device: str

    def make(self, train: Callable[[StateKeeper], object]) -> Made:
        """Train unless that is done, or known to diverge.

        Parameters
        ----------
        train : callable
            Goes on from the state that a keeper has, and writes each model with `write`.

        Returns
        -------
        Made
            The outcome; a loss that is not finite is one, and is not met again by a second call.

        Raises
        ------
        WsgeoError
            If a folder holds something else, or the disk is full.
        """
        keeper = self._keeper()
        if self._is_finished():
            keeper.remove()
            return self._made(kept=True)
        if before := keeper.given_up():
            return Made(self.folder, "nonfinite", before)
        self._make_room(keeper)
        try:
            train(keeper)
        except DivergedError as error:
            keeper.give_up(str(error))
            return Made(self.folder, "nonfinite", str(error))
        keeper.remove()
        return self._made()

    def write(
        self,
        step: int,
        model: Any,
        tokenizer: Any,
        results: Mapping[str, Any],
        save: Callable[[Path], object] | None = None,
    ) -> None:
        """Write the model of a step with its record; one that is there is the same, and is left.

        Parameters
        ----------
        step : int
            Updates made.
        model : transformers.PreTrainedModel
            The model.
        tokenizer : PreTrainedTokenizerBase
            Its tokenizer.
        results : mapping
            What is known of it after training.
        save : callable, optional
            Writes the model into a folder; default its own ``save_pretrained``.

        Raises
        ------
        WsgeoError
            If it cannot be written.
        """
        if self.folders[step].exists():
            return
        device = str(next(model.parameters()).device)
        tail = {"device": device, "versions": versions()}
        with writing(self.folders[step], {**self.settings[step], **results, **tail}) as staging:
            (save or model.save_pretrained)(staging)
            tokenizer.save_pretrained(staging)

    def given_up(self) -> str:
        """Return why the run leads nowhere; empty where that is not on record for it as it is."""
        return self._keeper().given_up() if StateKeeper.has_given_up(self.folder) else ""

    def _keeper(self) -> StateKeeper:
        """Return the keeper of its state; what could change a bit is among its settings."""
        end = self.settings[max(self.settings)]
        making = {"device": device_of(self.device).type, "versions": versions()}
        return StateKeeper.beside(self.folder, {**end, **making})

    def _is_finished(self) -> bool:
        there = [is_finished(path, self.settings[step]) for step, path in self.folders.items()]
        return all(there) and are_whole(self.folders.values())

    def _make_room(self, keeper: StateKeeper) -> None:
        """Remove what the coming run would not make the same, and a state that came after a gap."""
        here = making_of({"device": device_of(self.device).type, "versions": versions()})
        for folder in self.folders.values():
            if folder.exists() and making_of(read_record(folder)) != here:
                _remove(folder)
        reached = keeper.step()
        if any(step <= reached and not path.exists() for step, path in self.folders.items()):
            keeper.remove()

    def _made(self, *, kept: bool = False) -> Made:
        """Return the outcome that the end's record tells; one that is kept keeps its fault."""
        record = read_record(self.folders[max(self.folders)])
        status = "kept" if kept and record["status"] == "trained" else record["status"]
        results: dict[str, Any] = {name: record.get(name) for name in _RESULTS}
        return Made(self.folder, status, **results)


def refuse_nonfinite(validation_loss: float, step: int) -> None:
    """Raise if a loss on the validation data is not finite.

    Parameters
    ----------
    validation_loss : float
        In nats.
    step : int
        Updates made.

    Raises
    ------
    DivergedError
        If it is not finite.
    """
    if not math.isfinite(validation_loss):
        raise DivergedError(f"the validation loss is {validation_loss} after step {step}")


def _remove(folder: Path) -> None:
    """Remove a model; killed on the way, what is left has the name of what is not whole."""
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside)
