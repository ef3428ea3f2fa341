"""How a zoo in work gets on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import report
from wsgeo.training import Made, crews
from wsgeo.training.crews import make_all


@dataclass
class Told:
    """An order that tells of some steps, a second of work before each."""

    folder: Path
    n_steps: int
    steps: tuple[int, ...]
    error: Exception | None = None


@pytest.fixture
def clock(monkeypatch):
    """Give a clock that work moves on, in place of the real one."""
    now = [0.0]
    monkeypatch.setattr(crews.time, "monotonic", lambda: now[0])
    return now


def watched(clock, orders):
    """Return what is told while orders are made, one after the other."""

    def make(order):
        for step in order.steps:
            clock[0] += 1.0
            report((step, 0.5))
        if order.error is not None:
            raise order.error
        return Made(order.folder, "trained")

    seen = []
    with WorkerPool(0) as pool:
        made = make_all(make, orders, pool, what="members", watch=seen.append)
    return made, seen


class TestStanding:
    """Counts and the time left."""

    def test_the_time_left_is_that_of_the_whole_zoo(self, clock):
        """At ten updates a second, two members of a hundred updates take twenty seconds."""
        orders = [Told(Path(name), 100, tuple(range(1, 101, 10))) for name in "ab"]
        seen = watched(clock, orders)[1]

        assert seen[0].seconds_left is None
        assert [standing.total for standing in seen] == [200] * len(seen)
        assert seen[3].seconds_left == pytest.approx((200 - 21) / 10)
        assert str(seen[3]) == "a: update 21 of 100, loss 0.500; 0 of 2 members, about 18 s left"

    def test_what_was_done_before_took_no_time(self, clock):
        """A member that goes on from update 90 does not make the others look fast."""
        orders = [Told(Path("a"), 100, (90, 100)), Told(Path("b"), 100, (10,))]
        seen = watched(clock, orders)[1]

        assert (seen[1].done, seen[1].seconds_left) == (90, None)
        assert seen[2].seconds_left == pytest.approx(100 / 10)

    def test_a_worker_that_dies_begins_at_its_state(self, clock):
        """Updates that are made again are not counted as progress of the zoo."""
        seen = watched(clock, [Told(Path("a"), 100, (10, 50, 20, 60))])[1]

        assert [standing.done for standing in seen] == [0, 10, 50, 20, 60, 100]

    def test_the_slowest_decides(self, clock):
        """Of two at work one is nearly done: half of the crew's rate has to make what is left."""
        seen = []
        pace = crews._Pace([Told(Path(n), 100, ()) for n in "ab"], "members", seen.append)
        for seconds, a, b in ((10.0, 1, 1), (20.0, 11, 90)):
            clock[0] = seconds
            pace.hear(0, (a, 0.5))
            pace.hear(1, (b, 0.5))
        made, left = (11 - 1) + (90 - 1), 100 - 11

        assert seen[-1].seconds_left == pytest.approx(left / (0.5 * made / 10))

    def test_a_member_that_fails_is_made_no_more(self, clock):
        """It costs one row, and the zoo has no updates left to make."""
        made, seen = watched(clock, [Told(Path("a"), 100, (10,), ArithmeticError("no"))])

        assert (made[0].status, made[0].reason) == ("failed", "ArithmeticError: no")
        assert (seen[-1].done, seen[-1].total, seen[-1].n_made) == (100, 100, 1)

    def test_an_error_of_the_user_ends_all(self, clock):
        """What would meet every member is not met by each."""
        with pytest.raises(WsgeoError, match="full"):
            watched(clock, [Told(Path("a"), 100, (), WsgeoError("the disk is full"))])


def test_runs_tell_once_a_second(clock, monkeypatch):
    """Between two seconds nothing is sent to the caller."""
    sent = []
    monkeypatch.setattr(crews, "report", sent.append)
    tell = crews.telling()
    for step in range(10):
        clock[0] += 0.25
        tell(step, 0.5)

    assert [step for step, _ in sent] == [0, 4, 8]
