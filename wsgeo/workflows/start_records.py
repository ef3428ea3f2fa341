"""What was found of start models, kept in the run by the content that it was found for."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from wsgeo.files import write_text
from wsgeo.training.devices import device_of
from wsgeo.training.finished import making_of, versions


@final
@dataclass(frozen=True)
class Records:
    """Results by key, one small file each: written in any process, whole or not at all.

    Parameters
    ----------
    folder : Path
        Where they lie.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     records = Records(Path(folder))
    ...     records.put(key_of({"seed": 0}), {"loss": 0.5})
    ...     records.get(key_of({"seed": 0})), records.get(key_of({"seed": 1}))
    ({'loss': 0.5}, None)
    """

    folder: Path

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what is known under a key, or None; a damaged file knows nothing."""
        try:
            found = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, content: dict[str, Any]) -> None:
        """Keep what was found."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._path(key), json.dumps(content, allow_nan=False, sort_keys=True) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def key_of(content: object) -> str:
    """Return the key of plain values: a hash that does not depend on the order of names.

    Parameters
    ----------
    content : object
        Ready for JSON.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@functools.lru_cache
def making(device: str = "cpu") -> str:
    """Return what decides a result beside what goes in: kind of device, and versions of libraries.

    Parameters
    ----------
    device : str, default 'cpu'
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    str
        Equal where results can be compared.

    Raises
    ------
    WsgeoError
        If there is no such device.
    """
    return making_of({"device": device_of(device).type, "versions": versions()})
