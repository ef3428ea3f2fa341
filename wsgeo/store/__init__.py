"""The run folder: ledger, tables with schema versions, resume."""

from wsgeo.store.ledger import Ledger
from wsgeo.store.runs import Run, create_run, open_run
from wsgeo.store.tables import GROUPED, TABLES, read_table, write_table

__all__ = [
    "GROUPED",
    "TABLES",
    "Ledger",
    "Run",
    "create_run",
    "open_run",
    "read_table",
    "write_table",
]
