"""Items: what is in memory, which calls of the backend are under way or wait, and who waits for them.

There is no task for a request. A request is an `Ask`, which waits for `Flight`s; a flight is a call of the backend that is
under way or in line, and knows the asks that wait for it. All asks have the same patience, so the order in which they came
is the order in which they expire, and one timer is enough for all of them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable

PATIENCE_SEC = 1.0
KEEP_SEC = 1.5
KEEP_ITEMS = 1024
LINE_PER_PLACE = 4

Outcome = tuple[int, bytes | None]
Results = dict[str, Outcome]

_MISSING: Outcome = (404, None)
_FAILED: Outcome = (502, None)
_REFUSED: Outcome = (503, None)
_EXPIRED: Outcome = (504, None)


class Flight:
    """A call of the backend, from when somebody asks for its item until it has ended."""

    __slots__ = ("abandoned", "asks", "begun", "key", "task")

    def __init__(self, key: str) -> None:
        self.key = key
        self.asks: dict[Ask, None] = {}
        self.task: asyncio.Task | None = None  # none while it is in line
        self.begun = False
        self.abandoned = False


class Ask:
    """A request that waits for flights. What it does not have yet stands as expired in its results."""

    __slots__ = ("answer", "due", "pending", "results")

    def __init__(self, due: float, results: Results, pending: dict[Flight, None], answer: Callable) -> None:
        self.due = due
        self.results = results
        self.pending = pending
        self.answer = answer


class Stock:
    """The items of a backend."""

    def __init__(self, loop: asyncio.AbstractEventLoop, backend: object) -> None:
        self._loop = loop
        self._backend = backend
        self._places = backend.limit
        self._line_length = LINE_PER_PLACE * backend.limit
        self._kept: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # oldest first
        self._flights: dict[str, Flight] = {}  # those that can be joined
        self._line: OrderedDict[str, Flight] = OrderedDict()
        self._taken = 0  # places, including those of calls that are being cancelled
        self._asks: OrderedDict[Ask, None] = OrderedDict()  # in the order of their ends
        self._alarm: asyncio.TimerHandle | None = None
        self._halted = False
        self.tasks: set[asyncio.Task] = set()
        self.calls = 0
        self.under_way = 0

    # ---- for requests

    def recall(self, key: str, now: float) -> bytes | None:
        """Give an item from memory, to a request that arrived now."""
        kept = self._kept.get(key)
        if kept is not None and now <= kept[1]:
            return kept[0]
        return None

    def ask(self, keys: Iterable[str], now: float, answer: Callable[[Results], None]) -> Ask | None:
        """Call `answer` with the outcome of each of the keys: before this returns, when it gives None; else within the patience."""
        results: Results = {}
        pending: dict[Flight, None] = {}
        for key in keys:
            data = self.recall(key, now)
            if data is not None:
                results[key] = (200, data)
                continue
            flight = self._flights.get(key)
            if flight is None:
                flight = self._admit(key)
            if flight is None:
                results[key] = _REFUSED
            else:
                results[key] = _EXPIRED
                pending[flight] = None
        if not pending:
            answer(results)
            return None
        ask = Ask(now + PATIENCE_SEC, results, pending, answer)
        for flight in pending:
            flight.asks[ask] = None
        self._asks[ask] = None
        if self._alarm is None:
            self._alarm = self._loop.call_at(ask.due, self._ring)
        return ask

    def withdraw(self, ask: Ask) -> None:
        """Forget an ask whose client has gone."""
        if ask in self._asks:
            del self._asks[ask]
            self._leave(ask)

    def prune(self, now: float) -> None:
        """Free the memory of what is too old to be answered."""
        kept = self._kept
        while kept and next(iter(kept.values()))[1] < now:
            kept.popitem(last=False)

    def halt(self) -> None:
        """Give up everything, for good. The tasks that are left are about to end."""
        self._halted = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._asks.clear()
        for flight in list(self._flights.values()):
            flight.asks.clear()
            self._abandon(flight)
        self._kept.clear()

    # ---- places and line

    def _admit(self, key: str) -> Flight | None:
        if self._halted:
            return None
        if self._taken < self._places:
            flight = self._flights[key] = Flight(key)
            self._launch(flight)
        elif len(self._line) < self._line_length:
            flight = self._flights[key] = self._line[key] = Flight(key)
        else:
            return None
        return flight

    def _launch(self, flight: Flight) -> None:
        self._taken += 1
        flight.task = self._loop.create_task(self._call(flight))
        self.tasks.add(flight.task)
        flight.task.add_done_callback(self.tasks.discard)

    def _vacate(self) -> None:
        """Give a place that has become free to who is first in line."""
        self._taken -= 1
        while self._line and self._taken < self._places and not self._halted:
            _, flight = self._line.popitem(last=False)
            self._launch(flight)

    async def _call(self, flight: Flight) -> None:
        flight.begun = True
        self.calls += 1
        self.under_way += 1
        outcome = _FAILED
        try:
            data = await self._backend.get(flight.key)
            outcome = (200, data if type(data) is bytes else bytes(data))
        except KeyError:
            outcome = _MISSING
        except asyncio.CancelledError:
            outcome = _FAILED  # it was abandoned, so that nobody asks; or the backend did it to itself
        except Exception:  # noqa: BLE001 - whatever it is, the backend failed
            outcome = _FAILED
        finally:
            self.under_way -= 1
            self._landed(flight, outcome)

    def _landed(self, flight: Flight, outcome: Outcome) -> None:
        key = flight.key
        if self._flights.get(key) is flight:
            del self._flights[key]
        if outcome[0] == 200 and not self._halted:
            self._kept.pop(key, None)  # what is fetched anew is the newest again
            self._kept[key] = (outcome[1], self._loop.time() + KEEP_SEC)
            if len(self._kept) > KEEP_ITEMS:
                self._kept.popitem(last=False)
        self._vacate()
        asks, flight.asks = flight.asks, {}
        complete = []
        for ask in asks:
            del ask.pending[flight]
            ask.results[key] = outcome
            if not ask.pending:
                del self._asks[ask]
                complete.append(ask)
        for ask in complete:
            self._deliver(ask)

    # ---- leaving

    def _leave(self, ask: Ask) -> None:
        """Take an ask off its flights, and end those that nobody waits for any longer."""
        pending, ask.pending = ask.pending, {}
        for flight in pending:
            del flight.asks[ask]
            if not flight.asks:
                self._abandon(flight)

    def _abandon(self, flight: Flight) -> None:
        flight.abandoned = True
        # Who asks for the item from now on gets a flight of its own: this one has no outcome to share.
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        if flight.task is None:
            self._line.pop(flight.key, None)
            return
        flight.task.cancel()
        if not flight.begun:  # it never will, so its place is free; otherwise it is when the call has ended
            self._vacate()

    def _ring(self) -> None:
        self._alarm = None
        try:
            now = self._loop.time() + 0.001
            while self._asks:
                ask = next(iter(self._asks))
                if ask.due > now:
                    break
                del self._asks[ask]
                self._leave(ask)
                self._deliver(ask)
        finally:
            if self._asks and self._alarm is None and not self._halted:
                self._alarm = self._loop.call_at(next(iter(self._asks)).due, self._ring)

    def _deliver(self, ask: Ask) -> None:
        try:
            ask.answer(ask.results)
        except Exception as error:  # noqa: BLE001 - one client's trouble is not that of the others
            self._loop.call_exception_handler({"message": "an answer could not be sent", "exception": error})
