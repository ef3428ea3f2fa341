"""A Dask cluster on this machine, in processes that end with the caller's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import final

from wsgeo.processes.nursery import ENVIRONMENT

# Looking at itself as often as it does by default, an idle cluster of two takes 9 % of a core.
_CALM = {
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.profile.enabled": False,
}


@final
class LocalCluster:
    """A scheduler and single-threaded Dask workers.

    They run in a process of their own: Dask would else set variables of the caller's environment,
    import its script anew in every worker, and be hit by its Ctrl-C.

    Parameters
    ----------
    n_workers : int
        Number of Dask workers.

    Attributes
    ----------
    address : str
        Of the scheduler; empty where the cluster did not start.
    """

    def __init__(self, n_workers: int) -> None:
        start = (
            "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
            "from wsgeo.processes.dask_local import serve; serve(int(sys.argv[2]))"
        )
        path = json.dumps([place for place in sys.path if place])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", start, path, str(n_workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **ENVIRONMENT},
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().decode().strip()

    def close(self) -> None:
        """End the cluster."""
        self._process.communicate()


def serve(n_workers: int) -> None:
    """Run a cluster until standard input closes, however the caller ends; tell its address first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    os.dup2(2, 1)  # what workers print is no answer

    import dask
    import distributed

    dask.config.set(_CALM)
    with distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # 8787, where nothing is said, may be taken
        memory_limit=0,  # the models are in processes that Dask does not see
        silence_logs="CRITICAL",
    ) as cluster:
        os.write(answers, f"{cluster.scheduler_address}\n".encode())
        os.close(answers)
        sys.stdin.read()
