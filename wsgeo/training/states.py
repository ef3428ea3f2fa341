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
from typing import TYPE_CHECKING, Any, Final, Self, final

from wsgeo.errors import WsgeoError
from wsgeo.files import atomic_file, remove_partial, write_text

if TYPE_CHECKING:
    from torch import Tensor

UNFINISHED: Final = ".unfinished"
"""Name of the hidden folder, beside the members, that holds the states of those in work."""

_FILE, _GIVEN_UP = "state.safetensors", "failed.json"
_TRIES = 100  # to make a folder; in a tight loop one in three hundred met its parent's removal
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

    @classmethod
    def beside(cls, member: Path, settings: Mapping[str, Any]) -> Self:
        """Return the keeper of a member, whose states lie in a hidden folder beside it.

        Parameters
        ----------
        member : Path
            Folder of the member; it need not be there.
        settings : mapping
            All that decides the run.

        Returns
        -------
        StateKeeper
            Its own.
        """
        return cls(_folder_of(member), settings)

    @staticmethod
    def has_given_up(member: Path) -> bool:
        """Tell whether a member was given up, under whatever settings."""
        return (_folder_of(member) / _GIVEN_UP).exists()

    @property
    def is_due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() >= self._due

    def load(self) -> State | None:
        """Return the newest state; None where there is none of these settings that can be read."""
        return self._read(whole=True)

    def step(self) -> int:
        """Return the number of updates that the newest state has behind it; -1 without a state."""
        state = self._read(whole=False)
        return -1 if state is None else state.step

    def _read(self, *, whole: bool) -> State | None:
        """Read the state, or all of it but the tensors."""
        from safetensors import SafetensorError, safe_open

        with suppress(OSError, SafetensorError), safe_open(self._folder / _FILE, "pt") as file:
            facts = file.metadata() or {}
            if facts.get("settings") == self._settings:
                names = file.keys() if whole else ()
                tensors = {name: file.get_tensor(name) for name in names}
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
        self._make_folder()
        run = {"step": state.step, "losses": state.losses, "seconds": state.seconds}
        facts = {"settings": self._settings, "run": json.dumps(run)}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in state.tensors.items()}
        # Bytes first: a full disk then is a system error, which the library's own writer hides.
        content = save(tensors, facts)
        with atomic_file(self._folder / _FILE) as file:
            file.write(content)
        now = time.monotonic()
        self._due = now + self._every * max(1.0, (now - started) / _SLOW)

    def give_up(self, reason: str) -> None:
        """Put on record that the run leads nowhere, in place of its state.

        Parameters
        ----------
        reason : str
            Why, in one line.

        Raises
        ------
        WsgeoError
            If it cannot be written.
        """
        self._make_folder()
        document = {"settings": self._settings, "reason": reason}
        write_text(self._folder / _GIVEN_UP, json.dumps(document, indent=2) + "\n")
        (self._folder / _FILE).unlink(missing_ok=True)

    def given_up(self) -> str:
        """Return why the run was given up; empty where it was not under these settings."""
        with suppress(OSError, ValueError):
            told = json.loads((self._folder / _GIVEN_UP).read_text(encoding="utf-8"))
            if isinstance(told, dict) and told.get("settings") == self._settings:
                return str(told.get("reason") or "no reason is recorded")
        return ""

    def remove(self) -> None:
        """Remove the state, and the folder of states when it was the last one."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._folder.parent.rmdir()

    def _make_folder(self) -> None:
        """Make the folder, without what killed writers left in it."""
        try:
            _make_contested(self._folder)
        except OSError as error:
            # A plain one would cost its member alone, in a worker, and the next one as well.
            raise WsgeoError(
                f"the state of the run cannot be written ({error.strerror or error})",
                where=str(self._folder),
                remedy="Free some space or mend the permissions, then run the command again.",
            ) from error
        remove_partial(self._folder)


def _make_contested(folder: Path) -> None:
    """Make a folder below one that others remove as soon as it is empty."""
    for left in reversed(range(_TRIES)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            if not left:
                raise
        else:
            return


def _folder_of(member: Path) -> Path:
    return member.parent / UNFINISHED / member.name
