"""The work on a zoo: what is settled is looked through here, the rest is made by workers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, final

from wsgeo.counting import counted
from wsgeo.processes.pool import PRELOAD, WorkerPool
from wsgeo.progress import Progress
from wsgeo.training import Made, Standing
from wsgeo.training.crews import AbstractOrder, Watch
from wsgeo.training.devices import device_of
from wsgeo.workflows.engines import n_cores

Ordered = TypeVar("Ordered", bound=AbstractOrder)

RESULTS: Final = ("train_loss", "validation_loss", "validation_metric", "seconds")
"""Results of a member that a summary tells."""

LOST: Final = ("nonfinite", "failed")
"""How a member ends that has no model."""

HEAVY: Final = (*PRELOAD, "transformers.models.bert.modeling_bert", "wsgeo.training")
"""Modules that workers are born with."""


@final
@dataclass(frozen=True)
class Listeners:
    """Who is told how the work gets on.

    Parameters
    ----------
    announce : callable
        Told what comes next, in sentences.
    progress : Progress, optional
        Told how many members are done.
    watch : callable, optional
        Told how the members in work get on.
    """

    announce: Callable[[str], None]
    progress: Progress | None = None
    watch: Watch | None = None


def usual_jobs(device: str) -> int:
    """Return how many members are made at once where nobody says.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    int
        One per core; one on a GPU, which several members would only share, its memory too.

    Raises
    ------
    WsgeoError
        If there is no GPU and one is asked for.
    """
    # Torch takes seconds to import, and has nothing to say of a CPU.
    return n_cores() if device == "cpu" or device_of(device).type == "cpu" else 1


class Maker(Protocol):
    """Makes members in the workers of a pool."""

    def __call__(
        self,
        orders: Sequence[Any],
        pool: WorkerPool,
        progress: Progress | None = None,
        watch: Watch | None = None,
    ) -> list[Made]:
        """Return the outcomes, aligned to the orders."""


def work_through(
    orders: Sequence[Ordered],
    make: Maker,
    is_settled: Callable[[Ordered], object],
    *,
    jobs: int,
    nouns: tuple[str, str],
    listeners: Listeners,
) -> list[Made]:
    """Make what is missing; look through the rest first, so that the time left is that of work.

    Parameters
    ----------
    orders : sequence of Order or SeriesOrder
        All members.
    make : Maker
        Makes them.
    is_settled : callable
        Whether an order is finished, or known to lead nowhere.
    jobs : int
        Single-threaded workers.
    nouns : tuple of (str, str)
        What an order makes, in the singular and the plural.
    listeners : Listeners
        Who is told.

    Returns
    -------
    list of Made
        Aligned to ``orders``.
    """
    settled = [order for order in orders if is_settled(order)]
    known = {order.folder for order in settled}
    left = [order for order in orders if order.folder not in known]
    with WorkerPool(0) as here:
        made = make(settled, here)
    if left:
        listeners.announce(f"Making {len(left)} of {counted(len(orders), *nouns)}.")
        if listeners.progress is not None:
            listeners.progress(0, len(left), nouns[1])
        watch = _counting_on(listeners.watch, len(settled))
        with WorkerPool(jobs, preload=HEAVY) as pool:
            made += make(left, pool, listeners.progress, watch)
    by_folder = {outcome.folder: outcome for outcome in made}
    return [by_folder[order.folder] for order in orders]


def _counting_on(watch: Watch | None, n_settled: int) -> Watch | None:
    """Count the members that are settled among those that are made."""
    if watch is None:
        return None

    def told(standing: Standing) -> None:
        n_made, n_members = standing.n_made + n_settled, standing.n_members + n_settled
        watch(dataclasses.replace(standing, n_made=n_made, n_members=n_members))

    return told
