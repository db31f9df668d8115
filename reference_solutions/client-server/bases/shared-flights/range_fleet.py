"""The load generator's engine: shots that are due at some time, and a fleet of connections ("lanes") that carries them.

A shot goes out when it is fired, on an idle lane if there is one. If there is none, a lane is opened, and the shot takes that one
or whichever becomes free before. Nothing here waits for an earlier shot to be answered.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

PATIENCE_SEC = 2.0
MAX_LANES = 900
"""Connections of this process at once, whoever measures; the rest of the open files is left to others."""

OK, ERROR, LATE = "ok", "error", "late"

Connect = Callable[[], Awaitable[tuple]]


class _Files:
    """The open files that all fleets of this process share."""

    def __init__(self, count: int) -> None:
        self._left = count

    def take(self) -> bool:
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        self._left += 1


_files = _Files(MAX_LANES)


class Shot:
    """A request."""

    __slots__ = ("answered", "due", "lane", "number", "queued", "sent", "timer", "verdict")

    def __init__(self, number: int, due: float) -> None:
        self.number = number
        self.due = due
        self.sent = False
        self.queued = False
        self.verdict: str | None = None
        self.answered: float | None = None
        """When an answer, `ok` or `error`, came in time."""
        self.lane: Lane | None = None
        self.timer: asyncio.TimerHandle | None = None

    def latency(self, now: float) -> float:
        """Give the time it took, or has taken so far."""
        return (now if self.answered is None else self.answered) - self.due


class Lane:
    """A connection."""

    __slots__ = ("reader", "shot", "task", "writer")

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.shot: Shot | None = None
        self.task: asyncio.Task | None = None

    def is_usable(self) -> bool:
        return not self.task.done() and not self.writer.is_closing() and not self.reader.at_eof()

    def close(self) -> None:
        if self.writer is not None:
            with contextlib.suppress(Exception):
                self.writer.close()


class Fleet:
    """The connections to one server."""

    def __init__(self, connect: Connect) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect = connect
        self._lanes: set[Lane] = set()
        self._idle: list[Lane] = []
        self._opening: dict[Lane, None] = {}  # oldest first
        self._queue: deque[Shot] = deque()  # those without a lane; may hold some that are decided
        self._queued = 0  # those of them that are not
        self._undecided = 0
        self._calmed: asyncio.Future | None = None
        self._closed = False

    def fire(self, shot: Shot) -> None:
        """Send a shot, now or as soon as there is a connection."""
        self._undecided += 1
        now = self._loop.time()
        while self._idle:
            lane = self._idle.pop()
            if lane.is_usable():
                self._send(lane, shot)
                return
            lane.close()
        if now - shot.due >= PATIENCE_SEC:
            self._decide(shot, LATE)
            return
        shot.timer = self._loop.call_at(shot.due + PATIENCE_SEC, self._expire, shot)
        shot.queued = True
        self._queue.append(shot)
        self._queued += 1
        self._open()

    async def calm(self, timeout: float | None = None) -> bool:
        """Wait until every shot is decided; give whether that is so."""
        if self._undecided:
            self._calmed = self._loop.create_future()
            try:
                await asyncio.wait([self._calmed], timeout=timeout)
            finally:
                self._calmed = None
        return not self._undecided

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        tasks = []
        for lane in list(self._lanes):
            lane.close()
            lane.task.cancel()
            tasks.append(lane.task)
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        for _ in range(3):  # the transports close their sockets in a callback
            await asyncio.sleep(0)

    # ---- shots

    def _send(self, lane: Lane, shot: Shot) -> None:
        lane.shot = shot
        shot.lane = lane
        shot.sent = True
        lane.writer.write(b"%d\n" % shot.number)
        if self._loop.time() - shot.due > PATIENCE_SEC:  # we are far behind: it is sent, but cannot be answered in time
            self._decide(shot, LATE)
            lane.close()
        elif shot.timer is None:
            shot.timer = self._loop.call_at(shot.due + PATIENCE_SEC, self._expire, shot)

    def _decide(self, shot: Shot, verdict: str) -> None:
        if shot.verdict is not None:
            return
        shot.verdict = verdict
        if shot.timer is not None:
            shot.timer.cancel()
            shot.timer = None
        if shot.queued:
            shot.queued = False
            self._queued -= 1
        shot.lane = None
        self._undecided -= 1
        if not self._undecided and self._calmed is not None and not self._calmed.done():
            self._calmed.set_result(None)

    def _expire(self, shot: Shot) -> None:
        shot.timer = None
        lane = shot.lane
        self._decide(shot, LATE)
        if lane is not None:
            lane.close()  # an answer that comes after all is nobody's
        elif len(self._opening) > self._queued:
            oldest = next(iter(self._opening))
            del self._opening[oldest]
            oldest.task.cancel()

    def _heard(self, lane: Lane, line: bytes) -> bool:
        """Take an answer; give whether the connection can be used again."""
        now = self._loop.time()
        shot, lane.shot = lane.shot, None
        if shot is None or shot.verdict is not None:
            return False
        if line == b"%d ok\n" % shot.number:
            verdict = OK
        elif line == b"%d error\n" % shot.number:
            verdict = ERROR
        else:
            self._decide(shot, LATE if now - shot.due > PATIENCE_SEC else ERROR)
            return False
        if now - shot.due > PATIENCE_SEC:
            verdict = LATE
        else:
            shot.answered = now
        self._decide(shot, verdict)
        self._is_free(lane)
        return True

    # ---- lanes

    def _open(self) -> None:
        """Open as many lanes as there are shots that need one."""
        while not self._closed and len(self._opening) < self._queued and _files.take():
            lane = Lane()
            self._lanes.add(lane)
            self._opening[lane] = None
            lane.task = self._loop.create_task(self._run(lane))
            lane.task.add_done_callback(lambda task, lane=lane: self._ended(task, lane))

    async def _run(self, lane: Lane) -> None:
        lane.reader, lane.writer = await self._connect()
        self._opening.pop(lane, None)
        if self._closed:
            return
        self._is_free(lane)
        while True:
            line = await lane.reader.readline()
            if not line.endswith(b"\n") or not self._heard(lane, line):
                return

    def _is_free(self, lane: Lane) -> None:
        while self._queue:
            shot = self._queue.popleft()
            if shot.verdict is None:
                shot.queued = False
                self._queued -= 1
                self._send(lane, shot)
                return
        self._idle.append(lane)

    def _ended(self, task: asyncio.Task, lane: Lane) -> None:
        """Settle what a lane leaves behind: it was closed, by either side, or never opened."""
        failed = not task.cancelled() and task.exception() is not None  # asked for, so that nobody complains that nobody did
        lane.close()
        self._lanes.discard(lane)
        _files.give_back()
        if lane in self._idle:
            self._idle.remove(lane)
        shot, lane.shot = lane.shot, None
        if lane in self._opening:
            del self._opening[lane]
            # The failure is that of the request that has waited for the longest time, if there is no other lane for it.
            if failed and self._queued > len(self._opening):
                shot = self._first_queued()
        if shot is not None:
            late = self._loop.time() - shot.due > PATIENCE_SEC
            self._decide(shot, LATE if late else ERROR)
        self._open()

    def _first_queued(self) -> Shot | None:
        while self._queue:
            shot = self._queue.popleft()
            if shot.verdict is None:
                return shot
        return None


async def until(loop: asyncio.AbstractEventLoop, when: float) -> None:
    """Sleep until a time has come; let others run in any case."""
    await asyncio.sleep(max(0.0, when - loop.time()))
