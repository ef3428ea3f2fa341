"""Finished evaluations by content key, in one SQLite file that survives a kill.

A row is finished when its transaction is committed: at the latest `COMMIT_SECONDS` after it was
put, or with the `COMMIT_ROWS`-th row. Arrays are kept as little-endian float32 with a checksum, so
a flipped byte is found when the row is read and not served as a loss.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import zlib
from pathlib import Path
from types import TracebackType
from typing import Final, Never, Self, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import StoreError
from wsgeo.evaluation.losses import Losses

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
"""


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
        try:
            self._database = _open(path)
        except sqlite3.OperationalError as error:
            _refuse_unwritable(path, str(error), error)
        except sqlite3.DatabaseError as error:
            _refuse_damaged(path, str(error), error)

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
        if _checksum(loss, hit, logits) != checksum:
            _refuse_damaged(self.path, f"the row of key {key[:12]} has a wrong checksum")
        return Losses(_floats(loss), _floats(hit), _matrix(logits, len(loss) // 4))

    def put(self, key: str, losses: Losses) -> None:
        """Store ``losses`` under ``key``; a key that is already there keeps its row.

        Parameters
        ----------
        key : str
            Key of the point.
        losses : Losses
            Its losses.
        """
        blobs = [_bytes(losses.loss), _bytes(losses.hit), _bytes(losses.logits)]
        with self._lock:
            row = (key, *blobs, _checksum(*blobs))
            self._run("INSERT OR IGNORE INTO losses VALUES (?, ?, ?, ?, ?)", row)
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
        try:
            return self._database.execute(query, values)
        except sqlite3.OperationalError as error:
            _refuse_unwritable(self.path, str(error), error)
        except sqlite3.DatabaseError as error:
            _refuse_damaged(self.path, str(error), error)

    def _commit(self) -> None:
        try:
            self._database.commit()
        except sqlite3.OperationalError as error:
            _refuse_unwritable(self.path, str(error), error)
        except sqlite3.DatabaseError as error:
            _refuse_damaged(self.path, str(error), error)
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


def _refuse_unwritable(path: Path, cause: str, error: Exception) -> Never:
    raise StoreError(
        f"the ledger cannot be read or written ({cause})",
        where=str(path),
        remedy="Free space or mend the permissions, then run the same command again.",
    ) from error


def _bytes(values: NDArray[np.float32] | None) -> bytes | None:
    return None if values is None else np.ascontiguousarray(values, "<f4").tobytes()


def _floats(blob: bytes) -> NDArray[np.float32]:
    return np.frombuffer(blob, "<f4")


def _matrix(blob: bytes | None, n_examples: int) -> NDArray[np.float32] | None:
    return None if blob is None else _floats(blob).reshape(n_examples, -1)


def _checksum(*blobs: bytes | None) -> int:
    checksum = 0
    for blob in blobs:
        checksum = zlib.crc32(blob or b"", checksum)
    return checksum
