"""The state of an unfinished run: one file, whole or absent, from which the run goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from wsgeo.files import atomic_file, remove_partial

if TYPE_CHECKING:
    from torch import Tensor

UNFINISHED: Final = ".unfinished"
"""Name of the hidden folder, beside the members, that holds the states of those in work."""

_FILE = "state.safetensors"
_SLOW = 1.5  # seconds; saves that take longer are made as much more rarely


@final
@dataclass(frozen=True)
class State:
    """Where a run stands; with its settings it decides all that follows.

    Parameters
    ----------
    step : int
        Number of updates made.
    tensors : mapping of str to Tensor
        Trained weights and moments of the optimizer, by name.
    losses : tuple of float
        Losses of the last updates.
    seconds : float
        Wall time spent so far.
    """

    step: int
    tensors: Mapping[str, Tensor]
    losses: tuple[float, ...] = ()
    seconds: float = 0.0


@final
class StateKeeper:
    """Keeps the newest state of one run in a folder.

    Parameters
    ----------
    folder : Path
        The run's own hidden folder; made at the first save.
    settings : mapping
        All that decides the run, ready for JSON. A state of other settings is passed over.
    every : float, default 30
        Seconds between two saves; more where a save takes long.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as root:
    ...     keeper = StateKeeper(Path(root) / UNFINISHED / "one", {"seed": 0})
    ...     keeper.save(State(7, {"weight": torch.ones(2)}, (0.5,)))
    ...     other = StateKeeper(Path(root) / UNFINISHED / "one", {"seed": 1})
    ...     keeper.load().step, other.load()
    (7, None)
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], every: float = 30.0) -> None:
        self._folder, self._every = folder, every
        document = json.dumps(settings, sort_keys=True, default=str)
        self._settings = hashlib.sha256(document.encode()).hexdigest()
        self._due = time.monotonic() + every

    @property
    def is_due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() >= self._due

    def load(self) -> State | None:
        """Return the newest state; None where there is none of these settings that can be read."""
        from safetensors import SafetensorError, safe_open

        with suppress(OSError, SafetensorError), safe_open(self._folder / _FILE, "pt") as file:
            facts = file.metadata() or {}
            if facts.get("settings") == self._settings:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                told = json.loads(facts["run"])
                return State(told["step"], tensors, tuple(told["losses"]), told["seconds"])
        return None

    def save(self, state: State) -> None:
        """Put a state in the place of the one before.

        Parameters
        ----------
        state : State
            Where the run stands.

        Raises
        ------
        WsgeoError
            If it cannot be written; the state before stays.
        """
        from safetensors.torch import save

        started = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_partial(self._folder)
        run = {"step": state.step, "losses": state.losses, "seconds": state.seconds}
        facts = {"settings": self._settings, "run": json.dumps(run)}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in state.tensors.items()}
        # Bytes first: a full disk then is a system error, which the library's own writer hides.
        content = save(tensors, facts)
        with atomic_file(self._folder / _FILE) as file:
            file.write(content)
        now = time.monotonic()
        self._due = now + self._every * max(1.0, (now - started) / _SLOW)

    def remove(self) -> None:
        """Remove the state, and the folder of states when it was the last one."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._folder.parent.rmdir()
