"""`find_capacity`: trials at constant rates, first coarse and upward, then by halving what is left between "holds" and "does not"."""

import asyncio
import itertools
import math
from statistics import median

from range_fleet import ERROR, LATE, OK, Connect, Fleet, Shot, until

LOWEST, HIGHEST = 50.0, 1000.0
TIME_SEC = 13.6
"""When the last trial must be over; 15 s are allowed."""

STEP = 1.8
GLANCE_SEC = 0.5
TRIAL_SEC = 1.6
NARROW = 1.045
"""The answer is precise enough when it is known within this factor."""

RAMP_IN = 0.2
"""The part of a trial, at its beginning, that is not judged: connections are opened, and the first requests meet an idle server."""
FAILING = 0.01
GROWTH = 0.02
"""A latency that grows by this much of the time that passes: the rate is so much above what the server does."""
GROWTH_FLOOR_SEC = 0.012
OWN_LAG_SEC = 0.025


class Search:
    """A search for the capacity of a server."""

    def __init__(self, connect: Connect, slo_sec: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._fleet = Fleet(connect)
        self._slo = slo_sec
        self._numbers = itertools.count(1)
        self._ends = self._loop.time() + TIME_SEC
        self._usual = slo_sec / 2
        """The latency of a server that has nothing else to do."""

    async def run(self) -> float:
        try:
            await self._get_to_know()
            low, high = await self._look_around()
            return await self._narrow(low, high)
        finally:
            await self._fleet.close()

    # ---- the search

    async def _get_to_know(self) -> None:
        seen = [await self._single() for _ in range(4)]
        self._usual = min([latency for latency in seen if latency is not None], default=self._usual)

    async def _look_around(self) -> tuple[float, float]:
        """Go up in large steps until a rate does not hold, so that the server is never far above its capacity."""
        low, rate = LOWEST, LOWEST * STEP
        while self._left() > TRIAL_SEC:
            # A stall of this machine looks like a server that cannot keep up, so a failure has to show twice.
            if not (await self._holds(rate, GLANCE_SEC) or await self._holds(rate, GLANCE_SEC)):
                return low, rate
            low = max(low, rate * 0.9)  # a glance may overlook a little too much
            if rate >= HIGHEST:
                return low, HIGHEST * 1.04
            rate = min(rate * STEP, HIGHEST)
        return low, rate

    async def _narrow(self, low: float, high: float) -> float:
        confirmed = False  # whether the upper end has been seen to fail in a long trial, and not only once
        while self._left() > TRIAL_SEC + 0.5:
            if high / low > NARROW:
                rate = min(math.sqrt(low * high), HIGHEST)
            elif confirmed or high > HIGHEST:
                break
            else:
                rate = high
            if await self._holds(rate, TRIAL_SEC, again=True):
                low = rate
                if rate >= high:  # so it was a stall that made it fail
                    high = min(rate * 1.12, HIGHEST * 1.04)
                if low >= HIGHEST:
                    break
            else:
                confirmed = rate >= high
                high = rate
        return min(max(math.sqrt(low * high), LOWEST), HIGHEST)

    # ---- trials

    async def _holds(self, rate: float, seconds: float, *, again: bool = False) -> bool:
        """Tell whether the server sustains a rate. Where this program was late itself, a failure may be tried again."""
        held, lag = await self._trial(rate, seconds)
        if not held and again and lag > OWN_LAG_SEC and self._left() > seconds + 0.5:
            held, _ = await self._trial(rate, seconds)
        return held

    async def _trial(self, rate: float, seconds: float) -> tuple[bool, float]:
        count = max(20, int(rate * seconds))
        hopeless = max(6.0, 0.06 * count)
        start = self._loop.time() + 0.005
        shots: list[Shot] = []
        looked = bad = 0
        lag = 0.0
        for index in range(count):
            due = start + index / rate
            await until(self._loop, due)
            now = self._loop.time()
            lag = max(lag, now - due)
            shot = Shot(next(self._numbers), due)
            shots.append(shot)
            self._fleet.fire(shot)
            while looked < len(shots) and shots[looked].due + self._slo < now:
                bad += self._is_bad(shots[looked], now)
                looked += 1
            if bad > hopeless:  # enough is known, and the server has the less to work off
                await self._recover()
                return False, lag
        await self._fleet.calm(self._slo * 1.3)
        held = self._is_sustained(shots)
        await self._recover()
        return held, lag

    def _is_bad(self, shot: Shot, now: float) -> bool:
        return shot.verdict in (ERROR, LATE) or shot.latency(now) > self._slo

    def _is_sustained(self, shots: list[Shot]) -> bool:
        now = self._loop.time()
        judged = shots[int(len(shots) * RAMP_IN) :]
        failed = [shot.verdict in (ERROR, LATE) for shot in judged]
        served = [shot for shot in judged if shot.verdict != ERROR]
        slow = [shot.verdict == LATE or shot.latency(now) > self._slo for shot in served]
        return not (_is_much(failed) or _is_much(slow) or self._grows(served, now))

    def _grows(self, shots: list[Shot], now: float) -> bool:
        """Tell whether latency grows: then the rate cannot be sustained, however short the queue still is."""
        third = len(shots) // 3
        if third < 3:
            return False
        first = median(shot.latency(now) for shot in shots[:third])
        last = median(shot.latency(now) for shot in shots[-third:])
        apart = (shots[-1].due - shots[0].due) * 2 / 3
        return last - first > max(GROWTH_FLOOR_SEC, GROWTH * apart)

    async def _recover(self) -> None:
        """Wait until the server has worked off its queue, that of requests that were given up included."""
        await self._fleet.calm(min(2.2, self._left()))
        patience = self._loop.time() + 3.0
        while self._left() > TRIAL_SEC and self._loop.time() < patience:  # later than that, nothing follows
            latency = await self._single()
            if latency is not None and latency <= self._usual * 1.5 + 0.010:
                return
            await asyncio.sleep(0.03)

    def _left(self) -> float:
        return max(0.0, self._ends - self._loop.time())

    async def _single(self) -> float | None:
        """Give the latency of a request that is alone, or None where it failed."""
        shot = Shot(next(self._numbers), self._loop.time())
        self._fleet.fire(shot)
        await self._fleet.calm(1.0)
        return shot.answered - shot.due if shot.verdict == OK else None


def _is_much(flags: list[bool]) -> bool:
    """Tell whether more fail than may, and not all at one time, as after a stall."""
    quarters = {index * 4 // len(flags) for index, flag in enumerate(flags) if flag}
    return sum(flags) > max(1, FAILING * len(flags)) and len(quarters) > 1


async def find_capacity(connect: Connect, slo_p99_ms: float) -> float:
    """Find the highest rate a second that the server sustains."""
    return await Search(connect, slo_p99_ms / 1000).run()
