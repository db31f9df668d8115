"""Scenario: what /metrics says is held against what the grader saw of every request."""

import asyncio
import contextlib

import msgpack
from answers import ask_all
from http_client import Answer, Client, get, post
from metrics_text import Metrics, Took, histogram_fault, parse_metrics, sum_fault
from stand import Stand

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
PROMPT = 3
"""So many times items are asked for that come at once."""

DELAYS_SEC = (0.07, 0.17, 0.35, 0.35, 0.72)
"""Each between two bounds, and long ones among them, for these are the ones that matter."""

LINE_SEC = 0.16
"""Alone it falls below a bound, and twice it above the next."""

SENT_SEC = 0.04
"""A request may take so long to arrive."""

BATCH_SEC = 0.17

ARRIVAL_SEC = 0.3
"""Above many bounds, so that counting it shows."""

LATE_BATCHES, LATE_ITEMS, LATE_SEC = 4, 100, 0.3
"""An answer is 1.6 MB, more than a narrow connection takes whose client does not read."""

SOON_SEC = 2.0
REQUEST_SEC = 1.0
DURATION = "http_request_duration_seconds"


async def metrics_tell_the_truth(stand: Stand) -> None:
    """Make requests of every outcome and speed, and compare."""
    took: list[Took] = []
    statuses: dict[int, int] = {}

    def note(item: str, answer: Answer, at_least_sec: float | None = None) -> None:
        held = stand.backend.held_sec(item) if at_least_sec is None else at_least_sec
        took.append(Took(min(held, answer.took_sec), answer.took_sec))
        statuses[answer.status] = statuses.get(answer.status, 0) + 1

    async def ask(delay_sec: float) -> None:
        items = stand.items.fresh(4)
        stand.backend.delay(items, delay_sec)
        for item, answer in zip(items, await asyncio.gather(*map(stand.item, items)), strict=True):
            if answer.status == 200:
                stand.right(item, answer)
            note(item, answer)
        note(items[0], await stand.item(items[0]), 0.0)
        note(items[0], await stand.ask(get(f"/item/{items[0]}", last=True)), 0.0)

    async def ask_slowly() -> None:
        [item] = stand.items.fresh(1)
        note(item, await _arriving_slowly(stand, get(f"/item/{item}")))

    for _ in range(PROMPT):
        await ask(0.0)
    await asyncio.gather(ask_slowly(), *map(ask, DELAYS_SEC))
    await _waits_in_line(stand, note)
    stand.backend.delay_all(0.0)
    await _faults(stand, note)
    await _compare(stand, "item", took, statuses)
    await _batches_are_counted(stand)


async def _waits_in_line(stand: Stand, note) -> None:  # type: ignore[no-untyped-def]
    """Ask for twice as many items as the backend takes at once: half of them wait for their turn, which counts too."""
    stand.backend.delay_all(LINE_SEC)
    items = stand.items.fresh(2 * stand.limit)
    for item, answer in zip(items, await asyncio.gather(*map(stand.item, items)), strict=True):
        note(item, answer, max(0.0, stand.backend.answered_at(item) - answer.sent_at - SENT_SEC))


async def _arriving_slowly(stand: Stand, raw: bytes) -> Answer:
    """Send the end of a request late; gives its answer, as sent when it was complete, for from then on time counts."""
    async with Client(stand.port) as client:
        await client.send(raw[:-1])
        await asyncio.sleep(ARRIVAL_SEC)
        sent_at = asyncio.get_running_loop().time()
        await client.send(raw[-1:])
        reply = await client.reply(f"a request that took {ARRIVAL_SEC:g} s to arrive")
        assert reply is not None, f"a request that took {ARRIVAL_SEC:g} s to arrive was not answered"
        return Answer(reply, sent_at, asyncio.get_running_loop().time())


async def _faults(stand: Stand, note) -> None:  # type: ignore[no-untyped-def]
    """Make requests that are missing, broken, refused and given up."""
    missing, broken = stand.items.fresh(2)
    stand.items.lose(missing)
    stand.items.break_(broken)
    for item in (missing, broken):
        note(item, await stand.item(item))
    note("", await stand.get("/item/not.an.id"), 0.0)
    stand.backend.hold_all()
    held = stand.items.fresh(stand.limit)
    asking = [asyncio.ensure_future(stand.item(item)) for item in held]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, SOON_SEC)
    open_calls = len(stand.backend.open)
    gauge = (await _read(stand)).value("backend_calls_in_flight")
    answers = [await task for task in asking]
    for item, answer in zip(held, answers, strict=True):
        note(item, answer, 0.8 * REQUEST_SEC if answer.status == 504 else None)
    stand.backend.release()
    assert gauge == open_calls, f"backend_calls_in_flight was {gauge:g} while {open_calls} calls were under way"


async def _compare(stand: Stand, route: str, took: list[Took], statuses: dict[int, int]) -> None:
    """Hold the counts and the histogram of one route, and the counts of calls, against what was seen."""
    wanted = dict(sorted(statuses.items()))
    deadline = asyncio.get_running_loop().time() + SOON_SEC
    while True:
        metrics = await _read(stand)
        found = {status: metrics.value("http_requests_total", route=route, status=str(status)) for status in wanted}
        if found == wanted or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.05)
    counted = {status: int(count) for status, count in found.items()}
    assert found == wanted, (
        f"http_requests_total of route {route} says {counted} by status where {wanted} were answered"
    )
    duration = f"{DURATION} of route {route} (a request's time begins when all of it has arrived)"
    fault = histogram_fault(metrics.buckets(DURATION, route=route), BOUNDS, took)
    assert fault is None, f"{duration}: {fault}"
    count = metrics.value(DURATION + "_count", route=route)
    assert count == len(took), f"{DURATION}_count of route {route} is {count:g} after {len(took)} requests"
    fault = sum_fault(metrics.value(DURATION + "_sum", route=route), took)
    assert fault is None, f"{duration}: {fault}"
    calls = metrics.value("backend_calls_total")
    assert calls == len(stand.backend.calls), f"backend_calls_total is {calls:g} after {len(stand.backend.calls)} calls"
    idle = metrics.value("backend_calls_in_flight")
    assert idle == 0, f"backend_calls_in_flight is {idle:g} while no call is under way"


async def _batches_are_counted(stand: Stand) -> None:
    """Post batches that are right, wrong, held up by the backend and slow to arrive."""
    bodies = (msgpack.packb(stand.items.fresh(3)), b"\xc1", msgpack.packb([]))
    prompt = [await stand.post("/batch", body) for body in bodies]
    prompt.append(await _arriving_slowly(stand, post("/batch", msgpack.packb(stand.items.fresh(2)))))
    [item] = stand.items.fresh(1)
    stand.backend.delay([item], BATCH_SEC)
    held = await stand.post("/batch", msgpack.packb([item]))
    took = [Took(0.0, answer.took_sec) for answer in prompt]
    took.append(Took(min(stand.backend.held_sec(item), held.took_sec), held.took_sec))
    await _compare(stand, "batch", took, {200: 4, 400: 1})


async def counts_late_readers(stand: Stand) -> None:
    """Post batches whose answers are larger than what lies between, and read them late: they count."""
    stand.narrow()
    await _read_late(stand)
    deadline = asyncio.get_running_loop().time() + SOON_SEC
    counted = (0.0, 0.0)
    while counted != (LATE_BATCHES, LATE_BATCHES) and asyncio.get_running_loop().time() < deadline:
        metrics = await _read(stand)
        total = metrics.value("http_requests_total", route="batch", status="200")
        counted = total, metrics.value(DURATION + "_count", route="batch")
        await asyncio.sleep(0.05)
    assert counted == (LATE_BATCHES, LATE_BATCHES), (
        f"{LATE_BATCHES} batches were answered to clients that began to read {LATE_SEC:g} s late; http_requests_total "
        f"is {counted[0]:g} after them, and {DURATION}_count {counted[1]:g}"
    )


async def _read_late(stand: Stand) -> None:
    """Post batches, each on a connection of its own, and read the answers later; the items are in memory by then."""
    items = stand.items.fresh(LATE_ITEMS)
    await ask_all(stand, items)
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(Client(stand.port, receive_buffer=4096)) for _ in range(LATE_BATCHES)
        ]
        for client in clients:
            await client.send(post("/batch", msgpack.packb(items)))
        await asyncio.sleep(LATE_SEC)
        for client in clients:
            reply = await client.reply("a batch whose answer is read late")
            assert reply is not None, f"a batch whose answer was read {LATE_SEC:g} s late was not answered"
            assert reply.status == 200, f"a batch whose answer was read {LATE_SEC:g} s late: status {reply.status}"


async def _read(stand: Stand) -> Metrics:
    answer = await stand.get("/metrics")
    assert answer.status == 200, f"GET /metrics: status {answer.status}"
    return parse_metrics(answer.body)
