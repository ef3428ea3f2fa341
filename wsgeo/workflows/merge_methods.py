"""Methods of merging, made ready for some members: some of them are chosen on the data."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.fisher import N_EXAMPLES, write_fisher
from wsgeo.evaluation.losses import Item, Losses, Point
from wsgeo.processes.isolation import remedy_of
from wsgeo.processes.worker import WorkFailure
from wsgeo.regions.fisher_merges import FisherMean
from wsgeo.regions.greedy_soups import GreedySoup, greedy_soup
from wsgeo.regions.merging import AbstractMerge
from wsgeo.tasks.ordering import stratified_order
from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.slices import SliceReader, TensorSlices
from wsgeo.workflows.engines import backends_for
from wsgeo.workflows.evidence import Bench
from wsgeo.workflows.merge_requests import MergeRequest
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint

_CHOOSING, _REPORTING = "choosing", "reporting"
_IN_COLUMNS: Final = ("weights", "trials")  # the table of centroids holds them elsewhere


@final
@dataclass(frozen=True)
class PreparedMerge:
    """A method of merging that is ready for some members.

    Parameters
    ----------
    method : AbstractMerge
        The method.
    settings : mapping of str to object
        What the table of centroids says of it beside its parameters.
    notes : tuple of str
        Sentences on how it was made ready.
    caveat : str
        Why what is measured on all examples flatters it; empty where it does not.
    """

    method: AbstractMerge
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    caveat: str = ""

    @property
    def parameters(self) -> dict[str, object]:
        """What the table of centroids says of it."""
        own = {k: v for k, v in self.method.parameters.items() if k not in _IN_COLUMNS}
        return {**own, **self.settings}

    @property
    def weights(self) -> tuple[float, ...]:
        """One per member, where they were asked for; none where they are equal or chosen."""
        return tuple(self.method.parameters.get("weights", ()))


@contextlib.contextmanager
def prepared_merge(request: MergeRequest, bench: Bench) -> Iterator[PreparedMerge]:
    """Give the method that was asked for, ready for the members of a bench.

    Parameters
    ----------
    request : MergeRequest
        Method and settings.
    bench : Bench
        Members, data and processes.

    Yields
    ------
    PreparedMerge
        To be used inside the block: what it reads is removed at its end.

    Raises
    ------
    WsgeoError
        If a setting does not fit the members, or the method takes losses and there is no data.
    """
    if not request.needs_losses:
        yield PreparedMerge(request.merge_of(bench.selection.ids), notes=_arithmetic_note(request))
    elif request.method == "greedy":
        yield _soup(bench, _data(bench, request), request.seed or 0)
    else:
        data = _data(bench, request)
        with (
            tempfile.TemporaryDirectory(prefix="wsgeo-fisher-") as folder,
            TensorSlices() as slices,
        ):
            yield _fisher(bench, data, request.seed or 0, Path(folder), slices)


def _arithmetic_note(request: MergeRequest) -> tuple[str, ...]:
    if request.method != "arithmetic" or request.scale not in {None, 1}:
        return ()
    mean = "mean" if request.weights is None else "weighted mean"
    return (f"At scale 1 task arithmetic is the {mean}: --scale sets how far to go from the base.",)


def _data(bench: Bench, request: MergeRequest) -> GroupData:
    data = bench.selection.data
    if data is None:
        raise WsgeoError(
            f"the method {request.method} is chosen by losses, and its members have no data or no "
            "task in common",
            remedy="Scan with --data, choose the members of one task with --group, or take another "
            "--method.",
        )
    return data


def _soup(bench: Bench, data: GroupData, seed: int) -> PreparedMerge:
    """Choose a greedy soup on one half of the examples, and say how it does on the other."""
    members, halves = bench.selection.members, _halves(data.encoded, seed)
    with _engine(bench, data, halves) as engine:
        measure = functools.partial(_losses, engine, members)
        alone = measure(_CHOOSING, [(i,) for i in range(len(members))])
        if all(loss != loss for loss in alone):
            raise WsgeoError(
                "no member has a loss to start a greedy soup from",
                remedy="Take another --method.",
            )
        soup = greedy_soup(alone, lambda chosen: measure(_CHOOSING, [chosen])[0])
        told = [soup.chosen, soup.chosen[:1], tuple(range(len(members)))]
        caveat = _soup_caveat(bench, soup, measure(_REPORTING, told), halves)
    settings = {"seed": seed, "choosing_examples": len(halves[_CHOOSING])}
    return PreparedMerge(soup, settings, (_soup_note(bench, soup, halves),), caveat)


def _halves(examples: EncodedExamples, seed: int) -> dict[str, NDArray[np.int64]]:
    order, half = stratified_order(examples, seed), (len(examples) + 1) // 2
    if len(examples) < 2:
        raise WsgeoError(
            "one example cannot choose a greedy soup and judge it too",
            remedy="Scan with more --examples, or take another --method.",
        )
    return {_CHOOSING: np.sort(order[:half]), _REPORTING: np.sort(order[half:])}


def _engine(bench: Bench, data: GroupData, halves: Mapping[str, NDArray[np.int64]]) -> Engine:
    backends = backends_for(data, bench.pool, bench.ledger, bench.settings)
    return Engine(
        data.members,
        {name: data.encoded.rows(rows) for name, rows in halves.items()},
        pool=bench.pool,
        ledger=bench.ledger,
        progress=bench.progress,
        precision=backends.precision,
        backends=backends,
        token_budget=bench.settings.token_budget,
    )


def _losses(
    engine: Engine, members: Sequence[Checkpoint], half: str, mixes: Sequence[tuple[int, ...]]
) -> list[float]:
    """Return the loss of the plain mean of each mix of members; NaN where it failed."""
    points = [_mean_of([members[i].content_hash for i in mix]) for mix in mixes]
    outcomes = engine.evaluate_all([Item((point,), half) for point in points])
    return [found.mean if isinstance(found, Losses) else np.nan for (found,) in outcomes]


def _mean_of(hashes: Sequence[str]) -> Point:
    return Point(tuple(hashes), (1 / len(hashes),) * len(hashes))


def _soup_note(bench: Bench, soup: GreedySoup, halves: Mapping[str, NDArray[np.int64]]) -> str:
    ids = bench.selection.ids
    chosen = ", ".join(ids[i] for i in soup.chosen)
    return (
        f"The soup was chosen on {counted(len(halves[_CHOOSING]), 'example')}: {len(soup.chosen)} of "
        f"{counted(len(ids), 'member')}, in this order: {chosen}."
    )


def _soup_caveat(
    bench: Bench,
    soup: GreedySoup,
    losses: Sequence[float],
    halves: Mapping[str, NDArray[np.int64]],
) -> str:
    own, best, everyone = (f"{loss:.4g}" for loss in losses)
    return (
        "Its figures are of all examples, those that it was chosen on too. On the other "
        f"{counted(len(halves[_REPORTING]), 'example')}, which had no part in that, its loss is {own}; "
        f"that of {bench.selection.ids[soup.chosen[0]]}, the best where it was chosen, {best}; that of "
        f"the mean of all members {everyone}."
    )


def _fisher(
    bench: Bench, data: GroupData, seed: int, folder: Path, slices: TensorSlices
) -> PreparedMerge:
    """Measure the Fisher information of each member, and weight the members with it."""
    members = bench.selection.members
    paths = [folder / f"{i}.safetensors" for i in range(len(members))]
    asked = [(m, data.encoded, path, seed) for m, path in zip(members, paths, strict=True)]
    n_used = 0
    for done, (i, found) in enumerate(bench.pool.run(fisher_in_worker, asked), start=1):
        if isinstance(found, WorkFailure):
            raise WsgeoError(
                f"the Fisher information of {members[i].id} was not measured ({found.reason})",
                remedy=remedy_of(found, "Take another --method."),
            )
        n_used = found
        if bench.progress is not None:
            bench.progress(done, len(members), "Fisher information")
    method = FisherMean(tuple(_reader(slices, path) for path in paths))
    note = (
        "Each weight counts by the member's empirical Fisher information: the mean squared gradient "
        f"of the log-likelihood of the right label, example by example, on "
        f"{counted(n_used, 'example')} of the data it is measured on."
    )
    caveat = f"Its figures are of all examples, the {n_used} too whose labels the Fisher information took."
    return PreparedMerge(method, {"seed": seed, "fisher_examples": n_used}, (note,), caveat)


def fisher_in_worker(asked: tuple[Checkpoint, EncodedExamples, Path, int]) -> int:
    """Measure the Fisher information of a member, on at most 256 examples.

    Parameters
    ----------
    asked : tuple of (Checkpoint, EncodedExamples, Path, int)
        The member, examples of its group, the file to write, and the seed of the draw.

    Returns
    -------
    int
        Number of examples that were used.
    """
    member, examples, path, seed = asked
    return write_fisher(member, examples, path, n_examples=N_EXAMPLES, seed=seed)


def _reader(slices: TensorSlices, path: Path) -> Callable[[str], SliceReader]:
    return functools.partial(slices.reader, path)
