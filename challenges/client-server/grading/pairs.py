"""Both sides of a launch on the stand, loaded in turn by the platform's own generator."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgpack
import network
from answers import KEPT_ITEMS, KEPT_SEC
from http_client import get, post
from metrics_text import parse_metrics
from stand import Stand

from grader.plugin.facade import PairedLaunch
from harness.duel.paired import paired
from harness.load.closed_loop import Saturation, saturate
from harness.load.open_loop import Plan, run_open_loop
from harness.load.reply import Reply
from harness.load.result import LoadResult
from harness.load.schedule import Schedule
from harness.load.target import HttpTarget
from harness.unforeseen import Unforeseen

CONNECTIONS = 16
"""In a closed loop: enough to keep a server busy while replies travel."""

OPEN_CONNECTIONS = 128
"""In an open loop: more than are ever needed below capacity."""

WAKING_SEC = 10.0
"""For an answer on the server's loop before a load; it takes less than a millisecond."""

TIMED = "http_request_duration_seconds_count"
COUNTED_SEC = 1.0
"""An answer counts when it is sent, which may be a moment after it has arrived."""

Answer = TypeVar("Answer")


@dataclass
class Side:
    """One side: its server, and what its items are."""

    name: str
    stand: Stand
    runner: asyncio.Runner
    wrong: int = 0
    answered: int = 0
    loads: int = 0
    _items: list[str] = field(default_factory=list)
    _wanted: list[tuple[bytes, object]] = field(default_factory=list)
    _before: list[object] = field(default_factory=list)
    _read: Callable[[bytes], object] = bytes

    def choose(self, count: int) -> None:
        """Choose the items that are asked for from now on, in turn; both sides choose alike."""
        self._items = self.stand.items.fresh(count)
        self._want_items()

    def change(self) -> None:
        """Give the items chosen last other bytes; what they were is as good until `forget`."""
        before = self._wanted
        for item in self._items:
            self.stand.items.change(item)
        self._want_items()
        self._before = [value for _, value in before]

    def forget(self) -> None:
        """Take nothing but the items' present bytes from now on."""
        self._before = []

    def _want_items(self) -> None:
        self._wanted = [(get(f"/item/{item}"), self.stand.items.value(item)) for item in self._items]
        self._read = bytes

    def choose_batches(self, order: Sequence[int], items_each: int) -> None:
        """Choose batches that are asked for from now on, in this order, some of them more than once."""
        batches = [self.stand.items.fresh(items_each) for _ in range(max(order) + 1)]
        wanted = [
            (post("/batch", msgpack.packb(batch)), {item: [200, self.stand.items.value(item)] for item in batch})
            for batch in batches
        ]
        self._wanted = [wanted[number] for number in order]
        self._read = _unpacked

    def demand_kept(self) -> None:
        """Hold the calls of the backend against how long an item must be kept, where only such were asked for again."""
        ended_at: dict[str, float] = {}
        for call in self.stand.backend.calls:
            kept_sec = call.began_at - ended_at.get(call.item, -math.inf)
            assert kept_sec >= KEPT_SEC, (
                f"under load, an item was fetched again {kept_sec:.2f} s after it had been, with fewer than "
                f"{KEPT_ITEMS:,} others between: it must be in memory for {KEPT_SEC:g} s"
            )
            if call.ended_at is not None and not call.cancelled:
                ended_at[call.item] = call.ended_at

    def saturate(self, duration_sec: float, requests: int | None = None, connections: int = CONNECTIONS) -> LoadResult:
        """Load in a closed loop."""
        plan = Saturation(connections, self.request, self.judge, duration_sec, requests)
        return self._loaded(connections, lambda target: saturate(plan, target))

    def open_loop(self, schedule: Schedule, grace_sec: float = 3.0) -> LoadResult:
        """Load in an open loop."""
        plan = Plan(schedule, self.request, self.judge, grace_sec)
        return self._loaded(OPEN_CONNECTIONS, lambda target: run_open_loop(plan, target), beforehand=CONNECTIONS)

    def request(self, number: int) -> bytes:
        """Give request `number`."""
        return self._wanted[number % len(self._wanted)][0]

    def judge(self, number: int, reply: Reply) -> bool:
        """Tell whether the reply is whole and right; a 200 that is not fails the bar afterwards."""
        if reply.status != 200:
            return False
        self.answered += 1
        place = number % len(self._wanted)
        given = self._read(reply.body)
        right = given == self._wanted[place][1] or (bool(self._before) and given == self._before[place])
        self.wrong += not right
        return right

    def _loaded(
        self,
        connections: int,
        run: Callable[[HttpTarget], Coroutine[Any, Any, LoadResult]],
        beforehand: int | None = None,
    ) -> LoadResult:
        """Wake this side, freeze the other, and run a load to its end."""
        _, woke_sec = self.stand.subject.timed_call("ping", timeout_sec=WAKING_SEC)
        first = connections if beforehand is None else beforehand
        result = self.runner.run(_run(self.stand.port, connections, first, run))
        result.duration_sec += woke_sec  # else a server could put its work off until it is woken
        self.loads += 1
        assert not self.wrong, f"under load, {self.wrong} answers were not what the backend holds"
        most, limit = self.stand.backend.most_open, self.stand.limit
        assert most <= limit, f"under load, {most} calls of the backend were under way at once; {limit} are allowed"
        self.stand.demand_plain_calls()
        return result

    def demand_counted(self) -> None:
        """Hold what /metrics says of items against what was answered under load: counting is part of the work."""
        self.stand.subject.value("ping")
        most = self.answered + self.loads * CONNECTIONS  # the last of each connection may not have been waited for
        counted, timed = self.runner.run(_counted(self.stand, self.answered))
        assert self.answered <= counted <= most, (
            f"under load, http_requests_total counted {counted:g} items with status 200 "
            f"where {self.answered} were answered"
        )
        assert timed >= self.answered, (
            f"under load, {TIMED} counted {timed:g} items where {self.answered} were answered with status 200 alone"
        )


async def _counted(stand: Stand, least: int) -> tuple[float, float]:
    """Read how many items were answered with 200, and how many durations were counted.

    Again, until both are `least` or a moment has passed.
    """
    deadline = asyncio.get_running_loop().time() + COUNTED_SEC
    while True:
        answer = await stand.get("/metrics")
        assert answer.status == 200, f"GET /metrics: status {answer.status}"
        metrics = parse_metrics(answer.body)
        both = metrics.value("http_requests_total", route="item", status="200"), metrics.value(TIMED, route="item")
        if min(both) >= least or asyncio.get_running_loop().time() > deadline:
            return both
        await asyncio.sleep(0.02)


def _unpacked(body: bytes) -> object:
    """Read a batch's answer; None where it is no msgpack."""
    try:
        return msgpack.unpackb(body)
    except Exception:  # noqa: BLE001  whatever a hostile body provokes
        return None


async def _run(
    port: int, connections: int, beforehand: int, run: Callable[[HttpTarget], Coroutine[Any, Any, LoadResult]]
) -> LoadResult:
    loop = asyncio.get_running_loop()

    async def dial(factory: Callable[[], asyncio.BaseProtocol]) -> object:
        network.connecting()
        return await loop.create_connection(factory, "127.0.0.1", port)

    target = HttpTarget(dial, connections)
    try:
        await target.open(beforehand)
        return await run(target)
    except OSError as error:
        raise AssertionError(f"under load, the server could not be connected to ({error.strerror})") from None
    finally:
        target.close()
        await asyncio.sleep(0)


@contextmanager
def on_stands(launch: PairedLaunch, *, limit: int, size: int = 64) -> Iterator[tuple[Side, Side]]:
    """Start both servers, candidate first, and stop them in the end; nobody but us connects to them meanwhile."""
    seed = launch.rng.getrandbits(64)
    with asyncio.Runner() as runner, network.to_ourselves():
        sides = [
            Side(name, Stand(subject, Unforeseen(seed), runner, limit=limit, size=size), runner)
            for name, subject in (("candidate", launch.candidate), ("reference", launch.reference))
        ]
        started: list[Side] = []
        try:
            for side in sides:
                side.stand.start()
                started.append(side)
            yield sides[0], sides[1]
        finally:
            for side in started:
                side.stand.stop()


def in_turn(sides: tuple[Side, Side], first: int, turns: int, run: Callable[[Side], float]) -> tuple[float, float]:
    """Run on both sides so many times in turn, in an order that alternates, and give what they come to, pair by pair.

    The candidate begins where `first`, the number of the launch, is even.
    """
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for turn in range(first, first + turns):
        for side in sides if turn % 2 == 0 else reversed(sides):
            found[side.name].append(run(side))
    return paired(found[sides[0].name], found[sides[1].name])
