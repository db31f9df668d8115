r"""Adapt a submission's `serve`, `measure` and `find_capacity` to the wire. Runs beside it and is trusted with nothing.

Theory of operation: the grader plants what the submission talks to, and hands over no more than ways to reach it.

    serve(listener, backend)     the listener arrives as a file descriptor; the backend relays each call over a Unix
                                 socket to the grader, which answers it, and sees how many are under way
    measure(connect, ...)        `connect` opens a Unix socket to a server of the grader's, and waits for its welcome

Backend wire: `get <number> <id>\n` and `cancel <number>\n` one way; `<number> <ok|missing|failed> <length>\n` and as
many bytes the other way.
"""

import asyncio
import gc
import itertools
import os
import socket

import solution

PAYLOAD_LIMIT = 64 * 1024


def _place(name):
    return os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name)  # noqa: PTH118, PTH120


class BackendError(Exception):
    """The backend failed to answer."""


FAILURES = BackendError, TimeoutError, ConnectionResetError, IndexError, ValueError, RuntimeError
"""What a failed call raises, each in its turn: as the server's own they would mean something else."""


class Backend:
    """The slow, limited backend: `get` what belongs to an id, at most `limit` calls at once."""

    def __init__(self, limit, reader, writer):
        self.limit = limit
        self._writer = writer
        self._numbers = itertools.count()
        self._failures = itertools.cycle(FAILURES)
        self._answers = {}
        self._reading = asyncio.create_task(self._read(reader))

    async def get(self, id):  # noqa: A002
        """Give the bytes of an item; KeyError where there is none, one of FAILURES where the backend failed."""
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._writer.write(f"get {number} {id}\n".encode())
        try:
            verdict, payload = await answer
        except asyncio.CancelledError:
            self._writer.write(f"cancel {number}\n".encode())
            raise
        finally:
            del self._answers[number]
        if verdict == "missing":
            raise KeyError(id)
        if verdict == "failed":
            raise next(self._failures)("the backend is out of order")
        return payload

    def close(self):
        """Hang up."""
        self._reading.cancel()
        self._writer.close()

    async def _read(self, reader):
        while line := await reader.readline():
            number, verdict, length = line.decode().split()
            payload = await reader.readexactly(int(length))
            answer = self._answers.get(int(number))
            if answer is not None and not answer.done():
                answer.set_result((verdict, payload))


_running = None


async def ping():
    """Answer on the loop of the submission."""


async def start_server(name, limit, listener_fd):
    """Begin to serve on a passed listening socket, with a backend planted at `name`."""
    global _running  # noqa: PLW0603  one process serves one submission, and runs one server at a time
    listener = socket.socket(fileno=listener_fd)
    listener.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(_place(name), limit=PAYLOAD_LIMIT)
    backend = Backend(limit, reader, writer)
    serving = asyncio.create_task(solution.serve(listener, backend))
    _running = serving, backend, listener
    await asyncio.wait([serving], timeout=0.02)
    gc.collect()
    gc.freeze()  # what was imported is never garbage; looking through it would cost every server some ms now and then
    return _ended(serving)


async def stop_server():
    """Cancel `serve` and wait for its end; answer how it ended."""
    global _running  # noqa: PLW0603
    serving, backend, listener = _running
    _running = None
    serving.cancel()
    await asyncio.wait([serving])
    backend.close()
    listener.close()
    return _ended(serving)


async def stop_server_twice(gap_sec):
    """Cancel `serve`, cancel it again while it may still be ending, and wait for its end; answer how it ended."""
    _running[0].cancel()
    await asyncio.wait([_running[0]], timeout=gap_sec)
    return await stop_server()


async def server_state():
    """Answer how `serve` ended, if it did."""
    return "stopped" if _running is None else _ended(_running[0])


def _ended(serving):
    if not serving.done():
        return "running"
    if serving.cancelled():
        return "cancelled"
    fault = serving.exception()
    return "returned" if fault is None else f"{type(fault).__name__}: {fault}"[:500]


UNREACHABLE = ConnectionResetError, TimeoutError, ConnectionRefusedError
"""What a connection that fails raises, each in its turn: a `TimeoutError` may be the system's."""


def _connect(name):
    faults = itertools.cycle(UNREACHABLE)

    async def connect():
        """Open a connection to the server under test, ready for requests."""
        reader, writer = await asyncio.open_unix_connection(_place(name))
        welcomed = False
        try:
            welcomed = await reader.readline() == b"welcome\n"
        finally:
            if not welcomed:
                writer.close()
        if not welcomed:
            raise next(faults)("the connection failed")
        return reader, writer

    return connect


async def measure(name, rate_per_sec, duration_sec):
    """Measure a server planted at `name`; answer the fields of the report."""
    report = await solution.measure(_connect(name), rate_per_sec, duration_sec)
    return [[field, getattr(report, field, None)] for field in _FIELDS]


_FIELDS = ("sent", "succeeded", "errors", "timeouts", "throughput_per_sec", "p50_ms", "p90_ms", "p99_ms", "max_ms")


async def find_capacity(name, slo_p99_ms):
    """Find the capacity of a server planted at `name`."""
    return await solution.find_capacity(_connect(name), slo_p99_ms)
