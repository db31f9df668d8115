"""The search for a server's capacity: a ramp to find where it lies, a short overload, and trials to be sure."""

import asyncio
import math
from statistics import median

from load import Asked, Lines, latencies_ms, percentile

LEAST, MOST = 50.0, 1000.0
BUDGET_SEC = 14.2
RAMP_TAU_SEC = 1.25
TRIAL_SEC = 2.0
SPOILED_SEC = 0.03
GROWTH = 0.03
"""Seconds by which latency may grow each second in a trial that passes."""


class Run:
    """Requests that were offered in one go."""

    def __init__(self):
        self.asked = []
        self.lateness = 0.0
        self.stopped = False
        self.start = 0.0
        self.end = 0.0

    def done(self):
        return [one for one in self.asked if one.outcome is not None]

    def failed(self):
        return sum(one.outcome is not None and one.outcome != "ok" for one in self.asked)

    def ok_rate(self, since, until):
        """Give how many good answers came each second."""
        times = sorted(one.at for one in self.asked if one.outcome == "ok" and since <= one.at <= until)
        if len(times) < 5:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])


class Search:
    def __init__(self, connect, slo_sec):
        self.loop = asyncio.get_running_loop()
        self.lines = Lines(connect)
        self.slo = slo_sec
        self.number = 0
        self.tasks = set()
        self.open = {}  # requests that are not answered, oldest first
        self.until = self.loop.time() + BUDGET_SEC

    def left(self):
        return self.until - self.loop.time()

    async def _ask(self, one):
        self.open[one.number] = one
        try:
            await one.run(self.lines, self.loop.time)
        finally:
            del self.open[one.number]

    def oldest(self):
        for one in self.open.values():
            return self.loop.time() - one.due
        return 0.0

    async def offer(self, offsets, enough):
        """Send requests at these times after the start, until there are enough of them."""
        run = Run()
        run.start = start = self.loop.time()
        for offset in offsets:
            due = start + offset
            early = due - self.loop.time()
            if early > 0:
                await asyncio.sleep(early)
            elif len(run.asked) % 32 == 0:
                await asyncio.sleep(0)
            late = self.loop.time() - due
            run.lateness = max(run.lateness, late)
            if late < SPOILED_SEC and enough(run):
                run.stopped = True
                break
            one = Asked(self.number, due)
            self.number += 1
            run.asked.append(one)
            task = self.loop.create_task(self._ask(one))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        run.end = self.loop.time()
        return run

    async def drain(self, most=1.2):
        """Let the server work off what it has."""
        until = self.loop.time() + min(most, max(0.0, self.left()))
        while self.open and self.loop.time() < until:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)

    async def close(self):
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.lines.close()

    async def ramp(self):
        """Raise the rate until the server shows that it is too much; give what it did by then."""

        def offsets():
            k = 0
            while True:
                at = RAMP_TAU_SEC * math.log(1 + k / (LEAST * RAMP_TAU_SEC))
                if LEAST * math.exp(at / RAMP_TAU_SEC) > MOST * 1.2:
                    return
                yield at
                k += 1

        def enough(run):
            last = run.done()[-40:] if len(run.asked) % 5 == 0 else []
            return self.oldest() > 1.5 * self.slo + 0.05 or sum(one.outcome != "ok" for one in last) >= 5

        run = await self.offer(offsets(), enough)
        await self.drain()
        if not run.stopped:
            return MOST
        estimate = run.ok_rate(run.end - 0.5, run.end)
        return min(MOST, max(LEAST, estimate))

    async def saturated(self, estimate):
        """Give the rate of good answers while the server has somewhat more to do than it can."""
        while True:
            rate = min(estimate * 1.3, MOST * 1.25)
            count = int(rate * 1.5)
            run = await self.offer((k / rate for k in range(count)), lambda run: self.oldest() > 0.7)
            seen = run.ok_rate(run.start + 0.35, run.end)
            await self.drain()
            overloaded = run.stopped or run.failed() > 0.05 * count or self._growth(run) > 0.08
            if overloaded and seen:
                return min(MOST, max(LEAST, seen))
            if rate >= MOST * 1.2 or self.left() < 6:
                return min(MOST, max(LEAST, seen or estimate))
            estimate *= 1.4

    def _growth(self, run):
        ok = [one for one in run.asked if one.outcome == "ok"]
        third = len(ok) // 3
        if third < 5:
            return 0.0
        first, last = ok[:third], ok[-third:]
        rise = median(one.at - one.due for one in last) - median(one.at - one.due for one in first)
        span = median(one.due for one in last) - median(one.due for one in first)
        return rise / span if span > 0 else 0.0

    async def sustains(self, rate):
        """Give whether the server sustains a rate, as far as a trial can show; None if this machine spoiled it."""
        count = max(1, round(rate * TRIAL_SEC))
        tolerable = max(1, int(count * 0.01))

        def enough(run):
            return self.oldest() > 3 * self.slo + 0.1 or run.failed() > 3 * tolerable + 3

        run = await self.offer((k / rate for k in range(count)), enough)
        await self.drain()
        if run.stopped:
            passed = False
        else:
            unanswered = sum(one.outcome is None for one in run.asked)
            passed = (
                run.failed() + unanswered <= tolerable
                and percentile(latencies_ms(run.done()), 99) <= self.slo * 1000
                and self._growth(run) <= GROWTH
            )
        if not passed and run.lateness > SPOILED_SEC:
            return None
        return passed

    async def find(self):
        center = await self.saturated(await self.ramp())
        low = high = None
        rate = center * 0.96
        while self.left() > TRIAL_SEC + 0.15:
            passed = await self.sustains(rate)
            if passed:
                low = max(low or rate, rate)
            elif passed is False:
                high = min(high or rate, rate)
            if low and high:
                if high / low < 1.10:
                    break
                rate = math.sqrt(low * high)
            elif low:
                if low >= MOST:
                    break
                rate = min(MOST * 1.03, low * 1.09)
            elif high:
                rate = high * 0.89
        if low and high:
            answer = math.sqrt(low * high)
        elif low:
            answer = low * 1.02
        elif high:
            answer = high * 0.94
        else:
            answer = center * 0.98
        return min(MOST, max(LEAST, answer))


async def find_capacity(connect, slo_p99_ms):
    """Find the highest rate a second that the server sustains."""
    search = Search(connect, slo_p99_ms / 1000)
    try:
        return await search.find()
    finally:
        await search.close()
