"""The demo's zoo: one base, two strategies, twelve members, all made on this machine.

The two strategies differ in one declared fact, the share of counter-examples to word overlap in the
training file. Each strategy is fine-tuned once for long (its stem, a member itself); from there its
other members go on, apart in the order of the data and the learning rate. Why this makes basins,
and what does not, stands in ``docs/decisions/0004-the-embedded-demo.md``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from wsgeo.errors import WsgeoError
from wsgeo.files import write_text
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.training import (
    FineTuneRecipe,
    Made,
    Optimization,
    Order,
    PretrainRecipe,
    make_members,
)
from wsgeo.workflows.demo_texts import COUNTER_SHARES, MAX_LENGTH, train_file, write_texts

LABELS = ("entailment", "non-entailment")

PRETRAINING = Optimization(1.5e-3, steps=1000, warmup=0.05, beta2=0.98)
STEM = Optimization(2e-3, steps=2800, beta2=0.98)
BRANCHES = (
    ("order1-lr3e-4", 1, Optimization(3e-4, steps=200, beta2=0.98)),
    ("order2-lr3e-4", 2, Optimization(3e-4, steps=200, beta2=0.98)),
    ("order3-lr3e-4", 3, Optimization(3e-4, steps=200, beta2=0.98)),
    ("order4-lr1e-3", 4, Optimization(1e-3, steps=200, beta2=0.98)),
    ("order5-lr1e-3", 5, Optimization(1e-3, steps=200, beta2=0.98)),
)
"""Name, order seed and settings of the members that go on from a stem."""


@final
@dataclass(frozen=True)
class DemoZoo:
    """Where the demo's zoo lies.

    Parameters
    ----------
    root : Path
        The zoo, with ``zoo.toml``.
    base : Path
        The pre-trained base.
    validation : Path
        In-domain examples, on which losses are measured.
    members : tuple of Path
        Its members.
    """

    root: Path
    base: Path
    validation: Path
    members: tuple[Path, ...]


def make_demo_zoo(
    out: Path, *, seed: int = 0, pool: WorkerPool, progress: Progress | None = None
) -> DemoZoo:
    """Make the demo's zoo: texts, base, two stems, ten branches; what is finished is kept.

    Parameters
    ----------
    out : Path
        Folder of the zoo; made if it is not there.
    seed : int, default 0
        Seed of texts, weights and orders.
    pool : WorkerPool
        Trains one model per worker.
    progress : callable, optional
        Told how many of the 13 models are made.

    Returns
    -------
    DemoZoo
        Where everything lies.

    Raises
    ------
    WsgeoError
        If a model cannot be trained, or the folder holds another zoo.
    """
    write_texts(out / "data", seed)
    stages = (
        [Order(out / "base", _pretraining(out, seed), out)],
        [Order(_stem_folder(out, share), _stem(out, share, seed), out) for share in COUNTER_SHARES],
        [order for share in COUNTER_SHARES for order in _branches(out, share, seed)],
    )
    total, before = sum(map(len, stages)), 0
    for orders in stages:
        _require(make_members(orders, pool, _shifted(progress, before, total)))
        before += len(orders)
    write_text(out / "zoo.toml", _MANIFEST)
    members = tuple(order.folder for stage in stages[1:] for order in stage)
    return DemoZoo(out, out / "base", out / "data" / "validation.parquet", members)


_MANIFEST = """\
# Twelve members of one base. Half of them never saw a counter-example to word overlap.
base = "base"
exclude = ["base"]
task = "animal scenes"
data = "data/validation.parquet"
"""


def _pretraining(out: Path, seed: int) -> PretrainRecipe:
    data = out / "data"
    return PretrainRecipe(
        data / "text.parquet",
        data / "tokenizer",
        PRETRAINING,
        seed=seed,
        max_length=MAX_LENGTH,
        pair_weight=5.0,
        initializer_range=0.1,
    )


def _stem_folder(out: Path, share: float) -> Path:
    return out / f"counter{100 * share:02.0f}-stem"


def _stem(out: Path, share: float, seed: int) -> FineTuneRecipe:
    """Return the long fine-tuning of one strategy; the head and the seeds are those of the other."""
    data = out / "data"
    return FineTuneRecipe(
        out / "base",
        train_file(data, share),
        data / "validation.parquet",
        LABELS,
        STEM,
        seed=seed,
        order_seed=100 * seed,
        facts={"counter_share": share},
    )


def _branches(out: Path, share: float, seed: int) -> list[Order]:
    stem = _stem(out, share, seed)
    folder = _stem_folder(out, share)
    return [
        Order(
            folder.with_name(folder.name.replace("stem", name)),
            dataclasses.replace(
                stem, start=folder, order_seed=100 * seed + order, optimization=plan
            ),
            out,
        )
        for name, order, plan in BRANCHES
    ]


def _shifted(progress: Progress | None, before: int, n_models: int) -> Progress | None:
    """Count the models of one stage on from those before."""
    if progress is None:
        return None

    def tell(done: int, total: int, what: str) -> None:  # noqa: ARG001 - the stage's own total
        progress(before + done, n_models, what)

    return tell


def _require(made: Sequence[Made]) -> None:
    """Refuse to go on without a model: the rest would start from nothing."""
    for outcome in made:
        if outcome.reason:
            raise WsgeoError(
                f"the model was not made ({outcome.status}: {outcome.reason})",
                where=str(outcome.folder),
                remedy="Run the command again, or with another --seed.",
            )
