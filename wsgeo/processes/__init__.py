"""Processes that do the work, and may die of it in place of the caller's."""

from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.dask_pool import DaskPool
from wsgeo.processes.isolation import remedy_of, remembered, run_apart
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure

__all__ = [
    "AbstractPool",
    "DaskPool",
    "WorkFailure",
    "WorkerPool",
    "remedy_of",
    "remembered",
    "run_apart",
]
