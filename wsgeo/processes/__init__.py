"""Processes that do the work, and may die of it in place of the caller's."""

from wsgeo.processes.apart import ApartError, apart
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure

__all__ = ["ApartError", "WorkFailure", "WorkerPool", "apart"]
