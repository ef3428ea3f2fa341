"""Recipes of zoos: TOML files, checked to the last key before anything is made of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from wsgeo.errors import MissingAssetError, WsgeoError
from wsgeo.escapes import printable
from wsgeo.training.factors import TOGETHER, check_factors, factors_of, nested
from wsgeo.training.refusals import checked
from wsgeo.zoo.hub import cached_snapshot, parse_hub_id

if TYPE_CHECKING:
    from wsgeo.training.recipe_schema import Recipe


@final
@dataclass(frozen=True)
class Places:
    """Where the files that a recipe names may lie: beside it, else below a root.

    Parameters
    ----------
    recipe : Path
        The recipe.
    data_root : Path, optional
        Folder of data sets.
    weights_root : Path, optional
        Folder of pre-trained models.
    """

    recipe: Path
    data_root: Path | None = None
    weights_root: Path | None = None

    def data(self, name: str) -> Path:
        """Return a data file.

        Parameters
        ----------
        name : str
            Path as the recipe writes it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        WsgeoError
            If there is none; the places that were tried are named.
        """
        for path in self._candidates(name, self.data_root):
            if path.is_file():
                return path
        raise self._missing(name, self.data_root, "data", "file")

    def model(self, name: str) -> Path:
        """Return the folder of a model.

        Parameters
        ----------
        name : str
            Path as the recipe writes it, or ``org/name@revision`` of a model in the hub's cache.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        WsgeoError
            If there is no such folder.
        MissingAssetError
            If it reads as a hub id that the cache does not hold.
        """
        for path in self._candidates(name, self.weights_root):
            if path.is_dir():
                return path
        hub_id = parse_hub_id(name)
        if hub_id is not None:
            if (folder := cached_snapshot(hub_id)) is not None:
                return folder
            if "@" in name:
                raise MissingAssetError(
                    f"the base {hub_id} is not in the hub's cache",
                    where=str(self.recipe),
                    remedy=f"Fetch it: `hf download {hub_id.repo} --revision {hub_id.revision}`.",
                )
        raise self._missing(name, self.weights_root, "weights", "folder")

    def _candidates(self, name: str, root: Path | None) -> list[Path]:
        return [folder / name for folder in (self.recipe.parent, root) if folder is not None]

    def _missing(self, name: str, root: Path | None, kind: str, what: str) -> WsgeoError:
        where = f"beside the recipe or in {root}" if root else "beside the recipe"
        remedy = "Check the recipe." if root else f"Check the recipe, or give --{kind}-root."
        text = f"there is no {what} {name!r} {where}"
        return WsgeoError(text, where=str(self.recipe), remedy=remedy)


def read_document(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a TOML file says, with values set from outside.

    Parameters
    ----------
    path : Path
        The file.
    overrides : sequence of str
        ``key=value`` with a dotted key and a TOML value; a text needs no quotes. In an array of
        tables the value is set in each.

    Returns
    -------
    dict
        Parsed, not checked.

    Raises
    ------
    WsgeoError
        If the file cannot be read, is no TOML, or an override is none.
    """
    document = _parsed(path)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not (equals and all(key.split("."))):
            raise WsgeoError(f"--set is {text!r}", remedy="Write it as training.steps=50.")
        _put(document, key.strip().split("."), _value(value.strip()), text)
    return document


def check_recipe(document: Mapping[str, Any], path: Path) -> Recipe:
    """Check a recipe: every key known, every value of its kind and in its range.

    Parameters
    ----------
    document : mapping
        What `read_document` returned.
    path : Path
        The file, for messages.

    Returns
    -------
    Recipe
        Checked; whether its files exist is not looked at.

    Raises
    ------
    WsgeoError
        If a key is unknown or a value wrong; file, key and remedy are named.
    """
    from wsgeo.training.recipe_schema import AXES, Recipe, Training

    recipe = checked(Recipe, document, path)
    check_factors(recipe.grid, AXES, path)
    for key, points in factors_of(recipe.grid).items():
        for number, point in enumerate(points, start=1):
            for axis in point.keys() - {"task", "base"}:
                within = f"grid.{key}.{number}" if key == TOGETHER else "grid"
                checked(Training, nested({axis: point[axis]}), path, within=within)
    return recipe


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WsgeoError(
            f"the recipe cannot be read ({error.strerror})",
            where=str(path),
            remedy="Name a TOML file.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise WsgeoError(
            f"the file is not TOML ({printable(error)})", where=str(path), remedy="Mend the file."
        ) from error


def _put(document: Any, keys: list[str], value: object, text: str) -> None:
    """Set a value below dotted keys; in an array of tables, in each of them."""
    if isinstance(document, list):
        for entry in document:
            _put(entry, keys, value, text)
    elif not isinstance(document, dict):
        raise WsgeoError(
            f"--set {text} goes below {document!r}, which is no table", remedy="Check the key."
        )
    elif len(keys) == 1:
        document[keys[0]] = value
    else:
        _put(document.setdefault(keys[0], {}), keys[1:], value, text)


def _value(text: str) -> object:
    """Read a TOML value; what is none is a text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if list(parsed) == ["value"] else text
