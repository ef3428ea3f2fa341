"""Tables to one plain dict to charts to one offline HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsgeo.late import late_names

if TYPE_CHECKING:
    from wsgeo.reporting.page import render, write_page
    from wsgeo.reporting.summary import summarize

__all__ = ["render", "summarize", "write_page"]

# altair and polars take a second and a half to import.
__getattr__ = late_names(__name__, {"render": "page", "summarize": "summary", "write_page": "page"})
