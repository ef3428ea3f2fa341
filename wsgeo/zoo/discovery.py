"""Which folders below a zoo are entries; nothing is opened, only listed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from wsgeo.zoo.checkpoints import Exclusion
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.names import entry_id

MAX_FOLDER_DEPTH = 8

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PICKLED_WEIGHTS = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin|adapter_model\.bin|model\.pth?")

_SERIES = re.compile(r"checkpoint-(\d+)")


@final
@dataclass(frozen=True)
class Found:
    """A folder that may be an entry.

    Parameters
    ----------
    id : str
        Name shown to people.
    folder : Path
        The folder.
    root : Path
        Folder against which relative paths of its side files count.
    revision : str or None
        Commit of a hub snapshot.
    base : str or None
        The base that the user named with the entry (``base+adapter``).
    """

    id: str
    folder: Path
    root: Path
    revision: str | None = None
    base: str | None = None

    @property
    def is_adapter(self) -> bool:
        """Whether the folder holds an adapter."""
        return os.path.lexists(self.folder / ADAPTER_CONFIG)


@final
@dataclass
class _Walk:
    root: Path
    roots: Roots
    all_steps: bool
    seen: set[tuple[int, int]] = field(default_factory=set)
    excluded: list[Exclusion] = field(default_factory=list)

    def folders(self, folder: Path, depth: int, inside_entry: bool) -> Iterator[Path]:
        """Give the folders that may be entries, parents first."""
        if not self._enter(folder, depth):
            return
        files, children = _list(folder)
        is_entry = _looks_like_entry(files, inside_entry)
        if is_entry:
            yield folder
        children = self._steps(children, skip_all=_has_model(files))
        for child in children:
            yield from self.folders(child, depth + 1, inside_entry or is_entry)

    def _enter(self, folder: Path, depth: int) -> bool:
        if not self.roots.holds(folder):
            self._exclude(folder, "leaves_folder", "the link leads out of the zoo")
            return False
        if depth > MAX_FOLDER_DEPTH:
            cause = f"the folder lies more than {MAX_FOLDER_DEPTH} deep"
            self._exclude(folder, "too_deep", cause, "set aside")
            return False
        try:
            status = folder.stat()
            os.scandir(folder).close()
        except OSError as error:
            self._exclude(
                folder, "unreadable_file", f"the folder cannot be read ({error.strerror})"
            )
            return False
        key = (status.st_dev, status.st_ino)
        if key in self.seen:
            self._exclude(
                folder, "seen_before", "the link leads to a folder seen before", "set aside"
            )
            return False
        self.seen.add(key)
        return True

    def _exclude(self, folder: Path, code: str, cause: str, fate: str = "rejected") -> None:
        name = entry_id(self.root, folder)
        remedy = "Copy the folder itself into the zoo, near its top."
        self.excluded.append(Exclusion(name, fate, code, name, cause, remedy))

    def _steps(self, children: list[Path], *, skip_all: bool) -> list[Path]:
        """Keep the last step of each trainer series, or none beside a final model."""
        steps = {child: int(m[1]) for child in children if (m := _SERIES.fullmatch(child.name))}
        # Real folders first: a link to one of them must not take its name.
        children = sorted(children, key=lambda child: (child.is_symlink(), child))
        if self.all_steps or not steps:
            return children
        kept = () if skip_all else (max(steps, key=lambda child: steps[child]),)
        return [child for child in children if child not in steps or child in kept]


def find_entries(
    root: Path, roots: Roots, *, all_steps: bool = False
) -> tuple[list[Found], list[Exclusion]]:
    """List the folders below ``root`` that may be checkpoints or adapters.

    A trainer's output is one entry: its final model, else its last ``checkpoint-N``; hidden folders
    and run folders are passed over.

    Parameters
    ----------
    root : Path
        The zoo; it may itself be a model.
    roots : Roots
        Where links may lead.
    all_steps : bool, default False
        Whether every ``checkpoint-N`` is an entry.

    Returns
    -------
    entries : list of Found
        In the order of their ids.
    excluded : list of Exclusion
        Folders that could not be entered.
    """
    walk = _Walk(root, roots, all_steps)
    found = [Found(entry_id(root, folder), folder, root) for folder in walk.folders(root, 0, False)]
    return sorted(found, key=lambda entry: entry.id), walk.excluded


def _list(folder: Path) -> tuple[set[str], list[Path]]:
    """Return the names that are no folders, and the folders; hidden ones and runs left out."""
    files: set[str] = set()
    children: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_folder(entry):
                if not entry.name.startswith("."):
                    children.append(folder / entry.name)
            else:
                files.add(entry.name)
    if "ledger.sqlite" in files:
        return set(), []
    return files, children


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle.
        return False


def _has_model(files: set[str]) -> bool:
    weights = {WEIGHTS, WEIGHTS_INDEX, ADAPTER_WEIGHTS}
    return bool(files & weights) and bool(files & {CONFIG, ADAPTER_CONFIG})


def _looks_like_entry(files: set[str], inside_entry: bool) -> bool:
    has_weights = any(
        name.endswith(".safetensors") or name == WEIGHTS_INDEX or PICKLED_WEIGHTS.fullmatch(name)
        for name in files
    )
    # Parts of a sentence-embedding model have a config and no weights: not a broken entry.
    has_config = CONFIG in files and not inside_entry
    return has_weights or has_config or ADAPTER_CONFIG in files
