"""What the side files of an entry say about it, each value with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from wsgeo.errors import EntryError
from wsgeo.zoo.checkpoints import Fact
from wsgeo.zoo.discovery import ADAPTER_CONFIG
from wsgeo.zoo.documents import CONFIG_BYTES, INDEX_BYTES, Roots, read_bytes, read_json

OWN_FILE = "wsgeo.json"

Value = str | int | float | None

_CARD_LINE = re.compile(r"^[-*]\s+(?P<name>[a-z_]+)\s*:\s*(?P<value>\S.*)$", re.MULTILINE)
_CARD_NUMBERS = {
    "seed": int,
    "learning_rate": float,
    "train_batch_size": int,
    "num_epochs": float,
    "training_steps": int,
}
_FOLDER = (
    ("seed", re.compile(r"seed[-_]?(\d+)")),
    ("step", re.compile(r"(?:checkpoint|step)[-_]?(\d+)")),
)
_MAX_TEXT = 2000


def read_facts(folder: Path, roots: Roots, root: Path) -> dict[str, Fact]:
    """Gather what the files beside a model say; the first source that names a fact holds.

    The order is ``wsgeo.json``, ``adapter_config.json``, ``README.md``, the folder's name,
    ``trainer_state.json``. Side files that are pickled are never opened; one that is malformed says
    nothing.

    Parameters
    ----------
    folder : Path
        The entry.
    roots : Roots
        Where its files may lie.
    root : Path
        The zoo; names of folders above it say nothing.

    Returns
    -------
    dict of str to Fact
        By name, such as ``base``, ``task``, ``seed``, ``learning_rate``, ``data``, ``step``.
    """
    facts: dict[str, Fact] = {}
    for name, value, source in _candidates(folder, roots, root):
        if value is not None:
            facts.setdefault(name, Fact(value, source))
    return facts


def own_labels(folder: Path, roots: Roots) -> tuple[str, ...] | None:
    """Return the label names that ``wsgeo.json`` gives, for heads whose config names none.

    Parameters
    ----------
    folder : Path
        The entry.
    roots : Roots
        Where its files may lie.

    Returns
    -------
    tuple of str or None
        None where there are none.
    """
    labels = _document(folder / OWN_FILE, roots, CONFIG_BYTES).get("labels")
    if isinstance(labels, list) and labels and all(isinstance(label, str) for label in labels):
        return tuple(labels)
    return None


def flatten(document: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Give the plain values of a document; names of nested ones are joined by dots.

    Parameters
    ----------
    document : mapping
        Parsed JSON or TOML.
    prefix : str
        Put before each name.

    Yields
    ------
    tuple of (str, str, int, float or None)
        Name and value; truth values are ``true`` or ``false``, lists are left out.

    Examples
    --------
    >>> list(flatten({"seed": 3, "data": {"train": "mr"}}))
    [('seed', 3), ('data.train', 'mr')]
    """
    for name, value in document.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield prefix + name, value[:_MAX_TEXT]
        elif isinstance(value, bool):
            yield prefix + name, str(value).lower()
        elif isinstance(value, int | float):
            yield prefix + name, value


def data_fact(facts: Mapping[str, Value]) -> Value:
    """Return the data on which a member is measured: its validation file, else what it names.

    Parameters
    ----------
    facts : mapping of str to value
        Flat facts.

    Returns
    -------
    str or None
        A path or name.

    Examples
    --------
    >>> data_fact({"data.train": "a.csv", "data.validation": "b.csv"})
    'b.csv'
    """
    for name in ("data", "data.validation", "data.train"):
        value = facts.get(name)
        if isinstance(value, str):
            return value
    return None


def _candidates(folder: Path, roots: Roots, root: Path) -> Iterator[tuple[str, Value, str]]:
    own = dict(flatten(_document(folder / OWN_FILE, roots, CONFIG_BYTES)))
    for name, value in own.items():
        yield name, value, OWN_FILE
    yield "data", data_fact(own), OWN_FILE
    adapter = _document(folder / ADAPTER_CONFIG, roots, CONFIG_BYTES)
    yield "base", _text(adapter.get("base_model_name_or_path")), ADAPTER_CONFIG
    for name, value in _card(folder / "README.md", roots):
        yield name, value, "README.md"
    if folder != root:
        for name, value in _folder_name(folder.relative_to(root).parts):
            yield name, value, "folder name"
    state = _document(folder / "trainer_state.json", roots, INDEX_BYTES)
    for key, name in (("global_step", "step"), ("epoch", "epoch")):
        number = state.get(key)
        if isinstance(number, int | float):
            yield name, number, "trainer_state.json"


def _document(path: Path, roots: Roots, limit: int) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        return read_json(path, roots, limit=limit)
    except EntryError:
        return {}


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def _card(path: Path, roots: Roots) -> Iterator[tuple[str, Value]]:
    """Read the front matter and the list of hyperparameters of a model card."""
    if not path.exists():
        return
    try:
        text = read_bytes(path, roots, CONFIG_BYTES).decode("utf-8", "replace")
    except EntryError:
        return
    front = text.split("\n---", 1)[0].splitlines()[1:] if text.startswith("---") else []
    for name, fact in (("base_model", "base"), ("datasets", "data")):
        yield fact, _front_matter(front, name)
    for match in _CARD_LINE.finditer(text):
        kind = _CARD_NUMBERS.get(match["name"])
        if kind is not None:
            yield match["name"], _number(match["value"], kind)


def _front_matter(lines: list[str], name: str) -> str | None:
    """Return a plain value, or the only item of a list."""
    for i, line in enumerate(lines):
        if not line.startswith(f"{name}:"):
            continue
        value = line.partition(":")[2].strip()
        if value:
            return _text(value.strip("'\"[] "))
        items = []
        for item in lines[i + 1 :]:
            if not item.lstrip().startswith("- "):
                break
            items.append(item.lstrip()[2:].strip().strip("'\""))
        return _text(items[0]) if len(items) == 1 else None
    return None


def _number(text: str, kind: type[int] | type[float]) -> int | float | None:
    try:
        value = kind(text.strip()[:30])
    except ValueError:
        return None
    return value if abs(value) < 10**18 else None


def _folder_name(parts: tuple[str, ...]) -> Iterator[tuple[str, Value]]:
    for name, pattern in _FOLDER:
        for part in reversed(parts):
            found = pattern.findall(part)
            if found and len(found[-1]) <= 18:
                yield name, int(found[-1])
                break
