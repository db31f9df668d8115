"""The slow, limited backend, planted in the grader: it answers, holds back or fails as told, and sees every call.

What it sees decides verdicts: how many calls are under way at once, how many a burst of equal requests caused, which
were cancelled. The other end is the driver beside the submission, so every line is hostile until it has been parsed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from items import Items

LINE_BYTES = 1024
"""An id has at most 64 characters."""

CALLS_KEPT = 200_000
"""Nothing that is graded makes more; a flood must not fill the grader's memory."""


@dataclass
class Call:
    """One call of the backend."""

    number: int
    item: str
    began_at: float
    ended_at: float | None = None
    cancelled: bool = False


class PlantedBackend:
    """One backend; calls end by themselves after a delay, unless `holds` says otherwise."""

    def __init__(self, items: Items) -> None:
        self.calls: list[Call] = []
        self.open: dict[int, Call] = {}
        self.most_open = 0
        self.fault: str | None = None
        self.holds: Callable[[str], bool] = lambda _: False
        self._released: set[str] = set()
        self._numbers: set[int] = set()
        self._items = items
        self._delay_sec = 0.0
        self._delays_sec: dict[str, float] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen at `path`."""
        self._server = await asyncio.start_unix_server(self._converse, path, limit=LINE_BYTES)
        path.chmod(0o666)

    def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()

    def delay_all(self, seconds: float) -> None:
        """Answer each call after `seconds` from now on."""
        self._delay_sec = seconds

    def delay(self, items: Iterable[str], seconds: float) -> None:
        """Answer each call for one of `items` after `seconds`."""
        self._delays_sec |= dict.fromkeys(items, seconds)

    def hold_all(self) -> None:
        """Answer nothing from now on."""
        self.holds = lambda _: True

    def release(self, but: Collection[str] = ()) -> None:
        """Answer everything that was held, and hold nothing more; `but` some items, of which nothing is heard."""
        self.holds = lambda item: item in but
        for call in list(self.open.values()):
            if call.item not in but:
                self._answer(call)

    def release_one(self, item: str) -> None:
        """Answer what was held for an item, and hold nothing more for it."""
        self._released.add(item)
        for call in list(self.open.values()):
            if call.item == item:
                self._answer(call)

    def called(self, item: str) -> int:
        """How many calls there were for an item."""
        return sum(call.item == item for call in self.calls)

    def answered_at(self, item: str) -> float:
        """When the last call for an item was answered, by the loop's clock; 0 when there was none."""
        at = [ended_at for _, ended_at in self._answered(item)]
        return at[-1] if at else 0.0

    def held_sec(self, item: str) -> float:
        """How long the last call for an item that was answered took; 0 when there was none."""
        took = [ended_at - began_at for began_at, ended_at in self._answered(item)]
        return took[-1] if took else 0.0

    def _answered(self, item: str) -> list[tuple[float, float]]:
        """When each call for an item that was answered began and ended, in the order of their beginning."""
        ended = ((call.began_at, call.ended_at) for call in self.calls if call.item == item)
        return [(began_at, ended_at) for began_at, ended_at in ended if ended_at is not None]

    async def until(self, is_so: Callable[["PlantedBackend"], bool], timeout_sec: float) -> bool:
        """Wait for a state of affairs; False when it did not come about in time."""
        deadline = asyncio.get_running_loop().time() + timeout_sec
        while not is_so(self):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.002)
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:  # the driver connects once; whoever comes later is not it
            writer.close()
            return
        self._writer = writer
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        match line.decode("ascii").split():
            case ["get", number, item] if len(self.calls) < CALLS_KEPT:
                self._begin(int(number), item)
            case ["cancel", number]:
                call = self.open.pop(int(number), None)
                if call is not None:
                    call.cancelled = True
                    call.ended_at = asyncio.get_running_loop().time()

    def _begin(self, number: int, item: str) -> None:
        if number in self._numbers:  # else a call could take the place of another, and not be seen beside it
            self.fault = "a call of the backend was made with the number of an earlier one; the driver numbers calls"
            return
        self._numbers.add(number)
        loop = asyncio.get_running_loop()
        call = Call(number, item, loop.time())
        self.calls.append(call)
        self.open[number] = call
        self.most_open = max(self.most_open, len(self.open))
        if self.holds(item) and item not in self._released:
            return
        delay_sec = self._delays_sec.get(item, self._delay_sec)
        if delay_sec > 0:
            loop.call_later(delay_sec, self._answer, call)
        else:
            self._answer(call)

    def _answer(self, call: Call) -> None:
        if self.open.pop(call.number, None) is None or self._writer is None:  # it was cancelled, or answered
            return
        call.ended_at = asyncio.get_running_loop().time()
        verdict, payload = self._items.answer(call.item)
        self._writer.write(b"%d %s %d\n" % (call.number, verdict.encode(), len(payload)) + payload)
