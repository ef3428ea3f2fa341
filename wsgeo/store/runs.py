"""The folder of one run.

::

    RUN/
      run.json  config.toml  summary.json    what was run, with which settings, and what came of it
      zoo.lock.json                          each checkpoint: hash, facts and their sources
      ledger.sqlite                          finished evaluations by content key
      tables/*.parquet                       every number of the report
      graph/connectivity.{graphml,gexf,json}
      report/index.html                      one file, offline
      centroids/<name>/                      model folders
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never, final

from wsgeo.errors import StoreError
from wsgeo.files import PARTIAL, remove_partial, write_text

if TYPE_CHECKING:
    import polars as pl

    from wsgeo.store.ledger import Ledger

FORMAT: Final = 1


@final
@dataclass(frozen=True)
class Run:
    """A run folder; open one with `open_run` or make one with `create_run`.

    Parameters
    ----------
    folder : Path
        The folder.
    """

    folder: Path

    @property
    def tables(self) -> Path:
        """Folder of the Parquet tables."""
        return self.folder / "tables"

    def table(self, name: str) -> pl.DataFrame:
        """Read one table; empty where it was never written."""
        # polars takes 0.7 s to import; `wsgeo cite` reads no table.
        from wsgeo.store.tables import read_table

        return read_table(self.tables, name)

    def every_table(self) -> dict[str, pl.DataFrame]:
        """Read every table."""
        from wsgeo.store.tables import TABLES

        return {name: self.table(name) for name in TABLES}

    def write_table(self, name: str, frame: pl.DataFrame) -> None:
        """Write one table, whole or not at all."""
        from wsgeo.store.tables import write_table

        self.tables.mkdir(exist_ok=True)
        write_table(self.tables, name, frame)

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the run's JSON files; empty where it was never written.

        Parameters
        ----------
        name : str
            ``run``, ``summary`` or ``zoo.lock``.

        Returns
        -------
        dict
            Its content.

        Raises
        ------
        StoreError
            If the file is not a JSON object.
        """
        path = self.folder / f"{name}.json"
        if not path.exists():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            _refuse(path, str(error), error)
        if not isinstance(content, dict):
            _refuse(path, "it is not an object")
        return content

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the run's JSON files, whole or not at all."""
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        write_text(self.folder / f"{name}.json", text + "\n")

    def subfolder(self, name: str) -> Path:
        """Return a folder of the run, made when absent."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Hold the run against other writers.

        Raises
        ------
        StoreError
            If another process writes to this run.
        """
        with _sole_writer(self.folder):
            yield

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Give the ledger to one writer; a second one is refused.

        Yields
        ------
        Ledger
            The open ledger, committed and closed at the end.

        Raises
        ------
        StoreError
            If another process writes to this run.
        """
        from wsgeo.store.ledger import Ledger

        with self.sole_writer():
            # What a killed writer left half written; nobody else writes now.
            remove_partial(self.folder)
            with Ledger(self.folder / "ledger.sqlite") as ledger:
                yield ledger


def create_run(folder: Path) -> Run:
    """Make a run folder, or take up the one that is there.

    Parameters
    ----------
    folder : Path
        Where; its parents are made.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    StoreError
        If the folder holds something else, or a run of a later format.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the run folder cannot be made ({error.strerror})", where=str(folder)
        ) from error
    run = Run(folder)
    if not (folder / "run.json").exists():
        if any(not entry.match(PARTIAL) for entry in folder.iterdir()):
            raise StoreError(
                "the folder is not empty and holds no run",
                where=str(folder),
                remedy="Choose another with -o.",
            )
        run.write("run", {"format": FORMAT})
    return open_run(folder)


def open_run(folder: Path) -> Run:
    """Open a finished or interrupted run.

    Parameters
    ----------
    folder : Path
        A run folder.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    StoreError
        If there is no run, or one of a later format.
    """
    run = Run(folder)
    facts = run.read("run")
    if not facts:
        raise StoreError("this is no run folder", where=str(folder), remedy="Scan a zoo first.")
    if not isinstance(facts.get("format"), int) or facts["format"] > FORMAT:
        raise StoreError(
            f"the run has format {facts.get('format')!r}, this wsgeo reads up to {FORMAT}",
            where=str(folder),
            remedy="Use a newer wsgeo.",
        )
    return run


@contextlib.contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    # A kernel lock: a dead process's lock is free, and no clock or pid is trusted.
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            "another process is writing to this run",
            where=str(folder),
            remedy="Wait for it, or work on a copy of the run.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _refuse(path: Path, cause: str, error: Exception | None = None) -> Never:
    what = f"the file cannot be read ({cause})"
    raise StoreError(what, where=str(path), remedy="Scan again.") from error
