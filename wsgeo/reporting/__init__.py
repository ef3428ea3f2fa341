"""Tables to one plain dict to charts to one offline HTML file."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgeo.reporting.page import render, write_page
    from wsgeo.reporting.summary import summarize

__all__ = ["render", "summarize", "write_page"]

_HOMES = {"render": "page", "summarize": "summary", "write_page": "page"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: altair and polars take a second and a half."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
