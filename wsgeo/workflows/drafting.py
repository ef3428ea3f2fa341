"""A recipe with its data read: what is to be made, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from wsgeo.errors import WsgeoError
from wsgeo.training import FineTuneRecipe, Optimization, Order
from wsgeo.training.datasets import training_data, validation_data, write_prepared
from wsgeo.training.examples import Prepared
from wsgeo.training.grids import Cell, bases_of, cells_of, steps_of
from wsgeo.training.methods import METHODS
from wsgeo.training.recipe_files import Places, check_recipe
from wsgeo.workflows.zoo_bases import base_folder, find_bases, put_bases
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
    """

    zoo: Path
    recipe: Recipe
    places: Places
    prepared: Mapping[str, Prepared]
    planned: tuple[Planned, ...]
    orders: tuple[Order, ...]

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
    find_bases(recipe, bases_of(recipe, places.recipe), places)
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
        _check_labels(prepared[train], prepared[validation], places.recipe)
        steps = steps_of(training, prepared[train].table.height)
        planned.append(Planned(cell, steps, validation))
        labels = prepared[train].labels
        orders.append(_order(cell, zoo, train, validation, labels, steps, device, places.recipe))
    return Draft(zoo, recipe, places, prepared, tuple(planned), tuple(orders))


def _add(prepared: dict[str, Prepared], found: Prepared) -> str:
    file = f"data/{found.name}.parquet"
    prepared[file] = found
    return file


def _check_labels(train: Prepared, validation: Prepared, path: Path) -> None:
    """Refuse training data that lack a label: it would never be learned."""
    lacking = [label for label, n in train.counts().items() if not n]
    if lacking or train.labels != validation.labels:
        what = f"no example of {lacking[0]}" if lacking else "other labels than the validation data"
        raise WsgeoError(
            f"{train.name} has {what}", where=str(path), remedy="Check labels, merge and subset."
        )


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
