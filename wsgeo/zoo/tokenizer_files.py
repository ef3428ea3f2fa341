"""Tokenizers as files: which one a folder holds, told apart without running any."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.processes import WorkFailure, run_apart
from wsgeo.zoo.documents import CONFIG_BYTES, TOKENIZER_BYTES, Roots, read_bytes, read_json

PROBE_SECONDS = 30.0

_FAST = "tokenizer.json"
_SLOW = ("vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model",
         "tokenizer.model", "bpe.codes", "spm.model")  # fmt: skip
# Parts that decide the token ids; padding and truncation are settings of the last call.
_PARTS = ("model", "normalizer", "pre_tokenizer", "post_processor")
_TOKEN = ("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
_SETTINGS = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space",
             "add_bos_token", "add_eos_token")  # fmt: skip

_PROBE_TEXTS = (
    "The doctor near the actor danced.",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! 3,141",
)


@final
@dataclass(frozen=True)
class TokenizerFiles:
    """The tokenizer that a folder holds.

    Parameters
    ----------
    folder : Path
        The folder.
    sha256 : str
        Hash of what decides the token ids.
    n_ids : int
        The largest id and one; 0 where the file's kind does not show it.
    main : Path
        The file that holds the vocabulary.
    """

    folder: Path
    sha256: str
    n_ids: int
    main: Path


def find_tokenizer(folder: Path, roots: Roots) -> TokenizerFiles | None:
    """Return the tokenizer of a folder, or None where it holds no vocabulary.

    Parameters
    ----------
    folder : Path
        A model or adapter.
    roots : Roots
        Where its files may lie.

    Returns
    -------
    TokenizerFiles or None
        Its files and their hash.

    Raises
    ------
    EntryError
        If a file is refused, or the vocabulary is malformed or empty.
    """
    if os.path.lexists(folder / _FAST):
        return _fast(folder, roots)
    vocabularies = [name for name in _SLOW if os.path.lexists(folder / name)]
    return _slow(folder, vocabularies, roots) if vocabularies else None


def probe_tokenizer(tokenizer: TokenizerFiles) -> None:
    """Build the tokenizer once in a process apart and encode two sentences.

    A regular expression in the file can panic or run for ever; the process dies in its place.

    Parameters
    ----------
    tokenizer : TokenizerFiles
        A tokenizer; kinds other than ``tokenizer.json`` hold no program and pass.

    Raises
    ------
    EntryError
        If it cannot be built, or takes longer than `PROBE_SECONDS`.
    """
    if tokenizer.main.name != _FAST:
        return
    answer = run_apart(_encode_probe, tokenizer.main.resolve(), seconds=PROBE_SECONDS)
    if isinstance(answer, WorkFailure):
        reason = shown(answer.reason, 160)
        refuse_tokenizer(f"it cannot be built and encode two sentences ({reason})", tokenizer.main)


def _encode_probe(path: Path) -> int:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(path.read_bytes())
    return sum(len(tokenizer.encode(text).ids) for text in _PROBE_TEXTS)


def _fast(folder: Path, roots: Roots) -> TokenizerFiles:
    path = folder / _FAST
    document = read_json(path, roots, limit=TOKENIZER_BYTES, max_containers=8_000_000)
    added = document.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(token, dict) for token in added):
        refuse_tokenizer("added_tokens is not a list of objects", path)
    model = document.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    ids = _vocabulary_ids(vocabulary, path)
    ids.update(_id(token.get("id"), path) for token in added)
    if len(ids) <= max(5, len(added)):
        refuse_tokenizer(f"it knows {len(ids)} tokens only", path)
    parts: dict[str, object] = {name: document.get(name) for name in _PARTS}
    parts["added_tokens"] = [[token.get(name) for name in _TOKEN] for token in added]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return TokenizerFiles(folder, hashlib.sha256(text.encode()).hexdigest(), max(ids) + 1, path)


def _vocabulary_ids(vocabulary: object, path: Path) -> set[int]:
    if isinstance(vocabulary, dict):
        return {_id(value, path) for value in vocabulary.values()}
    if not isinstance(vocabulary, list):
        refuse_tokenizer("it has no vocabulary", path)
    return set(range(len(vocabulary)))


def _id(value: object, path: Path) -> int:
    if type(value) is not int or value < 0:
        refuse_tokenizer(f"a token has the id {shown(value)}", path)
    return value


def _slow(folder: Path, names: list[str], roots: Roots) -> TokenizerFiles:
    whole, n_ids = hashlib.sha256(), 0
    for name in names:
        raw = read_bytes(folder / name, roots, TOKENIZER_BYTES)
        whole.update(f"{name}\0{len(raw)}\0".encode() + raw)
        if name == "vocab.txt":
            n_ids = len(raw.splitlines())
            if n_ids <= 5:
                refuse_tokenizer(f"it knows {n_ids} tokens only", folder / name)
    config = folder / "tokenizer_config.json"
    if os.path.lexists(config):
        # The library writes a 31-digit number for "no limit of length".
        settings = read_json(config, roots, limit=CONFIG_BYTES, max_digits=40)
        whole.update(json.dumps([settings.get(name) for name in _SETTINGS]).encode())
    return TokenizerFiles(folder, whole.hexdigest(), n_ids, folder / names[0])


def refuse_tokenizer(what: str, path: Path, cause: BaseException | None = None) -> Never:
    """Refuse a tokenizer; ``path`` is its file or folder."""
    raise EntryError(
        "tokenizer_malformed",
        f"the tokenizer is of no use: {what}",
        where=str(path),
        remedy="Save the tokenizer of the base beside the model.",
    ) from cause
