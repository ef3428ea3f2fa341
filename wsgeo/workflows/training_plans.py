"""What making a zoo will cost: members, updates, time, disk."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from wsgeo.counting import counted
from wsgeo.training import FineTuneRecipe, Order, make_member
from wsgeo.workflows.zoo_notes import own_notes

_SHORT, _LONG = 2, 10  # updates of the two trials; their difference is free of the start
_ROWS: Final = {"train": 1024, "validation": 256}
_MOST_KINDS = 6


@final
@dataclass(frozen=True)
class Cost:
    """What one kind of member costs.

    Parameters
    ----------
    update : float
        Seconds per update.
    example : float
        Seconds per example of the data, for reading, encoding and evaluating it.
    n_bytes : int
        Size of its folder.
    """

    update: float
    example: float
    n_bytes: int


@final
@dataclass(frozen=True)
class TrainingPlan:
    """Counts of a zoo that is to be made.

    Parameters
    ----------
    zoo : str
        Folder of the zoo.
    members : tuple of dict
        ``name``, ``steps``, ``n_examples``, ``folders`` (with the checkpoints kept on the way) and
        ``finished`` of each.
    data : tuple of dict
        ``file``, ``n``, ``labels``, ``n_mixed``, ``n_dropped`` of each file of data.
    seconds : float or None
        Estimated time for what is missing; None where nothing was measured.
    n_bytes : int
        Estimated size of what is missing, bases included.
    jobs : int
        Workers that the time is estimated for.
    measured : str
        What the estimate rests on.
    """

    zoo: str
    members: tuple[dict[str, Any], ...]
    data: tuple[dict[str, Any], ...]
    seconds: float | None
    n_bytes: int
    jobs: int
    measured: str

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {**dataclasses.asdict(self), "n_members": len(self.members), "exit_code": 0}

    def __str__(self) -> str:
        """Return the plan in words."""
        left = [member for member in self.members if not member["finished"]]
        width = max(len(member["name"]) for member in self.members)
        lines = [
            f"{member['name']:{width}}  {counted(member['steps'], 'update')} on "
            f"{counted(member['n_examples'], 'example')}" + "  finished" * member["finished"]
            for member in self.members
        ]
        done = (
            f", {len(self.members) - len(left)} finished" if len(left) < len(self.members) else ""
        )
        updates = counted(sum(member["steps"] for member in left), "update")
        size = f"{self.n_bytes / 1e6:,.0f} MB of disk"
        lines += [
            "",
            f"{counted(len(self.members), 'member')}{done}; {updates} to make.",
            f"{self._told_time()}; {size}.",
        ]
        return "\n".join(lines)

    def _told_time(self) -> str:
        if self.seconds is None:
            return "The time is not estimated before a first one is finished"
        return f"About {_time(self.seconds)} in {counted(self.jobs, 'worker')}, {self.measured}"


def kind_of(order: Order) -> tuple[object, ...]:
    """Return what the cost of a member depends on, but for steps and examples.

    Parameters
    ----------
    order : Order
        The member.

    Returns
    -------
    tuple
        Equal for members of equal cost.
    """
    recipe = fine_tuning(order)
    plan = recipe.optimization
    return recipe.validation, recipe.method, plan.batch_size, plan.precision


def costs(
    orders: Sequence[Order], zoo: Path, finished: Collection[str]
) -> tuple[dict[tuple[object, ...], Cost], str]:
    """Return what each kind of member costs, from finished ones or from a trial of a few updates.

    Parameters
    ----------
    orders : sequence of Order
        All members, with their bases and data in place.
    zoo : Path
        Where finished members lie.
    finished : collection of str
        Names of these.

    Returns
    -------
    costs : dict of tuple to Cost
        By kind; at most six kinds are tried, and the others take their mean.
    measured : str
        What was measured, in words.

    Raises
    ------
    WsgeoError
        If a model cannot be trained at all.
    """
    kinds: dict[tuple[object, ...], list[Order]] = {}
    for order in orders:
        kinds.setdefault(kind_of(order), []).append(order)
    found: dict[tuple[object, ...], Cost] = {}
    n_tried = 0
    for kind, members in kinds.items():
        done = [order for order in members if order.folder.name in finished]
        cost = _of_finished(done, zoo)
        if cost is None and n_tried < _MOST_KINDS:
            cost, n_tried = _of_trial(members[0]), n_tried + 1
        if cost is not None:
            found[kind] = cost
    mean = _mean(list(found.values()))
    words = f"from {counted(n_tried, 'trial')} on this machine" if n_tried else "as those finished"
    return {kind: found.get(kind, mean) for kind in kinds}, words


def seconds_of(order: Order, cost: Cost, sizes: Mapping[Path, int]) -> float:
    """Return the estimated time of a member.

    Parameters
    ----------
    order : Order
        The member.
    cost : Cost
        Of its kind.
    sizes : mapping of Path to int
        Number of examples by file.

    Returns
    -------
    float
        Seconds in one worker.
    """
    recipe = fine_tuning(order)
    n_examples = sizes[recipe.train] + sizes[recipe.validation]
    return cost.update * recipe.optimization.steps + cost.example * n_examples


def _of_finished(orders: Sequence[Order], zoo: Path) -> Cost | None:
    """Return the mean cost of finished members of a kind."""
    rates, sizes = [], []
    for order in orders:
        seconds = own_notes(zoo / order.folder.name).get("seconds")
        if isinstance(seconds, int | float):
            rates.append(seconds / order.recipe.optimization.steps)
            sizes.append(folder_bytes(zoo / order.folder.name))
    return Cost(sum(rates) / len(rates), 0.0, sum(sizes) // len(sizes)) if rates else None


def _of_trial(order: Order) -> Cost:
    """Train a member for a few updates on a few examples, twice, and throw it away."""
    recipe = fine_tuning(order)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {split: root / f"{split}.parquet" for split in _ROWS}
        for split, n in _ROWS.items():
            pl.read_parquet(getattr(recipe, split)).head(n).write_parquet(files[split])
        n_examples = sum(pl.read_parquet(file, columns=["row"]).height for file in files.values())
        recipe = dataclasses.replace(
            recipe, train=files["train"], validation=files["validation"], save_at=()
        )
        seconds: list[float] = []
        for steps in (_SHORT, _SHORT, _LONG):  # the first trial pays for imports
            plan = dataclasses.replace(recipe.optimization, steps=steps)
            place, started = root / f"trial-{len(seconds)}", time.monotonic()
            make_member(Order(place, dataclasses.replace(recipe, optimization=plan), root))
            seconds.append(time.monotonic() - started)
        update = max(0.0, seconds[2] - seconds[1]) / (_LONG - _SHORT)
        example = max(0.0, seconds[1] - _SHORT * update) / n_examples
        return Cost(update, example, folder_bytes(place))


def folder_bytes(folder: Path) -> int:
    """Return the size of the files in a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    int
        Bytes.
    """
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def fine_tuning(order: Order) -> FineTuneRecipe:
    """Return the recipe of an order that is known to fine-tune."""
    assert isinstance(order.recipe, FineTuneRecipe)
    return order.recipe


def _mean(found: Sequence[Cost]) -> Cost:
    n = max(1, len(found))
    return Cost(
        sum(cost.update for cost in found) / n,
        sum(cost.example for cost in found) / n,
        sum(cost.n_bytes for cost in found) // n,
    )


def _time(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
