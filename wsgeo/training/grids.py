"""The members of a grid: every combination of its factors, with bases, tasks and lengths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from wsgeo.errors import WsgeoError
from wsgeo.suggestions import suggestion
from wsgeo.training.factors import factors_of, names_of, nested, points_of
from wsgeo.training.member_names import number_text

if TYPE_CHECKING:
    from wsgeo.training.recipe_schema import Base, Recipe, Task, Training


@final
@dataclass(frozen=True)
class Cell:
    """One combination of the axes: a member before its data are known.

    Parameters
    ----------
    name : str
        Name of its folder.
    base : str
        Name of its base, see `bases_of`.
    task : Task
        Its task.
    training : Training
        Its settings.
    axes : mapping of str to str, int or float
        Value by axis, with the facts that the recipe gives of base and task.
    """

    name: str
    base: str
    task: Task
    training: Training
    axes: Mapping[str, str | int | float]


def cells_of(recipe: Recipe, path: Path) -> list[Cell]:
    """Return the members of a recipe: the product of the factors of its grid, the last one fastest.

    Several bases or tasks are an axis without being named as one.

    Parameters
    ----------
    recipe : Recipe
        Checked.
    path : Path
        Its file, for messages.

    Returns
    -------
    list of Cell
        Their names are distinct on every file system.

    Raises
    ------
    WsgeoError
        If an axis names a base or task that the recipe lacks, or a setting is missing.
    """
    bases, tasks = bases_of(recipe, path), {task.name: task for task in recipe.task}
    if len({name.casefold() for name in tasks}) < len(recipe.task):
        raise WsgeoError("two tasks have the same name", where=str(path), remedy="Rename one.")
    named = {axis for rows in factors_of(recipe.grid).values() for axis in rows[0]}
    several = {"task": list(tasks), "base": list(bases)}
    grid = {
        **{axis: names for axis, names in several.items() if len(names) > 1 and axis not in named},
        **recipe.grid,
    }
    points = points_of(grid)
    for axis, known in several.items():
        for value in (point[axis] for point in points if axis in point):
            if not (isinstance(value, str) and value in known):
                raise WsgeoError(
                    f"grid.{axis}: there is no {axis} {value!r}",
                    where=str(path),
                    remedy=suggestion(str(value), known),
                )
    return [
        _cell(recipe, name, point, bases, tasks, path)
        for name, point in zip(names_of(grid), points, strict=True)
    ]


def bases_of(recipe: Recipe, path: Path) -> dict[str, Base | int]:
    """Return the bases of a recipe by name.

    Parameters
    ----------
    recipe : Recipe
        Checked.
    path : Path
        Its file, for messages.

    Returns
    -------
    dict of str to Base or int
        A base, or the seed of random weights. The name of a single base without one is ``base``.

    Raises
    ------
    WsgeoError
        If one of several bases has no name, or two have the same.
    """
    if recipe.scratch is not None:
        return {f"scratch{seed}": seed for seed in recipe.scratch.seeds}
    if len(recipe.base) == 1:
        return {recipe.base[0].name or "base": recipe.base[0]}
    named: dict[str, Base | int] = {base.name or "": base for base in recipe.base}
    if "" in named or len({name.casefold() for name in named}) < len(recipe.base):
        raise WsgeoError(
            "each of several bases needs a name of its own",
            where=str(path),
            remedy='Add name = "..." to each [[base]].',
        )
    return named


def steps_of(training: Training, n_examples: int) -> int:
    """Return the number of updates: as given, or of so many passes over the training examples.

    Parameters
    ----------
    training : Training
        With steps or epochs.
    n_examples : int
        Size of the member's own training data.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> from wsgeo.training.recipe_schema import Training
    >>> steps_of(Training(epochs=2, batch_size=32), 100)
    7
    """
    if training.steps is not None:
        return training.steps
    return max(1, math.ceil((training.epochs or 0) * n_examples / training.batch_size))


def _cell(
    recipe: Recipe,
    name: str,
    point: Mapping[str, Any],
    bases: Mapping[str, Base | int],
    tasks: Mapping[str, Task],
    path: Path,
) -> Cell:
    base = point.get("base", next(iter(bases)))
    task = tasks[point.get("task", next(iter(tasks)))]
    origin = bases[base]
    facts: dict[str, str | int | float] = (
        {"scratch_seed": origin} if isinstance(origin, int) else dict(origin.facts)
    )
    training = _settings(recipe, point, path)
    if training.dose and not task.mixture:
        raise WsgeoError(
            f"task {task.name} has no mixture to take a dose of {number_text(training.dose)} from",
            where=str(path),
            remedy='Add mixture = "FILE" to the task.',
        )
    return Cell(name, base, task, training, {**facts, **task.facts, **point})


def _settings(recipe: Recipe, point: Mapping[str, Any], path: Path) -> Training:
    """Return the settings of a member, with those of the grid in place of the general ones."""
    from wsgeo.training.recipe_schema import METHOD_TABLES, Training

    own = nested({axis: value for axis, value in point.items() if axis not in ("task", "base")})
    general = recipe.training.model_dump(exclude_unset=True)
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if one in own:
            if other in own:
                raise WsgeoError(
                    "grid: steps and epochs are one axis", where=str(path), remedy="Take one."
                )
            general.pop(other, None)
    for table in METHOD_TABLES:
        if table in own:
            own[table] = {**general.get(table, {}), **own[table]}
    training = Training.model_validate({**general, **own})
    needed = {
        "learning_rate": training.learning_rate is not None,
        "steps or epochs": training.steps is not None or training.epochs is not None,
    }
    for what, given in needed.items():
        if not given:
            raise WsgeoError(
                f"training.{what} is missing",
                where=str(path),
                remedy="Add it to [training] or [grid].",
            )
    return training
