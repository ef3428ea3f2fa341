"""A process that has loaded the heavy modules once and forks single-threaded workers.

Rules that hold between the three kinds of process:

- The nursery is started as a fresh interpreter, so it shares no thread, lock or fork hazard with the
  caller, and never imports the caller's script.
- It answers one request at a time on a socket. ``F`` with a file descriptor: fork a worker on that
  connection and return its process id. ``R`` with a process id: wait for that worker and return
  its exit status. It reaps only on request, so a process id stays valid until the caller asks.
- When the socket closes, for whatever reason the caller ended, it kills its workers and leaves.
  While it still imports, before it listens, the kernel ends it with the caller instead (Linux); not
  later, for the kernel means the calling thread, which may end before its process does.
- A worker dies with the nursery (by the kernel on Linux) and ends when its own connection closes.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import final

_NUMBER = struct.Struct("!q")
_REQUEST = struct.Struct("!cq")
_PR_SET_PDEATHSIG = 1
_PATIENCE = 3.0  # seconds that a closed nursery is given to end its workers

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # The current folder may be a scanned zoo: no module is ever found there.
    "PYTHONSAFEPATH": "1",
    # What the hub has to give is fetched before work is handed out.
    "HF_HUB_OFFLINE": "1",
}


@final
class Nursery:
    """Handle on the process that forks workers.

    Parameters
    ----------
    preload : sequence of str
        Modules to import before the first fork; a missing one is left to the worker to report.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._has_forked = False
        self._socket, theirs = socket.socketpair()
        path = [place for place in sys.path if place]
        start = (
            "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
            "from wsgeo.processes.nursery import serve; "
            "serve(int(sys.argv[1]), json.loads(sys.argv[3]), int(sys.argv[4]))"
        )
        arguments = [
            str(theirs.fileno()),
            json.dumps(path),
            json.dumps(list(preload)),
            str(os.getpid()),
        ]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", start, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to the caller, who may be writing JSON to it
                env={**os.environ, **ENVIRONMENT},
            )

    def fork(self) -> tuple[int, Connection]:
        """Bear a worker.

        Returns
        -------
        tuple of (int, Connection)
            Its process id, and this side of the connection to it.

        Raises
        ------
        OSError
            If the nursery has died.
        """
        ours, theirs = Pipe()
        self._has_forked = True
        with theirs:
            return self._ask(b"F", 0, [theirs.fileno()]), ours

    def reap(self, pid: int) -> int:
        """Wait for the end of worker ``pid``.

        Returns
        -------
        int
            Its exit code, or minus the signal that ended it.

        Raises
        ------
        OSError
            If the nursery has died.
        """
        return self._ask(b"R", pid, [])

    def _ask(self, kind: bytes, number: int, descriptors: list[int]) -> int:
        try:
            socket.send_fds(self._socket, [_REQUEST.pack(kind, number)], descriptors)
            return self._answer()
        except BaseException:
            # Interrupted between question and answer, the next answer would be taken for another's.
            self._socket.close()
            raise

    def _answer(self) -> int:
        data = b""
        while len(data) < _NUMBER.size:
            part = self._socket.recv(_NUMBER.size - len(data))
            if not part:
                raise ConnectionError("The process that forks workers has ended.")
            data += part
        return int(_NUMBER.unpack(data)[0])

    def close(self) -> None:
        """End the nursery and every worker that is left."""
        self._socket.close()
        if not self._has_forked:  # it may be importing, and has nobody to look after
            self._process.kill()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(descriptor: int, preload: Sequence[str], caller: int) -> None:
    """Fork workers on request until the socket closes; runs in the nursery."""
    # Both signals reach the whole group; the caller closes the socket, and nobody is left unreaped.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    _die_with(caller)
    for module in preload:
        with suppress(Exception):
            importlib.import_module(module)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _die_with(None)
    children: set[int] = set()
    with suppress(ConnectionError):
        while message := _receive(control):
            kind, number, descriptors = message
            if kind == b"F":
                answer = _fork(control, descriptors[0])
                children.add(answer)
            else:
                children.discard(number)
                answer = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
            control.sendall(_NUMBER.pack(answer))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
    os._exit(0)  # freeing what was imported takes seconds (2.7 measured), and the caller waits


def _receive(control: socket.socket) -> tuple[bytes, int, list[int]] | None:
    data, descriptors, _, _ = socket.recv_fds(control, _REQUEST.size, 1)
    while data and len(data) < _REQUEST.size:
        part = control.recv(_REQUEST.size - len(data))
        if not part:
            return None
        data += part
    if not data:
        return None
    kind, number = _REQUEST.unpack(data)
    return kind, number, list(descriptors)


def _fork(control: socket.socket, descriptor: int) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _die_with(parent)
        control.close()
        # Imported by name only here: the nursery itself needs nothing of it.
        from wsgeo.processes.worker import work

        work(Connection(descriptor))
        code = 0
    finally:
        # Not sys.exit: what the nursery registered for its own end must not run in a worker.
        os._exit(code)


def _die_with(parent: int | None) -> None:
    """Ask the kernel to kill this process when its parent ends, or no more; only on Linux."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0 if parent is None else signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)  # it ended before the request was made
