"""One spawned process that runs chunks of items, and its handle in the parent.

What goes through the pipe is pickled here and not by the pipe, so that whatever fails to pickle is one item's failure.
The handle belongs to one thread, which waits for each answer: no message is ever sent while another is on its way, so
two full pipes can't block each other.
"""

import multiprocessing
import os
import pickle
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from contract import Failed, TaskFailed, WorkerDied

_SPAWN = multiprocessing.get_context("spawn")

JOIN_SEC = 5.0
"""A worker that has been told to end and does not is killed."""

PROTOCOL = pickle.HIGHEST_PROTOCOL
_PLAIN = frozenset({int, float, str, bytes, bool, type(None)})


class ProcessWorker:
    """A process for one function, started at the first chunk and again after it died."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._process: Any = None
        self._pipe: Any = None

    def start(self) -> None:
        """Start the process."""
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=serve, args=(theirs, self._function), daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()  # else its end would not be seen when the process dies

    def run(self, items: Sequence[Any]) -> list[Any]:
        """Give the entry of each item; after a death the items of the chunk are tried one by one."""
        try:
            request = pickle.dumps(list(items), PROTOCOL)
        except BaseException as fault:  # noqa: BLE001  pickling runs an item's own code, which may raise SystemExit
            return [Failed(_unsendable("argument", fault))] if len(items) == 1 else self._one_by_one(items)
        if self._process is not None and not self._takes(request):
            self._bury()  # it ended between two chunks: none of these items is at fault
        if self._process is None:
            self.start()
            self._takes(request)  # if it does not, its end is told below
        try:
            return self._read(self._pipe.recv_bytes(), len(items))
        except (EOFError, OSError):
            died = WorkerDied(f"the worker process ended with exit code {self._bury()}")
            return [Failed(died)] if len(items) == 1 else self._one_by_one(items)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._bury()

    def _takes(self, request: bytes) -> bool:
        """Send a chunk, and tell whether the process was there to take it.

        A pipe without a reader says so for certain: `is_alive` may call a process alive that has ended, while another
        thread, which starts one of its own, is asking after it too.
        """
        try:
            self._pipe.send_bytes(request)
        except OSError:
            return False
        return True

    def _one_by_one(self, items: Sequence[Any]) -> list[Any]:
        return [self.run([item])[0] for item in items]

    def _read(self, reply: bytes, expected: int) -> list[Any]:
        try:
            entries: list[Any] = pickle.loads(reply)  # noqa: S301  from our own process
        except BaseException as fault:  # noqa: BLE001  unpickling runs a result's own code
            return [Failed(_unsendable("result", fault))] * expected
        return entries

    def _bury(self) -> int | None:
        process, self._process = self._process, None
        self._pipe.close()
        process.join(JOIN_SEC)
        if process.is_alive():
            process.kill()
            process.join()
        # It is let go of, not closed: before Python 3.11.4 `close` breaks a start in another thread (gh-104536).
        code: int | None = process.exitcode
        return code


def serve(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """Run chunks until the other end closes: the main function of the process."""
    while True:
        try:
            request = pipe.recv_bytes()
        except EOFError:
            os._exit(0)  # nothing here has to be tidied up, and finalizing an interpreter takes time
        entries = _entries(request, function)
        try:
            reply = pickle.dumps(entries, PROTOCOL)
            if not all(type(entry) in _PLAIN for entry in entries):
                pickle.loads(reply)  # noqa: S301  what was just pickled: there may be an exception in it that cannot be
        except BaseException:  # noqa: BLE001  find the one that fails
            reply = pickle.dumps([_sendable(entry) for entry in entries], PROTOCOL)
        pipe.send_bytes(reply)


def _entries(request: bytes, function: Callable[[Any], Any]) -> list[Any]:
    entries: list[Any] = []
    for item in pickle.loads(request):  # noqa: S301  from our own parent
        try:
            entries.append(function(item))
        except BaseException as fault:  # noqa: BLE001  an item's SystemExit is its failure too, and must not end the worker
            entries.append(Failed(_portable(fault)))
    return entries


def _portable(fault: BaseException) -> BaseException:
    """Give `fault` if it survives pickling, else something that says what it was; with the traceback as a note."""
    story = "".join(traceback.format_exception(fault))
    if _survives(fault):
        fault.add_note(f"in a worker process:\n{story}")
        return fault
    return TaskFailed(f"{type(fault).__name__}: {fault}\n{story}")


def _survives(fault: BaseException) -> bool:
    try:
        twin = pickle.loads(pickle.dumps(fault, PROTOCOL))  # noqa: S301  what was just pickled
        return type(twin) is type(fault) and str(twin) == str(fault)
    except BaseException:  # noqa: BLE001  unpickling calls the class with whatever it kept as args
        return False


def _sendable(entry: Any) -> Any:
    try:
        pickle.loads(pickle.dumps(entry, PROTOCOL))  # noqa: S301  what was just pickled
    except BaseException as fault:  # noqa: BLE001  pickling runs a result's own code
        return Failed(_unsendable("result", fault))
    return entry


def _unsendable(what: str, fault: BaseException) -> TaskFailed:
    return TaskFailed(f"the {what} cannot be sent between processes: {type(fault).__name__}: {fault}")
