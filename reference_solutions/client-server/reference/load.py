"""The load generator: an open loop, whose latencies count from when requests were due.

A pacer starts every request when it is due and never waits for an answer; each takes an idle connection or opens one.
"""

import asyncio
import math
import statistics
from collections import deque
from dataclasses import dataclass
from functools import partial

ANSWER_SEC = 2.0
"""A request that is not answered this long after it was due has timed out."""


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


class Run:
    """One open-loop run in progress."""

    def __init__(self, connect, rate_per_sec, duration_sec):
        self._connect = partial(connected, connect)
        self._rate = rate_per_sec
        self._count = math.ceil(rate_per_sec * duration_sec - 1e-9)
        self._duration = duration_sec
        self._idle = deque()
        self._loop = asyncio.get_running_loop()
        self._latencies = {}
        self._good_at = []
        self.sent = self.errors = self.timeouts = 0
        self._last_answer = 0.0
        self.waiting = 0

    async def report(self):
        """Run to the end."""
        self._began = self._loop.time()
        running = set()
        for number in range(self._count):
            due = self._began + number / self._rate
            while (left := due - self._loop.time()) > 0:
                await asyncio.sleep(left)
            task = asyncio.create_task(self._request(number, due))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(running)
        for _, writer in self._idle:
            writer.close()
        return self._summary()

    async def _request(self, number, due):
        self.waiting += 1
        try:
            async with asyncio.timeout_at(due + ANSWER_SEC):
                good = await self._exchange(number)
        except TimeoutError:
            self.timeouts += 1
            self._latencies[number] = ANSWER_SEC
        except (OSError, EOFError):
            self.errors += 1
        else:
            now = self._loop.time()
            self._last_answer = max(self._last_answer, now - self._began)
            if good:
                self._latencies[number] = now - due
                self._good_at.append(now)
            else:
                self.errors += 1
        finally:
            self.waiting -= 1

    async def _exchange(self, number):
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        try:
            if reader.at_eof():  # closed while it was idle
                writer.close()
                reader, writer = await self._connect()
            writer.write(b"%d\n" % number)
            self.sent += 1
            answer = await reader.readline()
        except BaseException:
            writer.close()  # its answer may still come, and would be taken for another's
            raise
        if answer not in (b"%d ok\n" % number, b"%d error\n" % number):
            writer.close()
            return False
        self._idle.append((reader, writer))
        return answer.endswith(b"ok\n")

    def _summary(self):
        latencies = sorted(self._latencies.values())
        succeeded = len(latencies) - self.timeouts

        def percentile(percent):
            if not latencies:
                return 0.0
            return 1000 * latencies[max(0, math.ceil(percent / 100 * len(latencies) - 1e-9) - 1)]

        return Report(
            sent=self.sent,
            succeeded=succeeded,
            errors=self.errors,
            timeouts=self.timeouts,
            throughput_per_sec=succeeded / max(self._duration, self._last_answer),
            p50_ms=percentile(50),
            p90_ms=percentile(90),
            p99_ms=percentile(99),
            max_ms=percentile(100),
        )

    def growth_sec(self):
        """Say how much slower the last fifth of all requests was than the first: this shows a queue that grows."""
        in_order = [self._latencies[number] for number in sorted(self._latencies)]
        fifth = max(1, len(in_order) // 5)
        return sum(in_order[-fifth:]) / fifth - sum(in_order[:fifth]) / fifth if in_order else 0.0

    def pace_per_sec(self):
        """Say how fast good answers came in the later half: in overload, this is what the server can do.

        The slope of a line through all of them: several may come at once, and the first come before a queue is full.
        """
        later = self._good_at[len(self._good_at) // 2 :]
        if len(set(later)) < 2:
            return 0.0
        return statistics.linear_regression(later, range(len(later))).slope


async def measure(connect, rate_per_sec, duration_sec):
    """Load a server with evenly spaced requests and report what its users would have seen."""
    return await Run(connect, rate_per_sec, duration_sec).report()
