"""The way to a Dask cluster: its workers, what is sent to them, and what comes back."""

from __future__ import annotations

import logging
import pickle
import queue
import uuid
import warnings
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, cast, final

from wsgeo.errors import MissingAssetError, WsgeoError
from wsgeo.processes.abstract import Death, Outcome
from wsgeo.processes.dask_local import LocalCluster
from wsgeo.processes.dask_worker import Errand, answer, interrupt, release, surroundings
from wsgeo.processes.worker import failure_of

Letter = str | tuple[str, Any]
"""Key of an errand that ended; or a key, and what its function reported."""

_CONNECTING = 15.0  # seconds that a scheduler is given to answer
_FETCHING = 30.0  # seconds that a Dask worker is given to hand over what it has finished


@final
class Cluster:
    """A connection to a Dask cluster.

    Parameters
    ----------
    scheduler : str or None
        Address of the scheduler; None starts a cluster on this machine, which ends with this.
    n_workers : int
        Number of Dask workers of that cluster.

    Attributes
    ----------
    address : str
        Of the scheduler.
    session : str
        Name of this connection.
    mail : queue of Letter
        What has come from the Dask workers.

    Raises
    ------
    MissingAssetError
        If Dask is not installed.
    WsgeoError
        If the scheduler does not answer, or differs from this process.
    """

    def __init__(self, scheduler: str | None, n_workers: int) -> None:
        try:
            import distributed  # noqa: F401 - is it there?
        except ImportError:
            raise MissingAssetError(
                "Dask is not installed", remedy="Run `pip install wsgeo[dask]`."
            ) from None
        self.mail: queue.SimpleQueue[Letter] = queue.SimpleQueue()
        self.session = uuid.uuid4().hex
        self._refused: set[str] = set()
        self._client: Any = None
        # What it has to say of a lost scheduler is said here, in one line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        self._own = LocalCluster(n_workers) if scheduler is None else None
        self.address = scheduler or cast("LocalCluster", self._own).address
        try:
            self._client = _connected(self.address)
            self._client.subscribe_topic(self.session, self._hear)
            differing = _differing(self._client.run_on_scheduler(surroundings))
        except Exception as error:
            self.close()
            raise WsgeoError(
                f"no scheduler of Dask answers ({failure_of(error).reason})",
                where=self.address or "a cluster on this machine",
                remedy="Start one with `dask scheduler`, or correct the address.",
            ) from error
        except BaseException:
            self.close()
            raise
        if differing:
            self.close()
            raise _mismatch(f"the scheduler at {self.address}", differing)

    def close(self) -> None:
        """End the processes of this session, and the cluster if it was started here."""
        if self._client is not None:
            self._everywhere(release)
            self._client.close()
        if self._own is not None:
            self._own.close()

    def present(self) -> dict[str, int]:
        """Return the number of threads of each Dask worker; none while nobody answers."""
        with suppress(Exception):
            return dict(self._client.nthreads())
        return {}

    def admitted(self, joined: Collection[str]) -> list[str]:
        """Return those Dask workers that have this process's versions.

        Parameters
        ----------
        joined : collection of str
            Addresses.

        Returns
        -------
        list of str
            Addresses; a warning tells once of each of the others.
        """
        new = [name for name in joined if name not in self._refused]
        there = self._client.run(surroundings, workers=new, on_error="return") if new else {}
        good = []
        for name, versions in there.items():
            # One that went away meanwhile is not there to be judged.
            if isinstance(versions, OSError):
                continue
            if differing := _differing(versions):
                self._refused.add(name)
                error = _mismatch(f"the Dask worker at {name}", differing)
                warnings.warn(f"{error} Until then it is given no work.", stacklevel=2)
            else:
                good.append(name)
        return good

    def send(self, errand: Errand, worker: str) -> Any:
        """Have a Dask worker answer an errand.

        Parameters
        ----------
        errand : Errand
            The work; its key arrives in `mail` when it ends.
        worker : str
            Address.

        Returns
        -------
        Future
            For `outcome_of`.
        """
        import dask

        # A function goes with the first work of each slot, and holds all examples.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "16 GiB"}):
            future = self._client.submit(
                answer, errand, key=errand.key, workers=[worker], pure=False
            )
        future.add_done_callback(lambda done: self.mail.put(done.key))
        return future

    def give_up(self, futures: Collection[Any]) -> None:
        """Cancel errands, and end the processes that are at work on one."""
        with suppress(Exception):
            self._client.cancel(list(futures), force=True)
            self._everywhere(interrupt)

    def _everywhere(self, function: Callable[[str], None]) -> None:
        with suppress(Exception):
            self._client.run(function, self.session, on_error="ignore")

    def _hear(self, event: tuple[float, tuple[str, bytes]]) -> None:
        key, value = event[1]
        self.mail.put((key, pickle.loads(value)))  # noqa: S301 - our own worker's


def outcome_of(future: Any) -> Outcome | Death | None:
    """Return what became of an errand that ended.

    Parameters
    ----------
    future : Future
        From `Cluster.send`.

    Returns
    -------
    tuple of (bool, object), Death or None
        As `wsgeo.processes.dask_worker.answer` returns it, results unpickled.
    """
    from distributed import KilledWorker

    if future.status in {"cancelled", "lost"}:
        return Death("its scheduler lost it")
    try:
        outcome = future.result(timeout=_FETCHING)
    except KilledWorker:
        return Death("its Dask workers died")
    except TimeoutError:
        return Death("its Dask worker went with the result")
    except Exception as error:
        return False, failure_of(error)
    if isinstance(outcome, tuple) and outcome[0]:
        return True, pickle.loads(outcome[1])  # noqa: S301 - our own worker's
    return cast("Outcome | Death | None", outcome)


def _connected(address: str) -> Any:
    """Return a client of the scheduler at an address."""
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    client: Any = Client.__new__(Client)
    try:
        with warnings.catch_warnings():
            # Which versions have to agree is decided by `_differing`, and told in one line.
            warnings.simplefilter("ignore", VersionMismatchWarning)
            client.__init__(address, timeout=_CONNECTING, set_as_default=False)
    except BaseException:
        # One that failed to connect would be closed by the garbage collector, which waits for ever
        # if it comes while the loop of another client starts or stops.
        with suppress(Exception):  # why it failed is what is told
            client.close()
        raise
    return client


def _differing(there: object) -> str:
    """Return in words how versions differ from those here; empty where they do not."""
    if not isinstance(there, dict):
        return "it cannot import wsgeo"
    here = surroundings()
    return ", ".join(
        f"{package} {there.get(package, '-')} instead of {here[package]}"
        for package in here
        if there.get(package) != here[package]
    )


def _mismatch(who: str, differing: str) -> WsgeoError:
    return WsgeoError(
        f"{who} differs from this process: {differing}",
        remedy="Give every machine of the cluster the same environment.",
    )
