"""Closed-loop load: a fixed number of requests in flight, for throughput at saturation and for nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from harness.load.collector import collector_off
from harness.load.open_loop import Judge
from harness.load.reply import Reply
from harness.load.result import Fate, LoadResult
from harness.load.target import Broken, Target


@dataclass(frozen=True)
class Saturation:
    """A closed-loop run: `in_flight` requests at any time, until `requests` were sent or `duration_sec` is over."""

    in_flight: int
    request: Callable[[int], bytes]
    judge: Judge
    duration_sec: float
    requests: int | None = None


async def saturate(plan: Saturation, target: Target) -> LoadResult:
    """Send as fast as replies come; replies after the end are not counted. Latency counts from the actual sending."""
    with collector_off():
        return await _ClosedLoop(plan, target).run()


class _ClosedLoop:
    """One run in progress."""

    def __init__(self, plan: Saturation, target: Target) -> None:
        self._plan = plan
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._in_flight = 0
        self.result = LoadResult()

    async def run(self) -> LoadResult:
        began = self._loop.time()
        for _ in range(self._plan.in_flight):
            self._send_next()
        try:
            async with asyncio.timeout(self._plan.duration_sec):
                await self._finished
        except TimeoutError:
            self._finished.cancel()
        self.result.duration_sec = self._loop.time() - began
        return self.result

    def _send_next(self) -> None:
        number = self.result.sent
        if self._plan.requests is not None and number >= self._plan.requests:
            if not self._in_flight and not self._finished.done():
                self._finished.set_result(None)
            return
        self.result.sent += 1
        self._in_flight += 1
        sent_at = self._loop.time()
        self._target.send(self._plan.request(number), lambda reply: self._landed(number, sent_at, reply))

    def _landed(self, number: int, sent_at: float, reply: Reply | Broken) -> None:
        if self._finished.done():
            return
        self._in_flight -= 1
        if isinstance(reply, Broken):
            self.result.count(Fate.BROKEN, reply.reason)
            self._loop.call_soon(self._send_next)  # a server that is gone must not make this recurse
            return
        if self._plan.judge(number, reply):
            self.result.count(Fate.GOOD)
            self.result.latencies.record(self._loop.time() - sent_at)
        else:
            self.result.count(Fate.REFUSED, f"status {reply.status}")
        self._send_next()
