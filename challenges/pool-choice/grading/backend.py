"""A planted server that items ask and wait for: it sees who is under way, and decides when each may go on.

Theory of operation: one thread with one selector. An item connects, says a purpose and a key, and waits. The server
notes the arrival and answers eight bytes that nobody can guess: at once, after a delay, or when a check releases it. A
lifeline is a connection that is never answered; its end is the end of whoever held it.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from harness.unforeseen import Unforeseen

QUESTION = struct.Struct("<qq")
TOKEN = struct.Struct("<q")
GATE, LIFELINE = 0, 1

BACKLOG = 1024
TOKEN_BITS = 62
SEED_BITS = 128
IDLE_SEC = 1.0

Delay = Callable[[int], float | None]
"""The seconds until a key is answered; `None` holds it until it is released."""


class Backend:
    """The server; use `planted`. All its figures are its own observations."""

    def __init__(self, path: Path, rng: Random, delay: Delay) -> None:
        self.path = str(path)
        self.arrived: list[int] = []
        self.most_at_once = 0
        self.lifelines = 0
        self.lifelines_ever = 0
        self._rng = rng
        self._delay = delay
        self._tokens: dict[int, int] = {}
        self._held: dict[int, list[socket.socket]] = {}
        self._answered: set[socket.socket] = set()
        self._due: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(self.path)
        path.chmod(0o666)
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waker, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def token(self, key: int) -> int:
        """Give the answer to `key`."""
        with self._changed:
            return self._token(key)

    def starts(self) -> Counter[int]:
        """Count how often each key was asked."""
        with self._changed:
            return Counter(self.arrived)

    def asked(self) -> int:
        """Count the questions so far."""
        with self._changed:
            return len(self.arrived)

    def waiting(self) -> list[int]:
        """Give the keys that are under way, in the order in which they came."""
        with self._changed:
            return list(self._held)

    def until(self, is_so: Callable[[Backend], bool], timeout_sec: float) -> bool:
        """Wait until something is so; tells whether it came to be."""
        deadline = time.perf_counter() + timeout_sec
        while not is_so(self):
            left = deadline - time.perf_counter()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, 0.02))
        return True

    def release(self, *keys: int) -> None:
        """Answer `keys` that are under way."""
        with self._changed:
            for key in keys:
                self._due_now(key)
        self._waker.send(b"!")

    def delay_by(self, delay: Delay) -> None:
        """Treat arrivals from now on, and those that are held, by another rule."""
        with self._changed:
            self._delay = delay
            for key in self._held:
                self._schedule(key)
        self._waker.send(b"!")

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """End, and hang up on everybody."""
        self._ended = True
        self._waker.send(b"!")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._waker.close()
        Path(self.path).unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._ended:
            for ready, _ in self._selector.select(self._idle_sec()):
                if ready.fileobj is self._listener:
                    self._accept()
                elif ready.fileobj is self._woken:
                    self._woken.recv(64)
                elif isinstance(ready.fileobj, socket.socket):
                    self._hear(ready.fileobj, ready.data)
            self._answer_due()

    def _idle_sec(self) -> float:
        with self._changed:
            return max(0.0, min(IDLE_SEC, self._due[0][0] - time.perf_counter())) if self._due else IDLE_SEC

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, [])

    def _hear(self, connection: socket.socket, said: list[int]) -> None:
        """Read a question, or the end of a connection; `said` is what it has asked: [purpose, key]."""
        try:
            data = connection.recv(QUESTION.size)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if len(data) == QUESTION.size and not said:
            said += QUESTION.unpack(data)
            self._take(connection, *said)
        else:
            self._hang_up(connection, said)

    def _take(self, connection: socket.socket, purpose: int, key: int) -> None:
        with self._changed:
            if purpose == LIFELINE:
                self.lifelines += 1
                self.lifelines_ever += 1
            else:
                self.arrived.append(key)
                self._held.setdefault(key, []).append(connection)
                self.most_at_once = max(self.most_at_once, len(self._held))
                self._schedule(key)
            self._changed.notify_all()

    def _hang_up(self, connection: socket.socket, said: list[int]) -> None:
        self._selector.unregister(connection)
        connection.close()
        with self._changed:
            if said and said[0] == LIFELINE:
                self.lifelines -= 1
            elif said:
                self._forget(said[1], connection)
            self._changed.notify_all()

    def _forget(self, key: int, connection: socket.socket) -> None:
        asking = self._held.get(key, [])
        if connection in asking:
            asking.remove(connection)
            if not asking:
                del self._held[key]
                self._due = [each for each in self._due if each[1] != key]  # who asks again waits again
                heapq.heapify(self._due)

    def _schedule(self, key: int) -> None:
        seconds = self._delay(key)
        if seconds is not None:
            heapq.heappush(self._due, (time.perf_counter() + seconds, key))

    def _due_now(self, key: int) -> None:
        heapq.heappush(self._due, (0.0, key))

    def _answer_due(self) -> None:
        with self._changed:
            while self._due and self._due[0][0] <= time.perf_counter():
                _, key = heapq.heappop(self._due)
                for connection in self._held.pop(key, []):
                    self._answer(connection, key)
            self._changed.notify_all()

    def _answer(self, connection: socket.socket, key: int) -> None:
        try:
            connection.send(TOKEN.pack(self._token(key)))
        except OSError:
            return  # whoever asked is gone; the selector will tell

    def _token(self, key: int) -> int:
        if key not in self._tokens:
            self._tokens[key] = self._rng.getrandbits(TOKEN_BITS)
        return self._tokens[key]


@contextmanager
def planted(path: Path, rng: Random, delay: Delay = lambda _: 0.0) -> Iterator[Backend]:
    """Serve at `path` while the block runs; answers are drawn from a stream of their own, of which nothing else is."""
    backend = Backend(path, Unforeseen(rng.getrandbits(SEED_BITS)), delay)
    backend.start()
    try:
        yield backend
    finally:
        backend.close()
