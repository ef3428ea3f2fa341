"""What runs inside a worker process: one piece of work after another, and a heartbeat."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Callable
from dataclasses import astuple, dataclass
from multiprocessing.connection import Connection
from typing import Any, final

from wsgeo.errors import WsgeoError

HEARTBEAT = 2.0
"""Seconds between two signs of life of a worker."""

FUNCTION, ARGUMENT = b"F", b"A"
"""First byte of a message to a worker."""

REPORT = b"R"
"""First byte of a message from a worker that is no answer."""

_attempt = 0
_works = False
_listener: Callable[[Any], None] | None = None


def attempt() -> int:
    """Tell how often the piece of work at hand has been tried before.

    A function that can do with less memory reads this to ask for less the second time.

    Returns
    -------
    int
        How many workers have died on it: 0, 1, 2, ...
    """
    return _attempt


def is_worker() -> bool:
    """Tell whether this process is a worker of a pool."""
    return _works


def report(value: object) -> None:
    """Tell the caller of the pool how the piece of work at hand gets on.

    Parameters
    ----------
    value : object
        What to tell; it is pickled. Nothing happens where nobody listens.
    """
    if _listener is not None:
        _listener(value)


@final
@dataclass(frozen=True)
class WorkFailure:
    """A piece of work that could not be done.

    Parameters
    ----------
    cause : str
        ``raised`` (an exception), ``died`` (its workers died), or ``timeout``.
    reason : str
        One line for the table.
    trace : str
        Traceback of a raised exception, for ``--debug``; else empty.
    """

    cause: str
    reason: str
    trace: str = ""


def perform(
    function: Any, argument: Any, listener: Callable[[Any], None] | None = None
) -> tuple[bool, Any]:
    """Call a function so that whatever it raises can travel; a listener hears what it reports.

    Returns
    -------
    tuple of (bool, object)
        ``(True, result)``; ``(False, error)`` for errors that speak to the user (`WsgeoError`) and
        an interruption, to be raised again; ``(False, WorkFailure)`` for everything else, panics of
        compiled libraries included.
    """
    global _listener
    before, _listener = _listener, listener
    try:
        return True, function(argument)
    except (WsgeoError, KeyboardInterrupt) as error:
        return False, error
    # Panics of Rust libraries derive from BaseException.
    except BaseException as error:
        return False, failure_of(error)
    finally:
        _listener = before


def failure_of(error: BaseException) -> WorkFailure:
    """Return an exception as one line and its traceback."""
    lines = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return WorkFailure("raised", reason, "".join(traceback.format_exception(error)))


def work(connection: Connection) -> None:
    """Answer requests on ``connection`` until the other side closes it.

    A message is either `FUNCTION` and a pickle, kept for what follows, or `ARGUMENT` and a pickle of
    ``(argument, attempt)``, which is answered. Empty messages go back as signs of life, and messages
    of `REPORT` and a pickle while the work goes on.
    """
    global _works
    _works, lock = True, threading.Lock()
    threading.Thread(target=_beat, args=(connection, lock), daemon=True).start()

    def send(message: bytes) -> None:
        with lock:
            connection.send_bytes(message)

    def tell(value: object) -> None:
        send(REPORT + pickle.dumps(value))

    function: Any = None
    while True:
        try:
            message = connection.recv_bytes()
        except EOFError:
            return
        kind, content = message[:1], message[1:]
        if kind == FUNCTION:
            function = _read(content)
            continue
        send(_answer(function, _read(content), tell))


def _read(content: bytes) -> Any:
    """Unpickle; what cannot be had here is a failure, to be told with the next answer."""
    try:
        return pickle.loads(content)  # noqa: S301 - written by the pool
    except Exception as error:
        return failure_of(error)


def _answer(function: Any, request: Any, listener: Callable[[Any], None]) -> bytes:
    global _attempt
    for value in (function, request):
        if isinstance(value, WorkFailure):
            return _packed((False, value))
    argument, _attempt = request
    try:
        return _packed(perform(function, argument, listener))
    except Exception as error:
        return _packed((False, failure_of(error)))


def _packed(outcome: tuple[bool, Any]) -> bytes:
    """Pickle an outcome; a failure travels as plain texts, so that reading it looks up no class."""
    done, value = outcome
    plain = astuple(value) if isinstance(value, WorkFailure) and not done else value
    return pickle.dumps((done, plain), protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(answer: bytes) -> tuple[bool, Any]:
    """Return the outcome that a worker sent, as `perform` made it."""
    done, value = pickle.loads(answer)  # noqa: S301 - written by our own worker
    return done, WorkFailure(*value) if not done and isinstance(value, tuple) else value


def _beat(connection: Connection, lock: threading.Lock) -> None:
    wait = threading.Event().wait
    try:
        while not wait(HEARTBEAT):
            with lock:
                connection.send_bytes(b"")
    except OSError:
        return
