"""The ledger keeps what was finished."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import numpy as np
import pytest

from wsgeo.errors import StoreError
from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.store.ledger import COMMIT_ROWS, Ledger


def losses(value, n=4, classes=None):
    logits = None if classes is None else np.full((n, classes), value, np.float32)
    return Losses(np.full(n, value, np.float32), np.ones(n, np.float32), logits)


def fill(ledger):
    """Put more rows than a small file can hold."""
    for i in range(2000):
        ledger.put(str(i), losses(1.0, n=512))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


class TestFailures:
    """What failed is told, and tried again."""

    def test_a_failure_is_not_finished_work(self, path):
        """A key that failed has no losses, and does not count as finished."""
        with Ledger(path) as ledger:
            ledger.put_failure("a", Failure("failed", "no memory"))

            assert ledger.get("a") is None
            assert len(ledger) == 0

    def test_failures_are_kept_by_reason(self, path):
        """A second opening finds each reason once, with its number, the most frequent first."""
        with Ledger(path) as ledger:
            for key, reason in [("a", "one"), ("b", "two"), ("c", "two"), ("c", "two")]:
                ledger.put_failure(key, Failure("failed", reason))

        with Ledger(path) as ledger:
            assert [row[:3] for row in ledger.failures()] == [
                ("failed", "two", 2),
                ("failed", "one", 1),
            ]

    def test_success_ends_a_failure(self, path):
        """A key that is finished later has failed no more."""
        with Ledger(path) as ledger:
            ledger.put_failure("a", Failure("failed", "no memory"))
            ledger.put("a", losses(1.0))

            assert ledger.failures() == []
            assert ledger.get("a").mean == 1.0

    def test_failures_since(self, path):
        """What failed before a moment can be left out."""
        with Ledger(path) as ledger:
            ledger.put_failure("a", Failure("nonfinite", "old"))
            moment = datetime.now(UTC)
            ledger.put_failure("b", Failure("failed", "new"))

            assert [row.reason for row in ledger.failures(moment)] == ["new"]


class TestRoundTrip:
    """What is put comes back."""

    @pytest.mark.parametrize("classes", [None, 3])
    def test_returns_equal_bits(self, path, classes):
        """Losses come back bit by bit, logits included."""
        stored = losses(0.1, classes=classes)
        with Ledger(path) as ledger:
            ledger.put("a", stored)

            found = ledger.get("a")

        assert np.array_equal(found.loss, stored.loss)
        assert np.array_equal(found.hit, stored.hit)
        if classes is None:
            assert found.logits is None
        else:
            assert np.array_equal(found.logits, stored.logits)

    def test_absent_is_none(self, path):
        """A key that was never put yields None."""
        with Ledger(path) as ledger:
            assert ledger.get("a") is None

    def test_survives_closing(self, path):
        """A second opening finds the rows of the first."""
        with Ledger(path) as ledger:
            ledger.put("a", losses(1.0))
        with Ledger(path) as ledger:
            assert len(ledger) == 1

    def test_keeps_the_first(self, path):
        """A key that is put again keeps its first row."""
        with Ledger(path) as ledger:
            ledger.put("a", losses(1.0))
            ledger.put("a", losses(2.0))

            assert ledger.get("a").mean == 1.0


class TestDurability:
    """Finished means committed."""

    def test_kill_loses_only_the_open_batch(self, path):
        """After kill -9 every row of a full batch is there, and the file opens."""
        script = textwrap.dedent(f"""
            import os, signal, sys
            from pathlib import Path
            import numpy as np
            from wsgeo.evaluation.losses import Losses
            from wsgeo.store.ledger import COMMIT_ROWS, Ledger

            ledger = Ledger(Path({str(path)!r}))
            row = Losses(np.ones(512, np.float32), np.ones(512, np.float32))
            for i in range(3 * COMMIT_ROWS + 1):
                ledger.put(str(i), row)
            os.kill(os.getpid(), signal.SIGKILL)
        """)
        done = subprocess.run([sys.executable, "-c", script], check=False)

        assert done.returncode == -signal.SIGKILL
        with Ledger(path) as ledger:
            assert len(ledger) in (3 * COMMIT_ROWS, 3 * COMMIT_ROWS + 1)

    def test_a_lone_row_is_committed_by_time(self, path, monkeypatch):
        """A row is committed after the commit time though no other follows."""
        monkeypatch.setattr("wsgeo.store.ledger.COMMIT_SECONDS", 0.05)
        with Ledger(path) as ledger:
            ledger.put("a", losses(1.0))
            ledger._timer.join(timeout=5)

            with sqlite3.connect(path) as other:
                assert other.execute("SELECT count(*) FROM losses").fetchone() == (1,)
            other.close()


class TestDamage:
    """A damaged file is refused, never served and never emptied."""

    def test_refuses_foreign_bytes(self, path):
        """A file that is no database is named in one line."""
        path.write_bytes(b"not a database" * 100)

        with pytest.raises(StoreError, match=r"ledger.sqlite: the ledger is damaged"):
            Ledger(path)
        assert path.read_bytes().startswith(b"not a database")

    def test_refuses_a_later_format(self, path):
        """A ledger of a later format asks for a newer wsgeo."""
        Ledger(path).close()
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()

        with pytest.raises(StoreError, match="newer wsgeo"):
            Ledger(path)

    def test_finds_a_flipped_byte_in_a_row(self, path):
        """A row whose bytes changed is refused when read."""
        with Ledger(path) as ledger:
            ledger.put("a", losses(1.0, n=64))
        with sqlite3.connect(path) as database:
            blob = bytearray(database.execute("SELECT loss FROM losses").fetchone()[0])
            blob[5] ^= 1
            database.execute("UPDATE losses SET loss = ?", (bytes(blob),))
        database.close()

        with Ledger(path) as ledger, pytest.raises(StoreError, match="checksum"):
            ledger.get("a")

    @pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
    def test_refuses_or_serves_the_truth_when_truncated(self, path, fraction):
        """A file cut short is refused, or what it still serves is right."""
        with Ledger(path) as ledger:
            for i in range(50):
                ledger.put(str(i), losses(float(i), n=512))
        os.truncate(path, int(path.stat().st_size * fraction))

        try:
            with Ledger(path) as ledger:
                served = [ledger.get(str(i)) for i in range(50)]
        except StoreError:
            return
        assert all(row is None or row.mean == i for i, row in enumerate(served))

    def test_full_disk_is_one_line(self, path):
        """When no page can be added the error says what to do, and old rows stay."""
        with Ledger(path) as ledger:
            ledger.put("old", losses(1.0))
            ledger.flush()
            ledger._database.execute("PRAGMA max_page_count = 1")
            with pytest.raises(StoreError, match="Free space"):
                fill(ledger)
            ledger._database.rollback()
            ledger._pending = 0

            assert ledger.get("old").mean == 1.0
