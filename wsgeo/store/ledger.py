"""Finished evaluations by content key, and failures with reasons, in one SQLite file.

The file survives a kill. A row is finished when its transaction is committed: at the latest
`COMMIT_SECONDS` after it was put, or with the `COMMIT_ROWS`-th row. Arrays are kept as little-endian
float32 with a checksum, so a flipped byte is found when the row is read and not served as a loss. A
failure is never served as finished work: it is a note, which goes when the same key is finished.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Never, Self, final

from wsgeo.errors import StoreError
from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.store.blobs import as_blob, as_floats, as_matrix, checksum_of

COMMIT_SECONDS: Final = 2.0
COMMIT_ROWS: Final = 64
FORMAT: Final = 1

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS losses (
    key TEXT PRIMARY KEY,
    loss BLOB NOT NULL,
    hit BLOB NOT NULL,
    logits BLOB,
    checksum INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    failed_at TEXT NOT NULL
);
"""


class FailedWork(NamedTuple):
    """Evaluations that failed for one reason.

    Parameters
    ----------
    code : str
        ``nonfinite`` or ``failed``.
    reason : str
        One line.
    n : int
        How many evaluations.
    failed_at : str
        When the last of them failed, in UTC.
    """

    code: str
    reason: str
    n: int
    failed_at: str


@final
class Ledger:
    """The losses of a run, kept by key.

    Parameters
    ----------
    path : Path
        The SQLite file; made when absent.

    Raises
    ------
    StoreError
        If the file is not a ledger, is damaged, or was written by a later format.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "l.sqlite") as ledger:
    ...     ledger.put("key", Losses(np.ones(2, np.float32), np.zeros(2, np.float32)))
    ...     ledger.get("key").mean, ledger.get("other")
    (1.0, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._pending = 0
        self._timer: threading.Timer | None = None
        with _told(path):
            self._database = _open(path)

    def get(self, key: str) -> Losses | None:
        """Return the losses stored under ``key``, or None.

        Parameters
        ----------
        key : str
            Key of a point, as `wsgeo.evaluation.Point.key` makes it.

        Returns
        -------
        Losses or None
            Read-only arrays.

        Raises
        ------
        StoreError
            If the row's checksum does not fit its bytes.
        """
        with self._lock:
            query = "SELECT loss, hit, logits, checksum FROM losses WHERE key = ?"
            row = self._run(query, (key,)).fetchone()
        if row is None:
            return None
        loss, hit, logits, checksum = row
        if checksum_of(loss, hit, logits) != checksum:
            _refuse_damaged(self.path, f"the row of key {key[:12]} has a wrong checksum")
        return Losses(as_floats(loss), as_floats(hit), as_matrix(logits, len(loss) // 4))

    def put(self, key: str, losses: Losses) -> None:
        """Store ``losses`` under ``key``; a key that is already there keeps its row.

        Parameters
        ----------
        key : str
            Key of the point.
        losses : Losses
            Its losses.
        """
        blobs = [as_blob(losses.loss), as_blob(losses.hit), as_blob(losses.logits)]
        with self._lock:
            row = (key, *blobs, checksum_of(*blobs))
            self._run("INSERT OR IGNORE INTO losses VALUES (?, ?, ?, ?, ?)", row)
            self._run("DELETE FROM failures WHERE key = ?", (key,))
            self._commit_in_time()

    def put_failure(self, key: str, failure: Failure) -> None:
        """Note why ``key`` could not be evaluated; an earlier note for it is replaced.

        Parameters
        ----------
        key : str
            Key of the point.
        failure : Failure
            What happened.
        """
        row = (key, failure.status, failure.reason, datetime.now(UTC).isoformat())
        with self._lock:
            self._run("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", row)
            self._commit_in_time()

    def failures(self, since: datetime | None = None) -> list[FailedWork]:
        """Return what failed, one row per code and reason, the most frequent first.

        Parameters
        ----------
        since : datetime, optional
            Leave out what failed before; in UTC.

        Returns
        -------
        list of FailedWork
            The failures.
        """
        query = (
            "SELECT code, reason, count(*), max(failed_at) FROM failures WHERE failed_at >= ? "
            "GROUP BY code, reason ORDER BY count(*) DESC, code, reason"
        )
        start = "" if since is None else since.isoformat()
        with self._lock:
            return [FailedWork(*row) for row in self._run(query, (start,))]

    def _commit_in_time(self) -> None:
        """Commit now if many rows wait, else soon."""
        self._pending += 1
        if self._pending >= COMMIT_ROWS:
            self.flush()
        elif self._timer is None:
            self._timer = threading.Timer(COMMIT_SECONDS, self._flush_in_time)
            self._timer.daemon = True
            self._timer.start()

    def flush(self) -> None:
        """Commit everything that was put."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._pending:
                self._commit()

    def _flush_in_time(self) -> None:
        # Nobody hears an error in the timer's thread; the next commit of the caller raises it.
        with contextlib.suppress(StoreError):
            self.flush()

    def __len__(self) -> int:
        """Return the number of finished evaluations."""
        with self._lock:
            return int(self._run("SELECT count(*) FROM losses", ()).fetchone()[0])

    def close(self) -> None:
        """Commit and release the file."""
        with self._lock:
            try:
                self.flush()
            finally:
                self._database.close()

    def __enter__(self) -> Self:
        """Return the ledger."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit and close, whatever happened inside."""
        self.close()

    def _run(self, query: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        with _told(self.path):
            return self._database.execute(query, values)

    def _commit(self) -> None:
        with _told(self.path):
            self._database.commit()
        self._pending = 0


def _open(path: Path) -> sqlite3.Connection:
    """Open, check and prepare the database."""
    # The commit timer runs in a thread of its own; every access holds the ledger's lock.
    database = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise StoreError(
                f"the ledger has format {version}, this wsgeo reads up to {FORMAT}",
                where=str(path),
                remedy="Use a newer wsgeo.",
            )
        if (verdict := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            _refuse_damaged(path, verdict)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _refuse_damaged(path: Path, cause: str, error: Exception | None = None) -> Never:
    cause = " ".join(cause.split())
    raise StoreError(
        f"the ledger is damaged ({cause})",
        where=str(path),
        remedy="Move it away to start anew; nothing was changed.",
    ) from error


@contextlib.contextmanager
def _told(path: Path) -> Generator[None]:
    """Turn the database's errors into one line each."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the ledger cannot be read or written ({error})",
            where=str(path),
            remedy="Free space or mend the permissions, then run the same command again.",
        ) from error
    except sqlite3.DatabaseError as error:
        _refuse_damaged(path, str(error), error)
