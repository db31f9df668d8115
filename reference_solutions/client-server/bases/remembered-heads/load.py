"""The load generator of part two: an open loop of requests that are due at fixed times."""

import asyncio
import math
from collections import deque
from dataclasses import dataclass

TIMEOUT_SEC = 2.0
MOST_CONNECTIONS = 500


@dataclass(frozen=True)
class Report:
    """What a run of load came to."""

    sent: int
    succeeded: int
    errors: int
    timeouts: int
    throughput_per_sec: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


async def connected(connect):
    """Open a connection. That the system gave up waiting for it is its failure, not the end of a request's time."""
    try:
        return await connect()
    except TimeoutError as fault:
        raise ConnectionError("no connection came about") from fault


class Lines:
    """Connections to the server under test; each carries one request at a time."""

    def __init__(self, connect):
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._idle = []
        self._open = set()
        self._taken = 0
        self._waiting = deque()
        self._closed = False

    async def take(self):
        while True:
            while self._idle:
                line = self._idle.pop()
                reader, writer = line
                if not reader.at_eof() and not writer.is_closing() and reader.exception() is None:
                    return line
                self.drop(line)
            if self._taken < MOST_CONNECTIONS:
                return await self._new()
            turn = self._loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()
                raise

    async def _new(self):
        self._taken += 1
        connecting = asyncio.ensure_future(connected(self._connect))
        try:
            line = await asyncio.shield(connecting)
        except BaseException:
            self._taken -= 1
            self._wake()
            if not connecting.done():
                connecting.cancel()
            connecting.add_done_callback(close_unclaimed)
            raise
        self._open.add(line)
        return line

    def give_back(self, line):
        if self._closed:
            self.drop(line)
            return
        self._idle.append(line)
        self._wake()

    def drop(self, line):
        if line in self._open:
            self._open.remove(line)
            self._taken -= 1
            line[1].close()
            self._wake()

    def _wake(self):
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def close(self):
        self._closed = True
        for line in list(self._open):
            self.drop(line)
        self._idle.clear()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def close_unclaimed(connecting):
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result()[1].close()


class Asked:
    """A request and what came of it."""

    __slots__ = ("at", "due", "number", "outcome", "sent")

    def __init__(self, number, due):
        self.number = number
        self.due = due
        self.sent = False
        self.outcome = None  # "ok", "error", "lost" (no answer, connection failed) or "timeout"
        self.at = None  # when the answer was here

    async def run(self, lines, time):
        line = None
        try:
            async with asyncio.timeout_at(self.due + TIMEOUT_SEC):
                line = await lines.take()
                reader, writer = line
                writer.write(b"%d\n" % self.number)
                self.sent = True
                answer = await reader.readline()
                now = time()
        except TimeoutError:
            self.outcome = "timeout"
        except (OSError, ValueError, EOFError):
            self.outcome = "lost"
        else:
            if answer == b"%d ok\n" % self.number:
                self.outcome = "ok"
                self.at = now
            elif answer.endswith(b"\n"):
                self.outcome = "error"
                self.at = now
            else:
                self.outcome = "lost"
            if self.at is not None and now - self.due > TIMEOUT_SEC:
                self.outcome = "timeout"
                self.at = None
            if answer in (b"%d ok\n" % self.number, b"%d error\n" % self.number):
                lines.give_back(line)
                line = None
        finally:
            if line is not None:
                lines.drop(line)


def percentile(ordered, percent):
    """Give the smallest value that at least so many percent do not exceed."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(percent * len(ordered) / 100) - 1)]


def latencies_ms(asked):
    """Give the latencies that count, in order."""
    return sorted(
        min((one.at - one.due) * 1000, TIMEOUT_SEC * 1000) if one.outcome == "ok" else TIMEOUT_SEC * 1000
        for one in asked
        if one.outcome in ("ok", "timeout")
    )


async def measure(connect, rate_per_sec, duration_sec):
    """Load a server with evenly spaced requests and report what its users would have seen."""
    loop = asyncio.get_running_loop()
    lines = Lines(connect)
    asked, tasks = [], []
    start = loop.time()
    number = 0
    try:
        while number / rate_per_sec < duration_sec:
            due = start + number / rate_per_sec
            early = due - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            elif number % 32 == 0:
                await asyncio.sleep(0)
            one = Asked(number, due)
            asked.append(one)
            tasks.append(loop.create_task(one.run(lines, loop.time)))
            number += 1
        if tasks:
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await lines.close()
    succeeded = sum(one.outcome == "ok" for one in asked)
    answered = [one.at for one in asked if one.at is not None]
    took = max(duration_sec, max(answered, default=start) - start)
    ordered = latencies_ms(asked)
    return Report(
        sent=sum(one.sent for one in asked),
        succeeded=succeeded,
        errors=sum(one.outcome in ("error", "lost") for one in asked),
        timeouts=sum(one.outcome == "timeout" for one in asked),
        throughput_per_sec=succeeded / took if took > 0 else 0.0,
        p50_ms=percentile(ordered, 50),
        p90_ms=percentile(ordered, 90),
        p99_ms=percentile(ordered, 99),
        max_ms=ordered[-1] if ordered else 0.0,
    )
