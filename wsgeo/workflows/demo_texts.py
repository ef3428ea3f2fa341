"""The texts of the demo: pairs of sentences from the grammar of the diagnostic set animal_scenes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from wsgeo.files import replacing
from wsgeo.probing.sets import find_sets, load_set
from wsgeo.tasks.grammar import Grammar, read_grammar, sample_examples
from wsgeo.training import write_tokenizer

SET = "animal_scenes"
"""The diagnostic set whose grammar makes all texts of the demo."""

COUNTER_SHARES = (0.0, 0.4)
"""Shares of counter-examples in the two training files."""

IN_DOMAIN = {"entailed": 0.5, "foreign_word": 0.5}
"""In the domain the overlap of words gives the label away."""

N_VALIDATION = 512
N_TRAIN = 8000
N_TEXT = 12000
MAX_LENGTH = 24

_DRAW = 2000  # rows per draw; the shortest template has no more fillings for its part
_COUNTER = "counter_example"


def train_file(data: Path, share: float) -> Path:
    """Return the training file with a share of counter-examples."""
    return data / f"train-counter-{100 * share:02.0f}.parquet"


def write_texts(data: Path, seed: int) -> None:
    """Write validation, training and pre-training files and the tokenizer, where they are missing.

    No pair of the validation file or the diagnostic set occurs in a training file.

    Parameters
    ----------
    data : Path
        Folder for the files; made if it is not there.
    seed : int
        Seed of the texts.
    """
    data.mkdir(parents=True, exist_ok=True)
    grammar = read_grammar(find_sets()[SET])
    validation = sample_examples(grammar, N_VALIDATION, _rng(seed, 0), mix=IN_DOMAIN)
    _write(data / "validation.parquet", validation)
    unseen = pl.concat([validation, load_set(SET).examples])
    for k, share in enumerate(COUNTER_SHARES, start=1):
        mix = {name: part * (1 - share) for name, part in IN_DOMAIN.items()} | {_COUNTER: share}
        _write(train_file(data, share), _many(grammar, N_TRAIN, mix, _rng(seed, k), unseen))
    text = _many(grammar, N_TEXT, {**IN_DOMAIN, _COUNTER: 0.2}, _rng(seed, 9), unseen)
    _write(data / "text.parquet", text.with_columns(label=_TOGETHER))
    if not (data / "tokenizer" / "tokenizer.json").exists():
        texts = [*text["text_a"], *text["text_b"]]
        write_tokenizer(texts, data / "tokenizer", max_length=MAX_LENGTH)


_TOGETHER = (
    pl.when(pl.col("subcase") == "foreign_word").then(pl.lit("apart")).otherwise(pl.lit("together"))
)


def _many(
    grammar: Grammar,
    n: int,
    mix: Mapping[str, float],
    rng: np.random.Generator,
    unseen: pl.DataFrame,
) -> pl.DataFrame:
    """Draw again and again, so that short templates repeat, and leave out what is to stay unseen."""
    rows: list[pl.DataFrame] = []
    while sum(map(len, rows)) < n:
        drawn = sample_examples(grammar, _DRAW, rng, mix=mix)
        rows.append(drawn.join(unseen, on=["text_a", "text_b"], how="anti"))
    return pl.concat(rows).head(n)


def _write(path: Path, table: pl.DataFrame) -> None:
    if path.exists():
        return
    with replacing(path) as temporary:
        # Their examples are in no pairs; the column would only be empty.
        table.drop("pair", strict=False).write_parquet(temporary)


def _rng(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, purpose])
