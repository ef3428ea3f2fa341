"""Public names that are imported when they are first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names are heavy to import.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    homes : mapping of str to str
        Public name -> the module below the package that defines it.

    Returns
    -------
    callable
        Imports a name's module and returns the name; an `AttributeError` for any other.

    Examples
    --------
    >>> late_names("wsgeo", {"counted": "counting"})("counted")(2, "basin")
    '2 basins'
    """

    def imported(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return imported
