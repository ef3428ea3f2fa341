"""Settings of a recipe that change no member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wsgeo.errors import WsgeoError
from wsgeo.training.factors import factors_of

if TYPE_CHECKING:
    from wsgeo.training.grids import Cell
    from wsgeo.training.recipe_schema import Recipe


def idle_settings(recipe: Recipe, cells: Sequence[Cell], path: Path) -> list[str]:
    """Return what a recipe says that changes no member.

    A rank without a method, or a mixture without a dose, is a slip. Where method or dose is written
    too, the recipe may be a part of a larger one: that is told, and goes on.

    Parameters
    ----------
    recipe : Recipe
        Checked.
    cells : sequence of Cell
        Its members, from `wsgeo.training.grids.cells_of`.
    path : Path
        Its file, for messages.

    Returns
    -------
    list of str
        A sentence for each.

    Raises
    ------
    WsgeoError
        If the setting that would give one of them an effect is not written at all.
    """
    written, found = _written(recipe), []
    for what, needed, is_used in _needs(recipe, cells, written):
        if is_used:
            continue
        if needed.split()[0] not in written:
            remedy = f"Give {needed} in [training] or [grid], or take it out."
            raise WsgeoError(what, where=str(path), remedy=remedy)
        found.append(f"{what}.")
    return found


def _written(recipe: Recipe) -> set[str]:
    """Return the settings and method tables that are written in training or grid."""
    return {*recipe.training.model_fields_set, *(axis.split(".")[0] for axis in _axes(recipe))}


def _axes(recipe: Recipe) -> set[str]:
    """Return the axes of the grid, those of rows too."""
    return {axis for rows in factors_of(recipe.grid).values() for axis in rows[0]}


def _needs(
    recipe: Recipe, cells: Sequence[Cell], written: set[str]
) -> Iterator[tuple[str, str, bool]]:
    """Give what could be without effect, what it would need for one, and whether a member has it."""
    from wsgeo.training.recipe_schema import METHOD_TABLES

    for table in sorted(written & METHOD_TABLES.keys()):
        what = f"training.{table} has no effect: no member has the method {table}"
        used = any(cell.training.method == table for cell in cells)
        yield what, f'method = "{table}"', used
    for axis in sorted(recipe.training.model_fields_set & _axes(recipe)):
        what = f"training.{axis} has no effect: the grid gives it to each member"
        yield what, axis, False
    if "perturbation_seed" in written:
        what = "training.perturbation_seed has no effect: no member has a perturbation"
        yield what, "perturbation", any(cell.training.perturbation for cell in cells)
    for name in dict.fromkeys(cell.task.name for cell in cells if cell.task.mixture):
        what = f"the mixture of the task {name} has no effect on members: none takes a dose of it"
        yield what, "dose", any(cell.task.name == name and cell.training.dose for cell in cells)
