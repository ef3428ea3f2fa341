"""The papers behind the numbers of a run."""

from __future__ import annotations

from pathlib import Path

from wsgeo.references import REFERENCES


def cite(run: Path | None = None) -> str:
    """Return the BibTeX entries of what a run used, or of everything that wsgeo implements.

    Parameters
    ----------
    run : Path, optional
        A run folder.

    Returns
    -------
    str
        BibTeX entries.

    Raises
    ------
    StoreError
        If the folder holds no run.

    Examples
    --------
    >>> cite().splitlines()[0]
    '@inproceedings{juneja2022,'
    """
    return "\n".join(REFERENCES[key].bibtex() for key in _keys(run))


def _keys(run: Path | None) -> list[str]:
    if run is None:
        return list(REFERENCES)
    from wsgeo.store import open_run

    used = open_run(run).read("run").get("references", [])
    return [key for key in REFERENCES if key in used]
