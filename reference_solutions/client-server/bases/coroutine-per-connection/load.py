"""A load generator: requests are handed to lines, one for each connection, which take the oldest that nobody has taken."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil, sqrt

PATIENCE_SEC = 2.0
MOST_LINES = 900


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

WAITING, OK, ERROR, TIMEOUT = "waiting", "ok", "error", "timeout"


class Job:
    __slots__ = ("answered_at", "due", "number", "sent_at", "state", "timer")

    def __init__(self, number, due):
        self.number = number
        self.due = due
        self.state = WAITING
        self.sent_at = self.answered_at = self.timer = None


class Exchange:
    """Where jobs and lines meet."""

    lines_open = 0  # of all exchanges: they share the limit of open files

    def __init__(self, connect):
        self.connect = connect
        self.loop = asyncio.get_running_loop()
        self.jobs = deque()  # that no line has taken
        self.parked = []  # futures of lines that have no job
        self.lines = set()
        self.opening = 0
        self.unsettled = 0
        self.settled = asyncio.Event()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for line in self.lines:
            line.cancel()
        await asyncio.gather(*self.lines, return_exceptions=True)
        await asyncio.sleep(0)

    async def run(self, rate, duration, first=0, stop=None):
        """Send at a constant rate, and give the start and the jobs when all of them are settled."""
        jobs = []
        start = self.loop.time()
        k = 0
        while k / rate < duration:
            due = start + k / rate
            while (ahead := due - self.loop.time()) > 0:
                await asyncio.sleep(ahead)
            if stop is not None and stop(jobs):
                break
            job = Job(first + k, due)
            jobs.append(job)
            self.unsettled += 1
            self._submit(job)
            k += 1
        while self.unsettled:
            self.settled.clear()
            await self.settled.wait()
        return start, jobs

    def _submit(self, job):
        while self.parked:
            line = self.parked.pop()
            if not line.done():
                line.set_result(job)
                return
        self.jobs.append(job)
        job.timer = self.loop.call_at(job.due + PATIENCE_SEC, self._expire, job)
        self._open_line()

    def _expire(self, job):
        """No line has taken it in time."""
        self.jobs.remove(job)
        self._settle(job, TIMEOUT)

    def _settle(self, job, state):
        job.state = state
        self.unsettled -= 1
        if not self.unsettled:
            self.settled.set()

    def _take(self):
        if not self.jobs:
            return None
        job = self.jobs.popleft()
        job.timer.cancel()
        return job

    # ---- lines

    def _open_line(self):
        if Exchange.lines_open < MOST_LINES:
            Exchange.lines_open += 1
            self.opening += 1
            line = self.loop.create_task(self._line())
            self.lines.add(line)
            line.add_done_callback(self._line_ended)

    def _line_ended(self, line):
        self.lines.discard(line)
        Exchange.lines_open -= 1
        if not line.cancelled() and self.opening < len(self.jobs):
            self._open_line()

    async def _line(self):
        writer = None
        try:
            try:
                reader, writer = await self.connect()
            finally:
                self.opening -= 1
        except OSError:
            if len(self.jobs) > self.opening:
                self._settle(self._take(), ERROR)
            return
        try:
            while True:
                job = self._take()
                if job is None:
                    parked = self.loop.create_future()
                    self.parked.append(parked)
                    job = await parked
                if reader.at_eof() or writer.is_closing():
                    self._submit(job)
                    return
                if not await self._exchange(job, reader, writer):
                    return
        finally:
            writer.close()

    async def _exchange(self, job, reader, writer):
        """Send a job and wait for its answer; whether the connection can be used again."""
        job.sent_at = self.loop.time()
        writer.write(b"%d\n" % job.number)
        try:
            async with asyncio.timeout_at(job.due + PATIENCE_SEC) as patience:
                answer = await reader.readline()
        except (OSError, ValueError):  # TimeoutError is an OSError, and may be the connection's too
            self._settle(job, TIMEOUT if patience.expired() else ERROR)
            return False
        now = self.loop.time()
        states = {b"%d ok\n" % job.number: OK, b"%d error\n" % job.number: ERROR}
        state = states.get(answer)
        if state is None:
            self._settle(job, ERROR)
            return False
        if now - job.due > PATIENCE_SEC:
            state = TIMEOUT
        else:
            job.answered_at = now
        self._settle(job, state)
        return True


def latencies_ms(jobs):
    """Sorted, of those that succeeded or timed out."""
    values = [1000 * (job.answered_at - job.due) for job in jobs if job.state is OK]
    values += [1000 * PATIENCE_SEC for job in jobs if job.state is TIMEOUT]
    return sorted(values)


def percentile(ordered, percent):
    return ordered[ceil(percent * len(ordered) / 100) - 1] if ordered else 0.0


async def measure(connect: Connect, rate_per_sec: float, duration_sec: float) -> Report:
    """Load a server with evenly spaced requests and report what its users would have seen."""
    async with Exchange(connect) as exchange:
        start, jobs = await exchange.run(rate_per_sec, duration_sec)
    states = [job.state for job in jobs]
    answered = [job.answered_at - start for job in jobs if job.answered_at is not None]
    took = max(answered, default=0.0)
    latencies = latencies_ms(jobs)
    span = max(took, duration_sec)
    return Report(
        sent=sum(job.sent_at is not None for job in jobs),
        succeeded=states.count(OK),
        errors=states.count(ERROR),
        timeouts=states.count(TIMEOUT),
        throughput_per_sec=states.count(OK) / span if span > 0 else 0.0,
        p50_ms=percentile(latencies, 50),
        p90_ms=percentile(latencies, 90),
        p99_ms=percentile(latencies, 99),
        max_ms=latencies[-1] if latencies else 0.0,
    )


# ---- capacity

LEAST, MOST = 50.0, 1000.0
TRIAL_SEC = 1.7
LAST_START_SEC = 10.3
HOPELESS_SEC = 0.4


def hopeless_after(loop):
    """A `stop` for a run: ends it as soon as a request has been under way for long, so that no big queue is left behind."""
    settled = 0

    def stop(jobs):
        nonlocal settled
        while settled < len(jobs) and jobs[settled].state is not WAITING:
            settled += 1
        return settled < len(jobs) and loop.time() - jobs[settled].due > HOPELESS_SEC

    return stop


def middle(values):
    return sorted(values)[len(values) // 2]


def sustained(jobs, start, rate, slo_p99_ms):
    """Whether a trial went well, the rate of answers that it saw, and whether we should rather look again."""
    span = jobs[-1].due - start
    jobs = [job for job in jobs if job.due - start >= span / 5]
    good = [job for job in jobs if job.state is OK]
    lost = 1 - len(good) / len(jobs)
    if lost > 0.01:  # noqa: PLR2004
        seen = rate * (1 - lost)
        if any(job.state is TIMEOUT for job in jobs):
            seen = min(seen, answers_per_sec(good) or seen)
        return False, seen, False
    fifth = max(len(good) // 5, 1)
    early, late = good[:fifth], good[-fifth:]
    growth = middle([j.answered_at - j.due for j in late]) - middle([j.answered_at - j.due for j in early])
    apart = middle([j.due for j in late]) - middle([j.due for j in early])
    well = percentile(latencies_ms(jobs), 99) <= slo_p99_ms and not (growth > 0.012 and growth > 0.025 * apart)  # noqa: PLR2004
    if well:
        return True, rate, False
    seen = min(answers_per_sec(good) or rate, rate)
    held_up = sum(job.sent_at is not None and job.sent_at - job.due > 0.03 for job in jobs) > len(jobs) / 100  # noqa: PLR2004
    return False, seen, held_up or seen > 0.97 * rate


def answers_per_sec(good):
    at = sorted(job.answered_at for job in good)
    if len(at) < 10 or at[-1] - at[0] < 0.1:  # noqa: PLR2004
        return None
    return sum(moment > at[0] + 0.002 for moment in at) / (at[-1] - at[0])


async def find_capacity(connect: Connect, slo_p99_ms: float) -> float:
    """Find the highest rate a second that the server sustains: bisection, in which what is hopeless is ended early."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    low, high = 0.9 * LEAST, 1.05 * MOST
    number = 0
    async with Exchange(connect) as exchange:
        while high > 1.05 * low and loop.time() - began < LAST_START_SEC:
            rate = min(sqrt(low * high), MOST)
            for again in (True, False):
                start, jobs = await exchange.run(rate, TRIAL_SEC, number, hopeless_after(loop))
                number += len(jobs)
                well, seen, doubtful = sustained(jobs, start, rate, slo_p99_ms)
                if well:
                    break
                # the server goes on with what we have given up
                await asyncio.sleep(0.1 + 0.5 * any(job.state is TIMEOUT for job in jobs))
                if not (again and doubtful) or loop.time() - began > LAST_START_SEC:
                    break
            if well:
                low = rate
            else:
                high = max(min(rate, 1.1 * seen), 1.02 * low)
    return min(max(sqrt(low * high), LEAST), MOST)
