"""What making a zoo will cost: members, updates, time, disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

from wsgeo.counting import counted
from wsgeo.progress import duration
from wsgeo.workflows.trials import Cost


@final
@dataclass(frozen=True)
class TrainingPlan:
    """Counts of a zoo that is to be made.

    Parameters
    ----------
    zoo : str
        Folder of the zoo.
    members : tuple of dict
        ``name``, ``steps``, ``n_examples``, ``folders`` (with the checkpoints kept on the way),
        ``finished``, and ``diverged`` (in an earlier call) of each.
    data : tuple of dict
        ``file``, ``n``, ``labels``, ``n_mixed``, ``n_dropped``, ``n_seen`` of each file of data.
    seconds : float
        Estimated time for what is missing.
    n_bytes : int
        Estimated size of what is missing, bases included.
    jobs : int
        Workers that the time is estimated for.
    measured : str
        What the estimate rests on.
    notices : tuple of str
        What a user should know of data and settings, a sentence each.
    """

    zoo: str
    members: tuple[dict[str, Any], ...]
    data: tuple[dict[str, Any], ...]
    seconds: float
    n_bytes: int
    jobs: int
    measured: str
    notices: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        zoo: str,
        members: Sequence[dict[str, Any]],
        data: Sequence[dict[str, Any]],
        costs: Mapping[str, Cost],
        *,
        before: tuple[float, int],
        jobs: int,
        measured: str,
        notices: Sequence[str] = (),
    ) -> Self:
        """Add up what the members that are missing cost.

        Parameters
        ----------
        zoo, members, data, measured, notices
            As of the plan.
        costs : mapping of str to Cost
            By name of the missing members.
        before : tuple of (float, int)
            Seconds and bytes of what is made before any member.
        jobs : int
            Workers.

        Returns
        -------
        TrainingPlan
            The plan.
        """
        left = [member for member in members if member["name"] in costs]
        seconds = [
            costs[m["name"]].seconds(m["steps"], m["folders"], m["n_examples"]) for m in left
        ]
        n_bytes = sum(costs[member["name"]].n_bytes * member["folders"] for member in left)
        n_jobs = max(1, min(jobs, len(left)))
        # The last worker to finish decides.
        whole = max(sum(seconds) / n_jobs, max(seconds, default=0.0))
        return cls(
            zoo,
            tuple(members),
            tuple(data),
            before[0] + whole,
            before[1] + n_bytes,
            n_jobs,
            measured,
            tuple(notices),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {**dataclasses.asdict(self), "n_members": len(self.members), "exit_code": 0}

    def __str__(self) -> str:
        """Return the plan in words."""
        width = max(len(member["name"]) for member in self.members)
        lines = [
            f"{member['name']:{width}}  {counted(member['steps'], 'update')} on "
            f"{counted(member['n_examples'], 'example')}{_settled(member)}"
            for member in self.members
        ]
        updates = sum(member["steps"] for member in self.members if not _settled(member))
        size = f"{self.n_bytes / 1e6:,.{0 if self.n_bytes > 1e7 else 1}f} MB of disk"
        time = f"About {duration(self.seconds)} in {counted(self.jobs, 'worker')}, {self.measured}"
        lines += [
            "",
            f"{', '.join(self._counts())}; {counted(updates, 'update')} to make.",
            f"{time}; {size}.",
            *self.notices,
        ]
        return "\n".join(lines)

    def _counts(self) -> list[str]:
        n_finished = sum(member["finished"] for member in self.members)
        n_diverged = sum(member["diverged"] for member in self.members)
        counts = ((n_finished, "finished"), (n_diverged, "diverged"))
        return [counted(len(self.members), "member"), *(f"{n} {how}" for n, how in counts if n)]


def _settled(member: Mapping[str, Any]) -> str:
    """Say what became of a member that is not to be made."""
    if member["finished"]:
        return "  finished"
    return "  diverged" if member["diverged"] else ""
