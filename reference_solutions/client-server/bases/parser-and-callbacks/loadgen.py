"""A load generator: an open loop, in which every request has its own task and no request waits for another."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import sqrt
from statistics import median

TIMEOUT_SEC = 2.0
MAX_CONNECTIONS = 900  # of all runs together
LEAST, MOST = 50.0, 1000.0


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


Connect = Callable[[], Awaitable[tuple]]
"""Opens a connection: gives (asyncio.StreamReader, asyncio.StreamWriter), or raises OSError."""


class Request:
    __slots__ = ("done_at", "due", "number", "outcome", "sent_at")

    def __init__(self, number, due):
        self.number = number
        self.due = due
        self.sent_at = None
        self.done_at = None  # when an answer with its number was here
        self.outcome = "error"  # or "ok", "late"

    @property
    def latency(self):
        return self.done_at - self.due if self.outcome == "ok" else TIMEOUT_SEC


class Budget:
    """Connections that are open or being opened, in all runs of this process."""

    open = 0


class Load:
    """Connections to one server, and requests on them. Use as `async with`; it leaves no task and no connection."""

    def __init__(self, connect):
        self.connect = connect
        self.loop = asyncio.get_running_loop()
        self.idle = []
        self.lines = set()  # writers
        self.waiting = deque()  # futures of requests that have no connection yet
        self.openings = set()
        self.requests = set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        tasks = [*self.requests, *self.openings]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in list(self.lines):
            self._drop(writer, replace=False)
        await asyncio.sleep(0)

    async def run(self, rate, duration, first=0):
        """Send requests evenly spaced, and give them all when the last is answered or given up."""
        start = self.loop.time()
        requests, tasks = [], []
        k = 0
        while k / rate < duration:
            due = start + k / rate
            delay = due - self.loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            request = Request(first + k, due)
            task = self.loop.create_task(self._one(request))
            self.requests.add(task)
            task.add_done_callback(self.requests.discard)
            requests.append(request)
            tasks.append(task)
            k += 1
        if tasks:
            await asyncio.wait(tasks)
        return start, requests

    # ---- one request

    async def _one(self, request):
        line = self._take() or await self._wait_for_line(request)
        if line is None:
            return
        reader, writer = line
        request.sent_at = self.loop.time()
        try:
            writer.write(b"%d\n" % request.number)
            async with asyncio.timeout_at(request.due + TIMEOUT_SEC) as limit:
                answer = await reader.readline()
        except (OSError, ValueError):  # a TimeoutError is an OSError
            if limit.expired():
                request.outcome = "late"
            self._drop(writer)
            return
        except asyncio.CancelledError:
            self._drop(writer, replace=False)
            raise
        now = self.loop.time()
        if answer == b"%d ok\n" % request.number:
            request.done_at = now
            request.outcome = "ok" if now - request.due <= TIMEOUT_SEC else "late"
        elif answer == b"%d error\n" % request.number:
            request.done_at = now
            request.outcome = "error" if now - request.due <= TIMEOUT_SEC else "late"
        else:
            self._drop(writer)
            return
        self._give(line)

    async def _wait_for_line(self, request):
        future = self.loop.create_future()
        self.waiting.append(future)
        self._open_lines(1)  # one of its own: those that are being opened for others may never come
        try:
            async with asyncio.timeout_at(request.due + TIMEOUT_SEC):
                return await future
        except TimeoutError:
            request.outcome = "late"
            self._forsake(future)
        except asyncio.CancelledError:
            self._forsake(future)
            raise
        return None

    def _forsake(self, future):
        """Nobody wants it any more; a connection that it was given a moment ago goes to the next."""
        if future.cancelled() or not future.done():
            future.cancel()
            if future in self.waiting:
                self.waiting.remove(future)
        elif future.result() is not None:
            self._give(future.result())

    # ---- connections

    def _take(self):
        while self.idle:
            reader, writer = line = self.idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return line
            self._drop(writer)
        return None

    def _give(self, line):
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(line)
                return
        self.idle.append(line)

    def _drop(self, writer, replace=True):
        if writer in self.lines:
            self.lines.discard(writer)
            Budget.open -= 1
            writer.close()
            if replace:
                self._open_lines()

    def _open_lines(self, least=0):
        while (least > 0 or len(self.openings) < len(self.waiting)) and Budget.open < MAX_CONNECTIONS:
            least -= 1
            Budget.open += 1
            task = self.loop.create_task(self._open())
            self.openings.add(task)
            task.add_done_callback(self._opened)

    async def _open(self):
        return await self.connect()

    def _opened(self, task):
        self.openings.discard(task)
        if task.cancelled() or task.exception() is not None:
            Budget.open -= 1
            if not task.cancelled():
                self._fail_one()
                self._open_lines()
            return
        line = task.result()
        self.lines.add(line[1])
        self._give(line)

    def _fail_one(self):
        """An opening failed: so has the request that waited for it, unless it got another connection meanwhile."""
        while len(self.waiting) > len(self.openings):
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(None)
                return


def percentile(ordered, percent):
    """The smallest of the values that at least `percent` % of them do not exceed; 0 when there are none."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else 0.0


async def measure(connect: Connect, rate_per_sec: float, duration_sec: float) -> Report:
    """Load a server with evenly spaced requests and report what its users would have seen."""
    async with Load(connect) as load:
        start, requests = await load.run(rate_per_sec, duration_sec)
    by = {"ok": 0, "error": 0, "late": 0}
    for request in requests:
        by[request.outcome] += 1
    answered = [r.done_at - start for r in requests if r.done_at is not None and r.outcome != "late"]
    span = max([duration_sec, *answered])
    latencies = sorted(1000 * r.latency for r in requests if r.outcome != "error")
    return Report(
        sent=sum(r.sent_at is not None for r in requests),
        succeeded=by["ok"],
        errors=by["error"],
        timeouts=by["late"],
        throughput_per_sec=by["ok"] / span if span > 0 else 0.0,
        p50_ms=percentile(latencies, 50),
        p90_ms=percentile(latencies, 90),
        p99_ms=percentile(latencies, 99),
        max_ms=percentile(latencies, 100),
    )


# ---- capacity

RAMP_SEC, TRIAL_SEC = 0.8, 2.0
LAST_START_SEC = 10.5  # a trial that begins later might not be over in time
GROWTH, SLOPE = 0.012, 0.025


@dataclass(frozen=True)
class Verdict:
    over: bool
    estimate: float  # what the server did a second
    disturbed: bool  # our own program was held up


def judge(start, duration, rate, requests, slo_p99_ms):
    """Was that more than the server can do for ever? A queue that grows gives it away long before the latency does."""
    settled = [r for r in requests if r.due - start >= duration / 4]
    latencies = sorted(1000 * r.latency for r in settled if r.outcome != "error")
    failed = sum(r.outcome != "ok" for r in settled) / len(settled)
    fine = [r for r in settled if r.outcome == "ok"]
    grows = False
    if len(fine) >= 8:  # noqa: PLR2004
        quarter = len(fine) // 4
        early, late = fine[:quarter], fine[-quarter:]
        growth = median(r.latency for r in late) - median(r.latency for r in early)
        apart = median(r.due for r in late) - median(r.due for r in early)
        grows = growth > GROWTH and growth > SLOPE * apart
    over = failed > 0.01 or grows or percentile(latencies, 99) > slo_p99_ms
    done = sorted(r.done_at for r in fine)
    estimate = rate
    if failed > 0.01:  # noqa: PLR2004
        estimate = rate * (1 - failed)
    elif over and len(done) > 8 and done[-1] > done[0]:  # noqa: PLR2004
        # workers that answer together would be counted once too often
        estimate = min(rate, sum(at > done[0] + 0.002 for at in done) / (done[-1] - done[0]))
    held_up = sum(r.sent_at is not None and r.sent_at - r.due > 0.03 for r in settled)  # noqa: PLR2004
    return Verdict(over, estimate, over and held_up > 0.01 * len(settled))


async def find_capacity(connect: Connect, slo_p99_ms: float) -> float:
    """Find the highest rate a second that the server sustains.

    First the rate is doubled until it is too much, which never leaves more of a queue than the server works off in as long
    again; what it answered meanwhile is an estimate. Longer trials below and above the estimate then narrow it down.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = 0
    async with Load(connect) as load:

        async def attempt(rate, duration):
            nonlocal first
            start, requests = await load.run(rate, duration, first)
            first += len(requests)
            return judge(start, duration, rate, requests, slo_p99_ms)

        async def trial(rate, duration):
            verdict = await attempt(rate, duration)
            if verdict.disturbed and loop.time() - began < LAST_START_SEC:
                verdict = await attempt(rate, duration)
            if verdict.over:
                await asyncio.sleep(0.1)
            return verdict

        low, high, estimate = LEAST * 0.9, None, None
        rate = 90.0
        while high is None:
            verdict = await trial(rate, RAMP_SEC)
            if verdict.over:
                high, estimate = rate, verdict.estimate
            else:
                low = rate
                if rate >= MOST:
                    break
                rate = min(2 * rate, MOST)
        if high is None:
            verdict = await trial(MOST, TRIAL_SEC)
            if not verdict.over:
                return MOST
            high, estimate, low = MOST, verdict.estimate, MOST / 2

        while loop.time() - began < LAST_START_SEC and high > 1.04 * low:
            if not low < estimate < high:
                estimate = sqrt(low * high)
            if estimate * 0.97 > low * 1.005:
                rate = estimate * 0.97
            elif estimate * 1.05 < high * 0.995:
                rate = estimate * 1.05
            else:
                rate = sqrt(low * high)
            verdict = await trial(rate, TRIAL_SEC)
            if verdict.over:
                high, estimate = rate, verdict.estimate
            else:
                low, estimate = rate, max(estimate, rate)
    if not low <= estimate <= high:
        estimate = sqrt(low * high)
    return float(min(max(estimate, LEAST), MOST))
