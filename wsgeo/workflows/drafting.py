"""A recipe with its data read: what is to be made, before anything is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.training import FineTuneRecipe, Optimization, Order
from wsgeo.training.datasets import training_data, validation_data, write_prepared
from wsgeo.training.effects import idle_settings
from wsgeo.training.examples import Prepared
from wsgeo.training.grids import Cell, bases_of, cells_of, steps_of
from wsgeo.training.methods import METHODS
from wsgeo.training.recipe_files import Places, check_recipe
from wsgeo.workflows.zoo_bases import base_folder, check_dropout, find_bases, put_bases
from wsgeo.workflows.zoo_notes import Planned

if TYPE_CHECKING:
    from wsgeo.training.recipe_schema import Recipe, Training

_PLAN = ("batch_size", "warmup", "weight_decay", "beta2", "clip", "schedule", "precision")
_OWN = ("seed", "order_seed", "dropout", "perturbation", "perturbation_seed")


@final
@dataclass(frozen=True)
class Draft:
    """Everything that a zoo will hold.

    Parameters
    ----------
    zoo : Path
        Folder of the zoo.
    recipe : Recipe
        Checked.
    places : Places
        Where its files lie.
    prepared : mapping of str to Prepared
        Examples by file below the zoo.
    planned : tuple of Planned
        The members.
    orders : tuple of Order
        Aligned to them.
    idle : tuple of str
        Sentences on settings that change no member.
    """

    zoo: Path
    recipe: Recipe
    places: Places
    prepared: Mapping[str, Prepared]
    planned: tuple[Planned, ...]
    orders: tuple[Order, ...]
    idle: tuple[str, ...] = ()

    def write_inputs(self) -> None:
        """Write bases and data into the zoo; what is there is kept.

        Raises
        ------
        WsgeoError
            If the zoo holds others.
        """
        put_bases(self.recipe, bases_of(self.recipe, self.places.recipe), self.places, self.zoo)
        for file, prepared in self.prepared.items():
            write_prepared(prepared, self.zoo / file)

    def sizes(self) -> dict[Path, int]:
        """Return the number of examples by file."""
        return {self.zoo / file: found.table.height for file, found in self.prepared.items()}

    def data_rows(self) -> list[dict[str, Any]]:
        """Return what the files of data hold, as plain values."""
        return [
            {
                "file": file,
                "n": found.table.height,
                "labels": found.counts(),
                "n_mixed": found.n_mixed,
                "n_dropped": found.n_dropped,
                "n_seen": found.n_seen,
            }
            for file, found in self.prepared.items()
        ]

    def notices(self) -> list[str]:
        """Return what a user should know before and after the members are made, a sentence each."""
        seen = [
            f"{file}: {counted(found.n_seen, 'example')} left out, found in the training data too."
            for file, found in self.prepared.items()
            if found.n_seen
        ]
        return [*self.idle, *seen]


def draft_of(document: Mapping[str, Any], places: Places, zoo: Path, device: str = "auto") -> Draft:
    """Check a recipe, find its bases, read its data, and name its members.

    Parameters
    ----------
    document : mapping
        The recipe, as `wsgeo.training.recipe_files.read_document` returns it.
    places : Places
        Where its files lie.
    zoo : Path
        Folder of the zoo.
    device : str, default 'auto'
        Where members are trained.

    Returns
    -------
    Draft
        Nothing is written.

    Raises
    ------
    WsgeoError
        If the recipe is wrong, or a file that it names is missing or faulty.
    """
    recipe = check_recipe(document, places.recipe)
    cells = cells_of(recipe, places.recipe)
    idle = idle_settings(recipe, cells, places.recipe)
    folders = find_bases(recipe, bases_of(recipe, places.recipe), places)
    for base in {cell.base for cell in cells if cell.training.dropout is not None}:
        check_dropout(folders[base])
    prepared: dict[str, Prepared] = {}
    known: dict[tuple[object, ...], str] = {}
    planned, orders = [], []
    for cell in cells:
        task, training = cell.task, cell.training
        train = known.get(key := (task.name, training.subset, training.dose))
        if train is None:
            train = known[key] = _add(
                prepared, training_data(task, training.subset, training.dose, places)
            )
        validation = known.get((task.name,))
        if validation is None:
            validation = known[task.name,] = _add(prepared, validation_data(task, places))
        _check_labels(prepared[train], places.recipe)
        steps = steps_of(training, prepared[train].table.height)
        planned.append(Planned(cell, steps, validation))
        labels = prepared[train].labels
        orders.append(_order(cell, zoo, train, validation, labels, steps, device, places.recipe))
    draft = Draft(zoo, recipe, places, prepared, tuple(planned), tuple(orders), tuple(idle))
    _check_distinct(draft)
    return draft


def _add(prepared: dict[str, Prepared], found: Prepared) -> str:
    """Add examples under the name of their file."""
    file = f"data/{found.name}.parquet"
    if file in prepared and not prepared[file].table.equals(found.table):
        raise WsgeoError(
            f"two sets of examples would be {file}",
            remedy="Rename a task or a file of row numbers.",
        )
    prepared[file] = found
    return file


def _check_labels(train: Prepared, path: Path) -> None:
    """Refuse training data that lack a label: it would never be learned."""
    lacking = [label for label, n in train.counts().items() if not n]
    if lacking:
        raise WsgeoError(
            f"{train.name} has no example of {lacking[0]}",
            where=str(path),
            remedy="Check labels, merge and subset.",
        )


def _check_distinct(draft: Draft) -> None:
    """Refuse members that would be the same model, whose settings differ to no effect."""
    contents = _contents(draft.prepared)
    seen: dict[str, Cell] = {}
    for order, planned in zip(draft.orders, draft.planned, strict=True):
        recipe, cell = order.recipe, planned.cell
        assert isinstance(recipe, FineTuneRecipe)
        train = recipe.train.relative_to(draft.zoo).as_posix()
        run = dataclasses.replace(
            recipe, facts={}, train=Path(contents[train]),
            perturbation_seed=recipe.perturbation_seed if recipe.perturbation else 0,
        )  # fmt: skip
        other = seen.setdefault(repr(run), cell)
        if other is not cell:
            idle = [axis for axis, value in cell.axes.items() if value != other.axes.get(axis)]
            raise WsgeoError(
                f"{cell.name} would be the same model as {other.name}: {' and '.join(idle)} "
                "makes no difference there",
                where=str(draft.places.recipe),
                remedy="Write the combinations that differ as rows of grid.together.",
            )


def _contents(prepared: Mapping[str, Prepared]) -> dict[str, str]:
    """Return for each file the first one with the same examples."""
    first: dict[str, str] = {}
    for file, found in prepared.items():
        alike = (other for other in first.values() if prepared[other].table.equals(found.table))
        first[file] = next(alike, file)
    return first


def _order(
    cell: Cell,
    zoo: Path,
    train: str,
    validation: str,
    labels: Sequence[str],
    steps: int,
    device: str,
    path: Path,
) -> Order:
    training = cell.training
    assert training.learning_rate is not None
    late = [step for step in training.save_at if step > steps]
    if late:
        raise WsgeoError(
            f"training.save_at: step {late[0]} is after the last of {cell.name}, {steps}",
            where=str(path),
            remedy="Take it out, or train for longer.",
        )
    plan = Optimization(
        training.learning_rate, steps, **{name: getattr(training, name) for name in _PLAN}
    )
    recipe = FineTuneRecipe(
        zoo / base_folder(cell.base),
        zoo / train,
        zoo / validation,
        tuple(labels),
        plan,
        max_length=cell.task.max_length,
        method=METHODS[training.method](**_method_settings(training)),
        save_at=tuple(sorted(training.save_at)),
        device=device,
        facts=cell.axes,
        **{name: getattr(training, name) for name in _OWN},
    )
    return Order(zoo / cell.name, recipe, zoo)


def _method_settings(training: Training) -> dict[str, Any]:
    """Return the settings of the method, from the table that bears its name."""
    table = getattr(training, training.method, None)
    return {} if table is None else dict(table.model_dump())
