"""Which pre-trained model an entry came from, and reading it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.zoo.architectures import architecture_of
from wsgeo.zoo.discovery import CONFIG
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.drafts import BaseFiles, read_model_files
from wsgeo.zoo.hub import HubId, cached_snapshot, fetch_snapshot, parse_hub_id
from wsgeo.zoo.keys import own_tensors
from wsgeo.zoo.tokenizer_files import find_tokenizer


@final
@dataclass
class BaseFinder:
    """Finds the bases of a zoo, each read once.

    Parameters
    ----------
    root : Path
        The zoo.
    roots : Roots
        Folders of the zoo and of the command line.
    from_user : str or None
        The ``--base`` of the command line, for every entry.
    allow_pickle : bool
        Whether pickled weights of a base are converted.
    """

    root: Path
    roots: Roots
    from_user: str | None = None
    allow_pickle: bool = False
    _read: dict[Path, BaseFiles] = field(default_factory=dict)

    def named_by_user(self, text: str) -> BaseFiles:
        """Return a base that the command line names; it may be anywhere, or fetched.

        Parameters
        ----------
        text : str
            A folder or hub id.

        Returns
        -------
        BaseFiles
            Read as far as its headers.

        Raises
        ------
        WsgeoError
            If there is no such folder or id, or the model is refused.
        """
        folder = Path(text)
        try:
            if folder.is_dir():
                return self._base(folder.resolve(), text, Roots.of(folder))
            hub_id = parse_hub_id(text)
            if hub_id is None:
                raise WsgeoError(
                    "there is no such folder", where=text, remedy="Check the path of the base."
                )
            snapshot = fetch_snapshot(hub_id)
            return self._base(snapshot, str(hub_id), Roots.of(snapshot))
        except EntryError as error:
            raise WsgeoError(error.what, where=error.where, remedy=error.remedy) from error

    def named_by_file(self, text: str, folder: Path) -> BaseFiles | None:
        """Return a base that a file of the zoo names, if it lies inside the roots or the cache.

        Parameters
        ----------
        text : str
            A path or hub id; never the cause of a request.
        folder : Path
            The entry.

        Returns
        -------
        BaseFiles or None
            None where it is not found there.
        """
        for place in self._places(text, folder):
            if self.roots.holds(place) and (place / CONFIG).is_file() and place != folder:
                return self._base(place.resolve(), text, self.roots)
        hub_id = parse_hub_id(text)
        snapshot = None if hub_id is None else cached_quietly(hub_id)
        if snapshot is None:
            return None
        return self._base(snapshot, str(hub_id), Roots.of(snapshot))

    def _places(self, text: str, folder: Path) -> Iterator[Path]:
        if "\0" in text or not text.strip("./"):
            return
        for start in (folder, self.root, self.root.parent):
            yield start / text

    def _base(self, folder: Path, name: str, roots: Roots) -> BaseFiles:
        if folder not in self._read:
            files = read_model_files(folder, roots, as_base=True, allow_pickle=self.allow_pickle)
            tensors = {ref.stored_name: ref for ref in files.stored}
            if files.config.model_class is not None:
                architecture = architecture_of(files.config, str(folder / CONFIG))
                tensors = own_tensors(architecture, files.stored, str(folder))
            self._read[folder] = BaseFiles(
                name, folder, files, tensors, find_tokenizer(folder, roots)
            )
        return self._read[folder]


def cached_quietly(hub_id: HubId) -> Path | None:
    """Return the cached snapshot of an id that a file names; never fails and asks nobody.

    Parameters
    ----------
    hub_id : HubId
        The id.

    Returns
    -------
    Path or None
        None where it is not cached.
    """
    try:
        return cached_snapshot(hub_id)
    except Exception:
        # An id that came from a file: whatever the library dislikes about it, it is not cached.
        return None
