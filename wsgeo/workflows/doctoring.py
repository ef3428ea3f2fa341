"""What this machine and environment offer to a scan."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path
from typing import Any, Final

from wsgeo.version import __version__

PACKAGES: Final = (
    "torch",
    "transformers",
    "peft",
    "safetensors",
    "numpy",
    "scipy",
    "scikit-learn",
    "hdbscan",
    "umap-learn",
    "networkx",
    "polars",
    "altair",
)
EXTRAS: Final = {"png": "vl_convert"}


def doctor() -> dict[str, Any]:
    """Return the environment as a plain dict, without importing a heavy package.

    Returns
    -------
    dict
        ``wsgeo``, ``python``, ``platform``, ``cores`` usable by this process, ``memory_bytes``,
        ``packages`` (name to version or None), ``extras`` (name to whether it is installed),
        ``hub`` (offline, cache folder), ``free_bytes`` of the working folder, and ``problems``
        (sentences; empty when all is well).

    Examples
    --------
    >>> doctor()["problems"]
    []
    """
    packages = {name: _version(name) for name in PACKAGES}
    free = shutil.disk_usage(Path.cwd()).free
    return {
        "wsgeo": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": _memory(),
        "free_bytes": free,
        "packages": packages,
        "extras": {name: importlib.util.find_spec(m) is not None for name, m in EXTRAS.items()},
        "hub": {"offline": _is_offline(), "cache": str(_hub_cache())},
        "problems": _problems(packages, free),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME", str(Path.home() / ".cache" / "huggingface"))
    return Path(os.environ.get("HF_HUB_CACHE", str(Path(home) / "hub")))


def _problems(packages: dict[str, str | None], free: int) -> list[str]:
    found = [
        f"{name} is not installed. Install wsgeo again."
        for name, version in packages.items()
        if version is None
    ]
    if free < 1 << 30:
        found.append(f"Only {free >> 20} MiB are free in the working folder. Free some space.")
    return found
