"""Losses of a weight vector on a task: backends, workers, gates."""

from wsgeo.evaluation.losses import (
    AbstractBackend,
    AbstractEngine,
    Failure,
    Item,
    Ledger,
    Losses,
    Outcome,
    Point,
)
from wsgeo.progress import Progress

__all__ = [
    "AbstractBackend",
    "AbstractEngine",
    "Failure",
    "Item",
    "Ledger",
    "Losses",
    "Outcome",
    "Point",
    "Progress",
]
