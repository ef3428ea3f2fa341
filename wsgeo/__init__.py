"""Weight-space geometry of model zoos.

Every verb of the command line is a function here; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsgeo.late import late_names
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
    from wsgeo.workflows.placing import place
    from wsgeo.workflows.regioning import region
    from wsgeo.workflows.reports import report
    from wsgeo.workflows.scanning import scan
    from wsgeo.workflows.selecting import select
    from wsgeo.workflows.settings import ScanSettings
    from wsgeo.workflows.showing import show
    from wsgeo.workflows.touring import demo

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
    "place",
    "region",
    "report",
    "scan",
    "select",
    "show",
    "train",
]

__getattr__ = late_names(
    __name__,
    {
        "ScanSettings": "workflows.settings",
        "centroid": "workflows.centring",
        "check": "workflows.checking",
        "cite": "workflows.citing",
        "cluster": "workflows.clustering",
        "compare": "workflows.comparing",
        "demo": "workflows.touring",
        "diagnose": "workflows.diagnosing",
        "doctor": "workflows.doctoring",
        "export": "workflows.exporting",
        "place": "workflows.placing",
        "region": "workflows.regioning",
        "report": "workflows.reports",
        "scan": "workflows.scanning",
        "select": "workflows.selecting",
        "show": "workflows.showing",
        "train": "workflows.making",
    },
)


def __dir__() -> list[str]:
    return list(__all__)
