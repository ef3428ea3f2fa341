"""The run folder: ledger, tables with schema versions, resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsgeo.late import late_names
from wsgeo.store.runs import Run, create_run, open_run

if TYPE_CHECKING:
    from wsgeo.store.ledger import Ledger
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

# The tables need polars, which takes 0.7 s to import; some verbs read none.
__getattr__ = late_names(
    __name__,
    {
        "GROUPED": "tables",
        "Ledger": "ledger",
        "TABLES": "tables",
        "read_table": "tables",
        "write_table": "tables",
    },
)
