"""Flights: calls of the backend that are queued or under way, each a future that any number of requests wait for."""

import asyncio
from collections import deque

PATIENCE_SEC = 1.0
FRESH_SEC = 1.5
REMEMBERED = 1100


class Flight:
    __slots__ = ("boarded", "cancelled", "id", "landed", "riders", "task")

    def __init__(self, id, loop):
        self.id = id
        self.landed = loop.create_future()  # with (status, bytes or None)
        self.riders = 0
        self.task = None
        self.boarded = False  # the call itself has begun
        self.cancelled = False


class Tower:
    """Decides who flies, who waits and who is turned away."""

    def __init__(self, backend):
        self.loop = asyncio.get_running_loop()
        self.backend = backend
        self.limit = backend.limit
        self.memory = {}  # id -> (bytes, fetched at); a dict keeps the order in which they came
        self.ages = deque()  # (fetched at, id) of what was put into memory, also of what was replaced there since
        self.known = {}  # id -> Flight that takes riders
        self.queue = deque()
        self.queued = 0  # those in `queue` that are not cancelled
        self.aloft = 0
        self.tasks = set()
        self.calls_total = 0
        self.calls_under_way = 0
        self.shut = False

    def recall(self, id, now):
        found = self.memory.get(id)
        return found[0] if found is not None and now - found[1] < FRESH_SEC else None

    async def one(self, id, arrived):
        """The status and the bytes of an item that is not in memory."""
        flight = self._board(id)
        if flight is None:
            return 503, None
        try:
            await asyncio.wait((flight.landed,), timeout=arrived + PATIENCE_SEC - self.loop.time())
            return flight.landed.result() if flight.landed.done() else (504, None)
        finally:
            self._leave(flight)

    async def many(self, ids, arrived):
        """A map from each id to its status and bytes."""
        answers, flights = {}, []
        for id in ids:
            body = self.recall(id, arrived)
            if body is not None:
                answers[id] = (200, body)
                continue
            flight = self._board(id)
            if flight is None:
                answers[id] = (503, None)
            else:
                flights.append(flight)
        if not flights:
            return answers
        try:
            await asyncio.wait([flight.landed for flight in flights], timeout=arrived + PATIENCE_SEC - self.loop.time())
            for flight in flights:
                answers[flight.id] = flight.landed.result() if flight.landed.done() else (504, None)
        finally:
            for flight in flights:
                self._leave(flight)
        return answers

    def _board(self, id):
        flight = self.known.get(id)
        if flight is None:
            if self.shut:
                return None
            if self.aloft < self.limit:
                flight = Flight(id, self.loop)
                self._take_off(flight)
            elif self.queued < 4 * self.limit:
                flight = Flight(id, self.loop)
                self.queue.append(flight)
                self.queued += 1
            else:
                return None
            self.known[id] = flight
        flight.riders += 1
        return flight

    def _leave(self, flight):
        flight.riders -= 1
        if flight.riders or flight.landed.done():
            return
        self._cancel(flight)

    def _cancel(self, flight):
        if self.known.get(flight.id) is flight:
            del self.known[flight.id]
        flight.cancelled = True
        flight.landed.cancel()
        if flight.task is None:
            self.queued -= 1
            self._sweep()
        elif flight.boarded:
            flight.task.cancel()

    def _sweep(self):
        """Cancelled flights stay in the queue until they come to its head, unless there are too many of them."""
        if len(self.queue) > 16 * self.limit:
            self.queue = deque(flight for flight in self.queue if not flight.cancelled)

    def _take_off(self, flight):
        self.aloft += 1
        flight.task = self.loop.create_task(self._fly(flight))
        self.tasks.add(flight.task)
        flight.task.add_done_callback(self.tasks.discard)

    async def _fly(self, flight):
        outcome = None
        try:
            if not flight.cancelled:
                outcome = await self._call(flight)
        finally:
            self.aloft -= 1
            self._next()
        if flight.cancelled:
            return
        del self.known[flight.id]
        if outcome[0] == 200:
            self._remember(flight.id, outcome[1])
        flight.landed.set_result(outcome)

    def _next(self):
        while self.queue and self.aloft < self.limit:
            flight = self.queue.popleft()
            if not flight.cancelled:
                self.queued -= 1
                self._take_off(flight)

    async def _call(self, flight):
        flight.boarded = True
        self.calls_total += 1
        self.calls_under_way += 1
        try:
            return 200, await self.backend.get(flight.id)
        except KeyError:
            return 404, None
        except Exception:  # noqa: BLE001
            return 502, None
        except asyncio.CancelledError:
            return 502, None  # ours, then nobody looks at it, or the backend's own
        finally:
            self.calls_under_way -= 1
            flight.boarded = False

    def _remember(self, id, body):
        now = self.loop.time()
        self.memory[id] = (body, now)
        self.ages.append((now, id))
        while len(self.memory) > REMEMBERED or self.ages[0][0] < now - FRESH_SEC:
            fetched, oldest = self.ages.popleft()
            found = self.memory.get(oldest)
            if found is not None and found[1] == fetched:
                del self.memory[oldest]

    def close(self):
        """End every call; `tasks` are over soon after."""
        self.shut = True
        for flight in list(self.known.values()):
            self._cancel(flight)
