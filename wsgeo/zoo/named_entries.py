"""Entries that somebody names: on the command line, or as cached hub ids in ``zoo.toml``."""

from __future__ import annotations

from pathlib import Path

from wsgeo.errors import EntryError, ZooError
from wsgeo.zoo.bases import cached_quietly
from wsgeo.zoo.discovery import Found
from wsgeo.zoo.hub import commit_of, fetch_snapshot, parse_hub_id
from wsgeo.zoo.names import entry_id


def entry_from_user(text: str) -> Found:
    """Return the entry that a command line names; a hub id may be fetched.

    Parameters
    ----------
    text : str
        A folder, a hub id ``org/name@revision``, or ``base+adapter`` of either.

    Returns
    -------
    Found
        With an id that keeps what was written.

    Raises
    ------
    ZooError
        If there is no such folder, or it is a file, and the text is no hub id.
    MissingAssetError
        If a hub id is neither cached nor to be fetched.
    """
    folder = _existing(text)
    if folder is not None:
        return _folder_entry(folder)
    base, plus, adapter = text.partition("+")
    if base.strip() and adapter.strip():
        found = entry_from_user(adapter)
        return Found(text, found.folder, found.root, found.revision, base)
    hub_id = parse_hub_id(text)
    if plus or hub_id is None:
        where = text or "the empty text"
        raise ZooError("there is no such folder", where=where, remedy="Check the path or hub id.")
    return _snapshot_entry(str(hub_id), fetch_snapshot(hub_id))


def entry_from_file(text: str, root: Path) -> Found:
    """Return the entry that ``zoo.toml`` names beside the folders that are there.

    Parameters
    ----------
    text : str
        A hub id; it causes no request.
    root : Path
        The zoo.

    Returns
    -------
    Found
        A cached snapshot.

    Raises
    ------
    EntryError
        If there is no such folder in the zoo and no such id in the cache.
    """
    hub_id = parse_hub_id(text)
    snapshot = None if hub_id is None else cached_quietly(hub_id)
    if snapshot is None:
        raise EntryError(
            "not_found",
            "zoo.toml names a member that is neither in the zoo nor in the local cache",
            where=str(root / "zoo.toml"),
            remedy="Mend the path, or give the hub id on the command line to fetch it.",
            malformed=False,
        )
    return _snapshot_entry(text, snapshot)


def _existing(text: str) -> Path | None:
    """Return the folder that a text names, if there is one; refuse a file."""
    path = Path(text)
    try:
        exists = bool(text.strip()) and path.exists()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        return None
    if exists and not path.is_dir():
        raise ZooError(
            "this is a file, not a folder", where=text, remedy="Name the folder that holds it."
        )
    return path if exists else None


def _folder_entry(folder: Path) -> Found:
    place = folder if folder.name not in ("", "..") else folder.resolve()
    name = entry_id(place.parent, place) if place.name else str(place)
    return Found(name, folder, folder, commit_of(folder.resolve()))


def _snapshot_entry(name: str, snapshot: Path) -> Found:
    return Found(name, snapshot, snapshot, commit_of(snapshot))
