"""Ids of models on the Hugging Face hub, resolved from the local cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import MissingAssetError

FILES = (
    "config.json",
    "adapter_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*",
    "vocab.*",
    "merges.txt",
    "*.model",
    "special_tokens_map.json",
    "README.md",
    "wsgeo.json",
)
"""What is downloaded of a repository: no pickle, no code."""

_ID = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?)(@(?P<revision>[\w./-]+))?", re.ASCII
)
_LONGEST = 96  # characters of a repository's name, says the hub
_COMMIT = re.compile(r"[0-9a-f]{40}")


@final
@dataclass(frozen=True)
class HubId:
    """A model on the hub.

    Parameters
    ----------
    repo : str
        ``org/name``, or ``name`` for the oldest models.
    revision : str
        Branch, tag or commit.
    """

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        """Return ``org/name@revision``."""
        return f"{self.repo}@{self.revision}"


def parse_hub_id(text: str) -> HubId | None:
    """Return the hub id that a text may be, or None.

    Parameters
    ----------
    text : str
        Such as ``org/name@revision``.

    Returns
    -------
    HubId or None
        None where the text cannot be an id, as absolute paths and ``..`` cannot.

    Examples
    --------
    >>> parse_hub_id("org/name@v1")
    HubId(repo='org/name', revision='v1')
    >>> parse_hub_id("../elsewhere") is None
    True
    """
    match = _ID.fullmatch(text)
    if match is None or ".." in text or "--" in match["repo"]:
        return None
    if len(match["repo"]) > _LONGEST or match["repo"].endswith(("-", ".")):
        return None
    return HubId(match["repo"], match["revision"] or "main")


def cached_snapshot(hub_id: HubId) -> Path | None:
    """Return the folder of a cached snapshot; never makes a request.

    Parameters
    ----------
    hub_id : HubId
        What to look for.

    Returns
    -------
    Path or None
        Folder named by the commit, or None where the cache does not hold it.
    """
    from huggingface_hub import try_to_load_from_cache

    for name in ("config.json", "adapter_config.json"):
        file = try_to_load_from_cache(hub_id.repo, name, revision=hub_id.revision)
        if isinstance(file, str):
            return Path(file).parent
    return None


def fetch_snapshot(hub_id: HubId) -> Path:
    """Return the folder of a snapshot that the user asked for, downloaded if need be.

    Parameters
    ----------
    hub_id : HubId
        An id from the command line, never one found in a file.

    Returns
    -------
    Path
        Folder named by the commit.

    Raises
    ------
    MissingAssetError
        If it is neither cached nor can be fetched (``HF_HUB_OFFLINE``, no network, no such id).
    """
    found = cached_snapshot(hub_id)
    if found is not None:
        return found
    from huggingface_hub import constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        _refuse_missing(hub_id, "is not in the local cache, and HF_HUB_OFFLINE is set")
    try:
        folder = snapshot_download(
            hub_id.repo, revision=hub_id.revision, allow_patterns=list(FILES)
        )
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        _refuse_missing(hub_id, f"is not cached and cannot be fetched ({reason})")
    return Path(folder)


def _refuse_missing(hub_id: HubId, why: str) -> Never:
    raise MissingAssetError(
        f"the model {hub_id} {why}",
        remedy=f"Fetch it once with `hf download {hub_id.repo} --revision {hub_id.revision}`.",
    )


def commit_of(folder: Path) -> str | None:
    """Return the commit of a hub snapshot, by the cache's layout.

    Parameters
    ----------
    folder : Path
        A folder.

    Returns
    -------
    str or None
        40 hexadecimal digits, or None where the folder is no snapshot.
    """
    is_snapshot = folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name)
    return folder.name if is_snapshot else None
