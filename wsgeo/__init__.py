"""Weight-space geometry of model zoos.

Every verb of the command line is a function here; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wsgeo.version import __version__

if TYPE_CHECKING:
    from wsgeo.workflows.centring import centroid
    from wsgeo.workflows.checking import check
    from wsgeo.workflows.citing import cite
    from wsgeo.workflows.clustering import cluster
    from wsgeo.workflows.comparing import compare
    from wsgeo.workflows.diagnosing import diagnose
    from wsgeo.workflows.doctoring import doctor
    from wsgeo.workflows.exporting import export
    from wsgeo.workflows.making import train
    from wsgeo.workflows.reports import report
    from wsgeo.workflows.scanning import scan
    from wsgeo.workflows.settings import ScanSettings
    from wsgeo.workflows.showing import show
    from wsgeo.workflows.touring import demo

_MODULES = {
    "ScanSettings": "settings",
    "centroid": "centring",
    "check": "checking",
    "cite": "citing",
    "cluster": "clustering",
    "compare": "comparing",
    "demo": "touring",
    "diagnose": "diagnosing",
    "doctor": "doctoring",
    "export": "exporting",
    "report": "reports",
    "scan": "scanning",
    "show": "showing",
    "train": "making",
}

__all__ = [
    "ScanSettings",
    "__version__",
    "centroid",
    "check",
    "cite",
    "cluster",
    "compare",
    "demo",
    "diagnose",
    "doctor",
    "export",
    "report",
    "scan",
    "show",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a verb when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module 'wsgeo' has no attribute {name!r}")
    return getattr(importlib.import_module(f"wsgeo.workflows.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
