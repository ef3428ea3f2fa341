"""The run folder: ledger, tables with schema versions, resume."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
_LATE = {
    "GROUPED": "tables",
    "Ledger": "ledger",
    "TABLES": "tables",
    "read_table": "tables",
    "write_table": "tables",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
