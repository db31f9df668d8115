"""Open-loop load: every request goes out when it is due, and its latency counts from then."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from harness.load.collector import collector_off
from harness.load.reply import Reply
from harness.load.result import Fate, LoadResult
from harness.load.schedule import Schedule
from harness.load.target import Broken, Target

SPIN_SEC: Final = 0.0015
"""Below this the loop is polled instead of slept on: its timers have a grain of a millisecond, and round up."""

Judge = Callable[[int, Reply], bool]
"""Tells whether the reply to request `k` is a good one."""


@dataclass(frozen=True)
class Plan:
    """An open-loop run: what to send when, what a good reply is, and how long to wait for the last ones."""

    schedule: Schedule
    request: Callable[[int], bytes]
    judge: Judge
    grace_sec: float = 5.0
    spin_sec: float = SPIN_SEC


async def run_open_loop(plan: Plan, target: Target) -> LoadResult:
    """Send all of `plan` on time and wait for the replies, up to its grace after the last request."""
    with collector_off():
        return await _OpenLoop(plan, target).run()


class _OpenLoop:
    """One run in progress."""

    def __init__(self, plan: Plan, target: Target) -> None:
        self._plan = plan
        self._target = target
        self._due = plan.schedule.tolist()
        self._next = 0
        self._unanswered: dict[int, float] = {}
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._began = 0.0
        self.result = LoadResult()

    async def run(self) -> LoadResult:
        self._began = self._loop.time()
        self._send_what_is_due()
        last = self._due[-1] if self._due else 0.0
        try:
            async with asyncio.timeout_at(self._began + last + self._plan.grace_sec):
                await self._finished
        except TimeoutError:
            self._finished.cancel()
        self._give_up()
        self.result.duration_sec = self._loop.time() - self._began
        return self.result

    def _send_what_is_due(self) -> None:
        while self._next < len(self._due):
            now = self._loop.time() - self._began
            due = self._due[self._next]
            if due > now:
                self._come_back(due, now)
                return
            number, self._next = self._next, self._next + 1
            self._unanswered[number] = due
            self.result.sent += 1
            self.result.lateness.record(now - due)
            self._target.send(self._plan.request(number), partial(self._landed, number))
        self._finish_if_done()

    def _come_back(self, due: float, now: float) -> None:
        if self._finished.done():
            return
        if due - now > self._plan.spin_sec:
            self._loop.call_at(self._began + due - self._plan.spin_sec, self._send_what_is_due)
        else:
            self._loop.call_soon(self._send_what_is_due)

    def _landed(self, number: int, reply: Reply | Broken) -> None:
        due = self._unanswered.pop(number, None)
        if due is None:
            return
        latency = self._loop.time() - self._began - due
        if isinstance(reply, Broken):
            self.result.count(Fate.BROKEN, reply.reason)
        elif self._plan.judge(number, reply):
            self.result.count(Fate.GOOD)
            self.result.latencies.record(latency)
        else:
            self.result.count(Fate.REFUSED, f"status {reply.status}")
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._next == len(self._due) and not self._unanswered and not self._finished.done():
            self._finished.set_result(None)

    def _give_up(self) -> None:
        """Count who still waits, with all the time they have waited: leaving them out would flatter the server."""
        now = self._loop.time() - self._began
        for due in self._unanswered.values():
            self.result.count(Fate.UNANSWERED)
            self.result.latencies.record(now - due)
        self._unanswered.clear()
