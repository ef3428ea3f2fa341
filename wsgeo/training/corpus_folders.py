"""What every series of a zoo reads: a tokenizer, packed texts, word vectors; made once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from wsgeo.errors import DataError, WsgeoError
from wsgeo.files import replacing, replacing_folder, write_text
from wsgeo.training.cooccurrence import word_vectors
from wsgeo.training.corpora import read_documents, text_hash
from wsgeo.training.models import tokenizer_of
from wsgeo.training.packing import PackedText, pack, read_packed, write_packed
from wsgeo.training.tokenizers import train_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

CACHE: Final = ".cache"
"""Hidden folder of a zoo for what can be made again."""

_SOURCES, _VECTORS = "sources.json", "vectors"


@final
@dataclass(frozen=True)
class Corpus:
    """Texts and how they become tokens.

    Parameters
    ----------
    texts : tuple of Path
        Files to train on, in order.
    validation : Path
        File to validate on.
    tokenizer : str
        ``wordpiece``, ``bpe``, or the folder of a tokenizer.
    n_tokens : int
        Size of a vocabulary that is trained.
    lower_case : bool
        Whether a tokenizer that is trained drops case.
    decoder : bool
        Whether it serves a decoder.
    max_length : int
        Longest input that it announces.
    """

    texts: tuple[Path, ...]
    validation: Path
    tokenizer: str
    n_tokens: int
    lower_case: bool
    decoder: bool
    max_length: int


@final
@dataclass(frozen=True)
class CorpusFolder:
    """A folder that holds a corpus as tokens.

    Parameters
    ----------
    path : Path
        The folder: ``tokenizer/``, ``train.safetensors``, ``validation.safetensors``,
        ``sources.json``, and word vectors by width.
    """

    path: Path

    def tokenizer(self) -> Any:
        """Load the tokenizer."""
        return tokenizer_of(self.path / "tokenizer")

    def text(self, split: str) -> PackedText:
        """Read the running text of ``train`` or ``validation``."""
        return read_packed(self.path / f"{split}.safetensors")

    def sources(self) -> dict[str, Any]:
        """Return how the folder was made: settings, and a hash of each text as it is unpacked."""
        sources: dict[str, Any] = json.loads((self.path / _SOURCES).read_text(encoding="utf-8"))
        return sources

    def vectors(self, width: int) -> NDArray[np.float32]:
        """Return word vectors of the training text, made at the first call.

        Parameters
        ----------
        width : int
            Their dimensions.

        Returns
        -------
        ndarray of float32, shape (n_tokens, width)
            See `wsgeo.training.cooccurrence.word_vectors`.
        """
        from safetensors.numpy import load_file, save

        path = self.path / f"{_VECTORS}-{width}.safetensors"
        if not path.exists():
            tokenizer = self.tokenizer()
            ids, special = self.text("train").ids, tokenizer.all_special_ids
            made = word_vectors(ids, len(tokenizer), width, skip=special)
            with replacing(path) as temporary:
                temporary.write_bytes(save({_VECTORS: made}))
        vectors: NDArray[np.float32] = load_file(path)[_VECTORS]
        return vectors


def make_corpus(corpus: Corpus, zoo: Path) -> CorpusFolder:
    """Train the tokenizer and pack the texts of a corpus, unless that is done.

    Parameters
    ----------
    corpus : Corpus
        The texts and the tokenizer.
    zoo : Path
        Folder of the zoo; the corpus lies in its hidden ``.cache``.

    Returns
    -------
    CorpusFolder
        Named by the content of the texts and by the settings.

    Raises
    ------
    DataError
        If a text cannot be read, or is too small for the vocabulary.
    WsgeoError
        If the tokenizer cannot be loaded, or the folder not be written.
    """
    train = [read_documents(path) for path in corpus.texts]
    validation = read_documents(corpus.validation)
    hashes = {
        "train": [text_hash(documents) for documents in train],
        "validation": text_hash(validation),
    }
    sources = _sources(corpus, hashes)
    key = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    folder = zoo / CACHE / f"corpus-{key[:12]}"
    if not folder.exists():
        documents = [text for file in train for text in file]
        with replacing_folder(folder) as staging:
            _write_tokenizer(corpus, documents, staging / "tokenizer")
            tokenizer = tokenizer_of(staging / "tokenizer")
            write_packed(staging / "train.safetensors", pack(documents, tokenizer))
            write_packed(staging / "validation.safetensors", pack(validation, tokenizer))
            write_text(staging / _SOURCES, json.dumps(sources, indent=2, sort_keys=True) + "\n")
    return CorpusFolder(folder)


def _sources(corpus: Corpus, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a corpus by content: where its files lie does not matter."""
    settings = asdict(corpus)
    settings["texts"] = [path.name for path in corpus.texts]
    settings["validation"] = corpus.validation.name
    if _is_folder(corpus.tokenizer):
        settings["tokenizer"] = Path(corpus.tokenizer).name
        settings["tokenizer_hash"] = _tokenizer_hash(Path(corpus.tokenizer))
    return {**settings, "data_hash": dict(hashes)}


def _tokenizer_hash(folder: Path) -> str:
    try:
        return hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    except OSError as error:
        raise WsgeoError(
            f"the tokenizer has no tokenizer.json that can be read ({error.strerror})",
            where=str(folder),
            remedy="Load it with transformers' AutoTokenizer and save it there.",
        ) from error


def _write_tokenizer(corpus: Corpus, documents: Sequence[str], folder: Path) -> None:
    if _is_folder(corpus.tokenizer):
        tokenizer_of(Path(corpus.tokenizer)).save_pretrained(folder)
        return
    try:
        train_tokenizer(
            documents, folder, n_tokens=corpus.n_tokens, kind=corpus.tokenizer,
            lower_case=corpus.lower_case, decoder=corpus.decoder, max_length=corpus.max_length,
        )  # fmt: skip
    except ValueError as error:
        raise DataError(str(error), where=str(corpus.texts[0]), remedy="Mend n_tokens.") from error


def _is_folder(tokenizer: str) -> bool:
    return tokenizer not in ("wordpiece", "bpe")
