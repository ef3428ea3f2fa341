"""The plan of a pre-training recipe, from trials on a part of its text."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from wsgeo.counting import counted
from wsgeo.processes.pool import WorkerPool
from wsgeo.training import SeriesOrder
from wsgeo.training.corpora import read_documents
from wsgeo.training.corpus_folders import CACHE, Corpus
from wsgeo.training.finished import are_whole
from wsgeo.training.pretraining_files import PlannedSeries, series_orders
from wsgeo.training.states import StateKeeper
from wsgeo.workflows.training_plans import TrainingPlan
from wsgeo.workflows.trials import Cost, folder_bytes, series_cost
from wsgeo.workflows.zoo_work import HEAVY

_CHARACTERS = 1_000_000  # of the text; enough for a vocabulary of some thousand tokens
_PER_TOKEN = 8  # characters of a token, more than there are
_NO_COST = ("seed", "steps", "learning_rate", "schedule", "warmup", "weight_decay", "beta2", "clip",
            "save_at", "n_checkpoints")  # fmt: skip


def plan_series(series: Sequence[PlannedSeries], zoo: Path, jobs: int) -> TrainingPlan:
    """Say what making series costs.

    Parameters
    ----------
    series : sequence of PlannedSeries
        From `wsgeo.workflows.making_series.series_of`.
    zoo : Path
        Folder of the zoo.
    jobs : int
        Single-threaded workers.

    Returns
    -------
    TrainingPlan
        A member is a series; its examples are the sequences it sees.

    Raises
    ------
    WsgeoError
        If a text cannot be read, or a model not be trained at all.
    """
    rows = [
        {
            "name": one.name,
            "steps": one.settings.steps,
            "n_examples": one.settings.steps * one.settings.batch_size,
            "folders": len(one.save_at),
            "finished": are_whole(zoo / one.name / f"step-{s:06d}" for s in one.save_at),
            "diverged": StateKeeper.has_given_up(zoo / one.name),
        }
        for one in series
    ]
    settled = {row["name"] for row in rows if row["finished"] or row["diverged"]}
    left = [one for one in series if one.name not in settled]
    costs, before, n_tried = _costs(left, zoo, min(jobs, len(left)))
    words = f"from {counted(n_tried, 'trial')} on this machine" if left else "as all are settled"
    return TrainingPlan.of(str(zoo), rows, (), costs, before=before, jobs=jobs, measured=words)


def _costs(
    series: Sequence[PlannedSeries], zoo: Path, jobs: int
) -> tuple[dict[str, Cost], tuple[float, int], int]:
    """Return costs by name, time and disk of what comes before, and the number of kinds tried."""
    kinds: dict[object, list[PlannedSeries]] = {}
    for one in series:
        kinds.setdefault(one.settings.model_dump_json(exclude=set(_NO_COST)), []).append(one)
    costs: dict[str, Cost] = {}
    seconds, n_bytes, seen = 0.0, 0, set[Corpus]()
    with (
        tempfile.TemporaryDirectory() as folder,
        WorkerPool(jobs if kinds else 0, preload=HEAVY) as pool,
    ):
        for i, members in enumerate(kinds.values()):
            root = Path(folder) / str(i)
            order, packing, size = _packed(members[0], root)
            if members[0].corpus not in seen and not (zoo / CACHE).exists():
                seconds, n_bytes = seconds + packing, n_bytes + size
            seen.add(members[0].corpus)
            cost, more = series_cost(order, pool, root / "trials")
            seconds += more
            costs |= {one.name: cost for one in members}
    return costs, (seconds, n_bytes), len(kinds)


def _packed(one: PlannedSeries, root: Path) -> tuple[SeriesOrder, float, int]:
    """Pack a part of the texts; return an order on it, and time and disk of packing all of them."""
    documents = [text for path in one.corpus.texts for text in read_documents(path)]
    n_all = sum(map(len, documents))
    every = math.ceil(n_all / _CHARACTERS)
    spent: list[float] = []
    for times in (10, 2, 1):  # the first pays for imports
        started = time.monotonic()
        place = root / str(times)
        [order] = series_orders([_part_of(one, documents[:: every * times], place)], place)
        spent.append(time.monotonic() - started)
    first, half, part = spent
    # Word vectors cost the same for every text: only what grew with the part grows with the whole.
    seconds = part + max(0.0, part - half) * 2 * (every - 1) + max(0.0, first - half)
    text = (order.recipe.corpus / "train.safetensors").stat().st_size
    return order, seconds, folder_bytes(order.recipe.corpus) + text * (every - 1)


def _part_of(one: PlannedSeries, documents: Sequence[str], root: Path) -> PlannedSeries:
    """Return a series on some documents, and a part of its validation text, in a folder."""
    n_validation = one.settings.n_validation * one.settings.max_length * _PER_TOKEN
    texts = {
        "text.txt": "\n".join(documents),
        "validation.txt": "\n".join(read_documents(one.corpus.validation))[:n_validation],
    }
    root.mkdir(parents=True)
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")
    part = dataclasses.replace(
        one.corpus, texts=(root / "text.txt",), validation=root / "validation.txt"
    )
    return dataclasses.replace(one, corpus=part)
