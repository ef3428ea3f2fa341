"""Processes that do the work, and may die of it in place of the caller's."""

from wsgeo.processes.apart import apart
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure

__all__ = ["WorkFailure", "WorkerPool", "apart"]
