"""Scenarios: what the routes answer, and how long an answer may be kept."""

import asyncio
from collections import Counter

import msgpack
from http_client import Answer, Client, chunked, get, post
from limits import AT_ONCE
from metrics_text import parse_metrics
from stand import Stand

BODY_BYTES = 64 * 1024
BATCH_ITEMS = 100

KEPT_SEC = 1.0
STALE_SEC = 2.0
ASKED_EVERY_SEC = 0.3
ARRIVES_SEC = 0.4
"""How long a request takes to arrive of which the first half comes while an item is fresh."""

LAST_SEC, SPARE_SEC = 0.5, 0.1
"""How much later than others some items are fetched, so that no fetch comes between their age and their being fetched
anew; and for how long they are stale by then."""

COMING_SEC, AGED_SEC, AT_MOST_SEC = 0.75, 0.8, 0.9
"""How long an item takes to come, and how old it is when it is asked for again, and at most: an item that comes twice
takes as long again, so what counts is when it was asked for."""

IDLE_SEC = 2.7
"""A connection that was idle for 3 s may be closed; where nothing is held up, requests that arrive late take 2.2."""

CHANGING = 5

ASKED_TWICE = 400
ENOUGH = 20
KEPT_ITEMS = 1_000
LARGE_ITEM_BYTES = 16 * 1024
ATTEMPTS = 3
CONNECTIONS = 8

MANY_ITEMS = 10_500
MANY_ITEM_BYTES = 16 * 1024

FAILURES = 6
"""A failed call raises another exception each time, and after so many the first one again."""

NO_SEGMENT = frozenset({"a%0Ab", "abc%0A", "a%2Fb"})
"""A router may find that a line break or a slash, once decoded, is no part of a path that it knows."""

NO_IDS = (
    "x" * 65,
    "a%20b",
    "a.b",
    "caf%C3%A9",
    "%D9%A3",
    "a%0Ab",
    "abc%0A",
    "a%2Fb",
    "a%3Fb",
    "a%23b",
    "%61%2E",
    "%78" * 65,
    "%2561bc",
)
"""The last one is `%61bc` when it has been decoded, once."""


async def items_and_errors(stand: Stand) -> None:
    """Ask for items that are there, missing, broken, and for what is no id."""
    there, missing, broken = stand.items.fresh(12), stand.items.fresh(2), stand.items.fresh(FAILURES)
    longest = "x" * 64
    for item in [*there, longest, "-", "A_b-9"]:
        stand.right(item, await stand.item(item))
    for item in missing:
        stand.items.lose(item)
        _expect(await stand.item(item), 404, "an id that the backend does not have (KeyError)")
        stand.items.mend(item)
        stand.right(item, await stand.item(item))
    for item in broken:
        stand.items.break_(item)
        _expect(await stand.item(item), 502, "an id for which the backend fails, with an exception of any class")
        stand.items.mend(item)
        stand.right(item, await stand.item(item))
    await _encoded_ids(stand)
    for bad in NO_IDS:
        before = len(stand.backend.calls)
        answer = await stand.get(f"/item/{bad}")
        if bad not in NO_SEGMENT or answer.status != 404:
            _expect(answer, 400, f"what is no id ({bad[:12]})")
        assert len(stand.backend.calls) == before, "the backend was called for what is no id"
    _expect(await stand.get("/nothing/here"), 404, "a path that does not exist")
    health = await stand.get("/healthz")
    assert (health.status, health.body) == (200, b"ok"), "GET /healthz: not 200 with the body ok"
    async with Client(stand.port) as client:
        for item in there:
            stand.right(item, await client.ask(get(f"/item/{item}")))


async def _encoded_ids(stand: Stand) -> None:
    """Ask for ids of which one character, some or all are percent-encoded: the decoded ones count."""
    one, *some = stand.items.fresh(3)
    encoded = {f"%{ord(one[0]):02X}{one[1:]}": one, _encoded("y" * 64): "y" * 64}
    encoded |= {"A%5Fb%2d9%7A": "A_b-9z"} | {_encoded(item): item for item in some}
    for path, item in encoded.items():
        answer = await stand.get(f"/item/{path}")
        _expect(answer, 200, f"/item/{path[:24]}, which is the id {item[:24]} percent-encoded")
        stand.right(item, answer)


def _encoded(item: str) -> str:
    """Percent-encode every character, which nobody has to and anybody may."""
    return "".join(f"%{ord(character):02x}" for character in item)


async def batches(stand: Stand) -> None:
    """Post batches, right and wrong."""
    there, missing, broken = stand.items.fresh(30), stand.items.fresh(2), stand.items.fresh(FAILURES)
    for item in missing:
        stand.items.lose(item)
    for item in broken:
        stand.items.break_(item)
    wanted = {item: [200, stand.items.value(item)] for item in there}
    wanted |= {item: [404, None] for item in missing} | {item: [502, None] for item in broken}
    asked = [*there, *missing, *broken, *there[:5]]
    for ids in (asked, asked[::-1], there[:1], []):
        answer = await stand.post("/batch", msgpack.packb(ids))
        _expect(answer, 200, "a batch")
        got = unpacked(answer.body)
        assert got == {item: wanted[item] for item in ids}, (
            f"a batch of {len(ids)} ids: not one [status, bytes or nil] for each id, as GET /item answers it"
        )
    full = stand.items.fresh(BATCH_ITEMS)
    await stand.post("/batch", msgpack.packb(full[AT_ONCE:]))  # else some would have to wait, which is not for certain
    got = unpacked((await stand.post("/batch", msgpack.packb(full))).body)
    assert isinstance(got, dict), "a batch of 100 ids: not answered with a map"
    assert got == {item: [200, stand.items.value(item)] for item in full}, "a batch of 100 ids: not all were answered"
    await _chunked_batches(stand)
    await _wrong_batches(stand)


async def _chunked_batches(stand: Stand) -> None:
    """Post batches in chunks, one after the other on a connection, and one with a length behind them."""
    async with Client(stand.port) as client:
        for number, write in enumerate((chunked, chunked, chunked, post), 1):
            ids = stand.items.fresh(number + 1)
            answer = await client.ask(write("/batch", msgpack.packb(ids)))
            what = f"batch {number} on a connection on which they came in chunks, without Content-Length,"
            _expect(answer, 200, what)
            wanted = {item: [200, stand.items.value(item)] for item in ids}
            assert unpacked(answer.body) == wanted, f"{what} was not answered with its items"
            if not answer.reply.keeps_alive:
                return


async def _wrong_batches(stand: Stand) -> None:
    good = msgpack.packb(stand.items.fresh(3))
    wrong = {
        "nothing": b"",
        "no msgpack": b"\xc1\xc1\xc1",
        "msgpack cut short": good[:-1],
        "two values one after the other": good + good,
        "a map": msgpack.packb({"a": 1}),
        "a string": msgpack.packb("abc"),
        "numbers": msgpack.packb([1, 2, 3]),
        "bytes for ids": msgpack.packb([b"abc"]),
        "something that is no id": msgpack.packb(["a b"]),
        "an id and a line break": msgpack.packb(["abc\n"]),
        "digits of another script": msgpack.packb(["\u0663"]),
        "a list in a list": msgpack.packb([["abc"]]),
        "101 ids": msgpack.packb(stand.items.fresh(101)),
        "one id, 101 times": msgpack.packb(stand.items.fresh(1) * 101),
        "a list that says it has four billion entries": b"\xdd\xff\xff\xff\xff\xa1a",
        "a list nested 60,000 deep": b"\x91" * 60_000,
        "a string that is no UTF-8": b"\x91\xa2\xff\xfe",
    }
    before = len(stand.backend.calls)
    for what, body in wrong.items():
        _expect(await stand.post("/batch", body), 400, f"a batch that is {what}")
    assert len(stand.backend.calls) == before, "the backend was called for a batch that is none"


async def keeps_fresh(stand: Stand) -> None:
    """Ask again for items soon, for items that have changed later, and for the oldest, which are the newest then."""
    again, examined = await _asked_again_soon(stand, stand.items.fresh(ASKED_TWICE))
    assert examined >= ENOUGH, "of items asked for twice in a row, most took longer than a second to come"
    assert not again, f"of {examined} items asked for twice within {KEPT_SEC:g} s, {again} were fetched twice"
    empty = stand.items.fresh(ENOUGH)
    for item in empty:
        stand.items.empty(item)
    again, examined = await _asked_again_soon(stand, empty)
    assert not again, (
        f"of {examined} items of no bytes asked for twice within {KEPT_SEC:g} s, {again} were fetched twice"
    )
    for _ in range(ATTEMPTS):
        old = stand.items.fresh(ENOUGH)
        tasks = (_are_the_oldest(stand, old), _go_stale(stand), _arrives_stale(stand), _come_slowly(stand))
        await asyncio.gather(*tasks)
        if await _newest_are_kept(stand, old, "items that were fetched anew", KEPT_ITEMS):
            return
    raise AssertionError(f"fetching {KEPT_ITEMS} items took longer than {KEPT_SEC:g} s, {ATTEMPTS} times")


async def _are_the_oldest(stand: Stand, items: list[str]) -> None:
    """Fetch items and others after them, and wait until they are stale; last of all, so that nobody tidies them up."""
    await asyncio.sleep(LAST_SEC)
    await ask_all(stand, [*items, *stand.items.fresh(ASKED_TWICE)])
    await asyncio.sleep(STALE_SEC + SPARE_SEC)


async def _come_slowly(stand: Stand) -> None:
    """Fetch items that take a while to come, and ask again: their age counts from when they were there."""
    items = stand.items.fresh(ENOUGH)
    stand.backend.delay(items, COMING_SEC)
    first = await ask_all(stand, items, connections=len(items))
    await asyncio.sleep(min(answer.here_at for answer in first.values()) + AGED_SEC - asyncio.get_running_loop().time())
    second = await ask_all(stand, items, connections=len(items))
    soon = [item for item in items if second[item].sent_at - first[item].here_at < AT_MOST_SEC]
    again = sum(stand.backend.called(item) > 1 for item in soon)
    assert not again, (
        f"of {len(soon)} items that took the backend {COMING_SEC:g} s to give, and were asked for again within "
        f"{KEPT_SEC:g} s of that, {again} were fetched twice"
    )


async def _go_stale(stand: Stand) -> None:
    """Ask all the time for items that have changed, in three ways: being asked for makes no item fresher."""
    alone, batched, both = (stand.items.fresh(CHANGING) for _ in range(3))

    async def by_batch(items: list[str]) -> dict[str, object]:
        answer = await stand.post("/batch", msgpack.packb(items))
        _expect(answer, 200, "a batch")
        got = unpacked(answer.body)
        assert isinstance(got, dict), "a batch: not answered with a map"
        return got

    async def ask() -> None:
        for item in [*alone, *both]:
            _expect(await stand.item(item), 200, "an item that the backend has")
        await by_batch([*batched, *both])

    await ask()
    for item in [*alone, *batched, *both]:
        stand.items.change(item)
    until = asyncio.get_running_loop().time() + STALE_SEC
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(ASKED_EVERY_SEC)
        await ask()
    got = await by_batch([*batched, *both])
    for item in [*batched, *both]:
        assert got.get(item) == [200, stand.items.value(item)], (
            f"an item that had changed was answered as it was {STALE_SEC:g} s before, in a batch; batches that ask for "
            "an item make it no fresher"
        )
    for item in [*alone, *both]:
        answer = await stand.item(item)
        assert answer.body == stand.items.value(item), (
            f"an item that had changed was answered as it was {STALE_SEC:g} s before"
        )


async def _arrives_stale(stand: Stand) -> None:
    """Ask for items that have changed by requests that began before they were too old, and arrive when they are."""
    for _ in range(ATTEMPTS):
        if await _begins_fresh(stand):
            return


async def _begins_fresh(stand: Stand) -> bool:
    """Tell whether the requests went out in time; what this machine holds up for too long need not be served."""
    loop = asyncio.get_running_loop()
    alone, batched = stand.items.fresh(2)
    batch = post("/batch", msgpack.packb([batched]))
    async with Client(stand.port) as early, Client(stand.port) as late:
        opened_at = loop.time()
        for item in (alone, batched):
            stand.right(item, await stand.item(item))
            stand.items.change(item)
        stale_at = loop.time() + STALE_SEC
        await asyncio.sleep(stale_at - ARRIVES_SEC / 2 - loop.time())
        await late.send(batch[:-1])
        await asyncio.sleep(stale_at + ARRIVES_SEC / 2 - loop.time())
        await late.send(batch[-1:])
        await early.send(get(f"/item/{alone}"))
        if loop.time() - opened_at > IDLE_SEC:
            return False
        reply = await late.reply("a batch that takes a while to arrive")
        answer = await early.reply("a request on a connection that was opened a while before")
    assert reply is not None and answer is not None, "a request that began a while before was not answered"  # noqa: PT018
    assert {reply.status, answer.status} == {200}, "a request that began a while before was not served"
    for body, what, wanted in (
        (answer.body, "a request on a connection that was opened before", stand.items.value(alone)),
        (unpacked(reply.body), "a batch that began before", {batched: [200, stand.items.value(batched)]}),
    ):
        assert body == wanted, (
            f"an item that had changed was answered as it was more than {STALE_SEC:g} s before, to {what}; what counts "
            "is when the request arrived"
        )
    return True


async def keeps_large_items(stand: Stand) -> None:
    """Keep as many when they are as large as items can be; where so many take too long, fewer must do."""
    what = f"items of {LARGE_ITEM_BYTES // 1024} KiB"
    for kept in (KEPT_ITEMS, KEPT_ITEMS, KEPT_ITEMS // 2, KEPT_ITEMS // 4):
        if await _newest_are_kept(stand, stand.items.fresh(ENOUGH), what, kept):
            return
    raise AssertionError(f"fetching {KEPT_ITEMS // 4} {what} took longer than {KEPT_SEC:g} s, after several attempts")


async def _newest_are_kept(stand: Stand, items: list[str], what: str, kept: int) -> int:
    """Fetch items, others until there are so many, and the first ones again; gives how many came in time."""
    first = await ask_all(stand, items)
    others = stand.items.fresh(kept - len(items))
    async with Client(stand.port) as client:
        for at in range(0, len(others), AT_ONCE):
            await client.ask(post("/batch", msgpack.packb(others[at : at + AT_ONCE])))
    lost, examined = await _asked_again(stand, first, _calls(stand))
    assert not lost, (
        f"of {examined} {what}, and asked for within {KEPT_SEC:g} s when {len(others)} others had been "
        f"fetched, {lost} were not in memory; the last {KEPT_ITEMS} must be"
    )
    return examined


async def fetches_some(stand: Stand) -> None:
    """Have items in memory when `serve` ends."""
    await ask_all(stand, stand.items.fresh(ENOUGH))


async def begins_afresh(stand: Stand) -> None:
    """Ask a second `serve` of the process for what the first one had in memory, and for what it counted."""
    items = stand.items.fresh(ENOUGH)
    for item in items:
        stand.items.change(item)
    for item in items:
        answer = await stand.item(item)
        _expect(answer, 200, "an item that the backend has")
        assert answer.body == stand.items.value(item), (
            "serve was called a second time in one process, with another backend, and answered an item as the first "
            "one's backend had it; keep no state between them"
        )
    metrics = parse_metrics((await stand.get("/metrics")).body)
    for name, found, wanted in (
        ("backend_calls_total", metrics.value("backend_calls_total"), len(stand.backend.calls)),
        ("http_requests_total", metrics.value("http_requests_total", route="item", status="200"), len(items)),
    ):
        assert found <= wanted, (
            f"serve was called a second time in one process, and its {name} was {found:g} after {wanted}; keep no "
            "state between them"
        )


async def _asked_again_soon(stand: Stand, items: list[str]) -> tuple[int, int]:
    """Ask twice for items; gives how many were fetched twice, of those that were kept for less than they must be."""
    return await _asked_again(stand, await ask_all(stand, items), Counter(items))


async def _asked_again(stand: Stand, first: dict[str, Answer], allowed: Counter[str]) -> tuple[int, int]:
    """Ask again for what was answered; gives how many took more calls than allowed, of those asked for soon enough."""
    second = await ask_all(stand, list(first))
    soon = [item for item in first if second[item].here_at - first[item].sent_at < KEPT_SEC]
    calls = _calls(stand)
    return sum(calls[item] > allowed[item] for item in soon), len(soon)


def _calls(stand: Stand) -> Counter[str]:
    """Count the calls of the backend by item."""
    return Counter(call.item for call in stand.backend.calls)


async def many_items(stand: Stand) -> None:
    """Ask for more items than memory can hold."""
    await ask_all(stand, stand.items.fresh(MANY_ITEMS), check=False)
    [item] = stand.items.fresh(1)
    stand.right(item, await stand.item(item))


async def ask_all(
    stand: Stand, items: list[str], *, check: bool = True, connections: int = CONNECTIONS
) -> dict[str, Answer]:
    """Ask for items over a few connections."""
    left = iter(items)
    answers: dict[str, Answer] = {}

    async def ask_some() -> None:
        async with Client(stand.port) as client:
            for item in left:
                answer = await client.ask(get(f"/item/{item}"))
                if check:
                    stand.right(item, answer)
                    answers[item] = answer
                else:
                    _expect(answer, 200, "an item that the backend has")

    await asyncio.gather(*(ask_some() for _ in range(connections)))
    return answers


def _expect(answer: Answer, status: int, what: str) -> None:
    assert answer.status == status, f"{what}: status {answer.status} instead of {status}"


def unpacked(body: bytes) -> object:
    """Read a batch's answer."""
    try:
        return msgpack.unpackb(body, strict_map_key=False)
    except Exception as error:  # noqa: BLE001  whatever a hostile body provokes
        raise AssertionError(f"a batch's answer is no msgpack ({type(error).__name__})") from None
