"""The plan of a fine-tuning recipe: nothing is written to the zoo, and no base is copied."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsgeo.counting import counted
from wsgeo.processes.pool import WorkerPool
from wsgeo.training import FineTuneRecipe, Order
from wsgeo.training.datasets import write_prepared
from wsgeo.training.finished import are_whole
from wsgeo.training.grids import bases_of
from wsgeo.training.members import diverged
from wsgeo.workflows.drafting import Draft
from wsgeo.workflows.training_plans import TrainingPlan
from wsgeo.workflows.trials import Cost, fine_tuning_cost, folder_bytes
from wsgeo.workflows.zoo_bases import base_folder, find_bases, put_bases
from wsgeo.workflows.zoo_notes import own_notes
from wsgeo.workflows.zoo_work import HEAVY
from wsgeo.zoo.hub import FILES

_MOST_KINDS = 6


def plan_fine_tuning(draft: Draft, jobs: int) -> TrainingPlan:
    """Say what making the members of a draft costs.

    Parameters
    ----------
    draft : Draft
        The recipe with its data read.
    jobs : int
        Single-threaded workers.

    Returns
    -------
    TrainingPlan
        From trials of what is missing, and the pace of what is finished.

    Raises
    ------
    WsgeoError
        If a model cannot be trained at all.
    """
    rows = [_row(draft, order) for order in draft.orders]
    left = [
        order
        for order, row in zip(draft.orders, rows, strict=True)
        if not row["finished"] and not row["diverged"]
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bases = _bases(draft, root) if left else {}
        n_bytes = _input_bytes(draft, bases, root) if left else 0
        n_jobs = min(jobs, len(left))
        costs, first, n_tried = _costs(draft, left, bases, n_jobs, root)
    words = f"from {counted(n_tried, 'trial')} on this machine" if left else "as all are settled"
    return TrainingPlan.of(
        str(draft.zoo), rows, draft.data_rows(), costs,
        before=(first, n_bytes), jobs=jobs, measured=words, notices=draft.notices(),
    )  # fmt: skip


def _row(draft: Draft, order: Order) -> dict[str, Any]:
    recipe = _recipe(order)
    return {
        "name": order.folder.name,
        "steps": order.n_steps,
        "n_examples": draft.sizes()[recipe.train],
        "folders": len(order.folders),
        "finished": are_whole(order.folders.values()),
        "diverged": bool(diverged(order)),
    }


def _costs(
    draft: Draft, orders: Sequence[Order], bases: Mapping[str, Path], jobs: int, root: Path
) -> tuple[dict[str, Cost], float, int]:
    """Return costs by name, what comes before the first member, and the number of kinds tried."""
    kinds: dict[tuple[object, ...], list[Order]] = {}
    for order in orders:
        kinds.setdefault(_kind(order, bases), []).append(order)
    found: dict[tuple[object, ...], Cost] = {}
    first = 0.0
    with WorkerPool(jobs if kinds else 0, preload=HEAVY) as pool:
        for kind, members in list(kinds.items())[:_MOST_KINDS]:
            recipe = _recipe(members[0])
            in_place = dataclasses.replace(recipe, base=bases[recipe.base.name])
            cost, more = fine_tuning_cost(
                in_place, _tables(draft, recipe), pool, root / f"kind{len(found)}"
            )
            found[kind] = _at_pace(cost, [o for o in draft.orders if _kind(o, bases) == kind])
            first += more
    usual = _mean(list(found.values()))
    costs = {
        order.folder.name: found.get(kind, usual)
        for kind, members in kinds.items()
        for order in members
    }
    return costs, first, len(found)


def _kind(order: Order, bases: Mapping[str, Path]) -> tuple[object, ...]:
    """Return what the cost of a member depends on, but for steps and training examples."""
    recipe = _recipe(order)
    plan = recipe.optimization
    config = (bases[recipe.base.name] / "config.json").read_bytes()
    return config, recipe.validation, recipe.method, plan.batch_size, plan.precision


def _at_pace(cost: Cost, alike: Sequence[Order]) -> Cost:
    """Return a cost with the updates at the pace of the finished members of its kind, if any."""
    paces = [
        notes["seconds"] / order.n_steps
        for order in alike
        if isinstance((notes := own_notes(order.folder)).get("seconds"), int | float)
    ]
    return dataclasses.replace(cost, update=sum(paces) / len(paces)) if paces else cost


def _bases(draft: Draft, root: Path) -> dict[str, Path]:
    """Return where the bases can be read, by folder name; random weights are drawn once."""
    bases = bases_of(draft.recipe, draft.places.recipe)
    found = find_bases(draft.recipe, bases, draft.places)
    drawn = [name for name, base in bases.items() if isinstance(base, int)]
    put_bases(draft.recipe, {name: bases[name] for name in drawn[:1]}, draft.places, root)
    return {
        base_folder(name): root / base_folder(drawn[0]) if name in drawn else path
        for name, path in found.items()
    }


def _input_bytes(draft: Draft, bases: Mapping[str, Path], root: Path) -> int:
    """Return the size of the bases and data that the zoo lacks."""
    lacking = [path for name, path in bases.items() if not (draft.zoo / name).exists()]
    files = {file for path in lacking for pattern in FILES for file in path.glob(pattern)}
    for name, prepared in draft.prepared.items():
        if not (draft.zoo / name).exists():
            write_prepared(prepared, root / "inputs" / name)
    return sum(file.stat().st_size for file in files) + folder_bytes(root / "inputs")


def _tables(draft: Draft, recipe: FineTuneRecipe) -> dict[str, Any]:
    files = {"train": recipe.train, "validation": recipe.validation}
    return {
        split: draft.prepared[path.relative_to(draft.zoo).as_posix()].table
        for split, path in files.items()
    }


def _recipe(order: Order) -> FineTuneRecipe:
    assert isinstance(order.recipe, FineTuneRecipe)
    return order.recipe


def _mean(found: Sequence[Cost]) -> Cost:
    n = max(1, len(found))
    means: dict[str, Any] = {
        field.name: sum(getattr(cost, field.name) for cost in found) / n
        for field in dataclasses.fields(Cost)
    }
    return Cost(**{**means, "n_bytes": round(means["n_bytes"])})
