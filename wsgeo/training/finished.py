"""Finished models: what is written down with each, and whether it is the one that is wanted."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from wsgeo.errors import WsgeoError
from wsgeo.files import replacing_folder, write_text
from wsgeo.training.models import quiet
from wsgeo.version import __version__
from wsgeo.zoo.facts import OWN_FILE

# To be raised with every change after which a recipe gives other bits on the same versions: of the
# order of the data, the rates, the masks, what is drawn from a seed, the optimizer, or a default that
# is not written down. Models without a number were made by algorithm 1.
ALGORITHM: Final = 2
"""Number of the training algorithm; models and states of another are never taken for one's own."""


def are_whole(folders: Iterable[Path]) -> bool:
    """Tell whether all models of a run are there, of one making; settings are not compared.

    Parameters
    ----------
    folders : iterable of Path
        The models.

    Returns
    -------
    bool
        False where one is missing.

    Raises
    ------
    WsgeoError
        If a folder holds something else.
    """
    makings = {making_of(read_record(path)) if path.exists() else "" for path in folders}
    return len(makings) == 1 and "" not in makings


def is_finished(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Tell whether a folder holds the model that these settings make.

    Parameters
    ----------
    folder : Path
        The member's folder.
    settings : mapping
        What is known of it before training.

    Returns
    -------
    bool
        False where there is no such folder.

    Raises
    ------
    WsgeoError
        If the folder holds a model of other settings, or other files.
    """
    if not folder.exists():
        return False
    found, wanted = read_record(folder), json.loads(json.dumps(settings))
    other = sorted(name for name in wanted if found.get(name) != wanted[name])
    if other:
        raise WsgeoError(
            f"the member was made with other settings ({', '.join(other)})",
            where=str(folder),
            remedy="Remove it, or choose another folder with -o.",
        )
    return True


def read_record(folder: Path) -> dict[str, Any]:
    """Return what is written down with a member.

    Parameters
    ----------
    folder : Path
        A member's folder.

    Returns
    -------
    dict
        Its ``wsgeo.json``.

    Raises
    ------
    WsgeoError
        If there is none that can be read, or another algorithm made the member.
    """
    try:
        record: dict[str, Any] = json.loads((folder / OWN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WsgeoError(
            "the folder holds no member that wsgeo made",
            where=str(folder),
            remedy="Choose another folder with -o.",
        ) from error
    number = record.get("algorithm", 1)
    if number != ALGORITHM:
        age = "an earlier" if number < ALGORITHM else "a later"
        raise WsgeoError(
            f"the member was made by {age} version of wsgeo, which trained in another way",
            where=str(folder),
            remedy="Choose another folder with -o; `wsgeo scan` reads this one as it is.",
        )
    return record


def versions() -> dict[str, str]:
    """Return the versions that decide a member's bits."""
    packages = ("torch", "transformers", "tokenizers", "peft", "numpy")
    return {
        "wsgeo": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def making_of(record: Mapping[str, Any]) -> str:
    """Return versions and kind of device of a model, in a form that can be compared.

    Parameters
    ----------
    record : mapping
        With ``device`` and ``versions``.

    Returns
    -------
    str
        Equal for models of one making.
    """
    kind = str(record.get("device")).partition(":")[0]
    return json.dumps([kind, record.get("versions")], sort_keys=True)


@contextlib.contextmanager
def writing(folder: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Give a hidden folder for a model, which gets its record and its name when the block ends well.

    Parameters
    ----------
    folder : Path
        The member's folder.
    record : mapping
        What is to be written down; no NaN.

    Yields
    ------
    Path
        Where to save model and tokenizer.

    Raises
    ------
    WsgeoError
        If a file cannot be written.
    """
    from safetensors import SafetensorError

    try:
        with replacing_folder(folder) as staging, quiet():
            yield staging
            document = json.dumps(record, indent=2, sort_keys=True, allow_nan=False)
            write_text(staging / OWN_FILE, document + "\n")
    except Exception as error:
        # tokenizers raises a bare Exception where it cannot write.
        if type(error) is not Exception and not isinstance(error, OSError | SafetensorError):
            raise
        raise WsgeoError(
            f"the model cannot be written ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Free some space, then run the command again: it goes on where it was.",
        ) from error
