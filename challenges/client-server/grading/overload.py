"""Scenarios: one call for equal requests, never too many at once, and what is refused, given up and cancelled."""

import asyncio
from collections import Counter
from collections.abc import Callable

import msgpack
from answers import unpacked
from http_client import Answer, Client, Unanswered, get, post
from stand import Stand, undisturbed

WAITING_PER_CALL = 4
KNOWN_PER_CALL = 1 + WAITING_PER_CALL + 1
REQUEST_SEC = 1.0
ATTEMPTS = 3

SAME = 40
"""Equal requests at once."""

EXCESS = 40
"""Requests beyond what there is room for."""

MANY_REFUSALS, REFUSED_BY = 400, 4
REFUSED_SEC = 0.7
"""Well before those who wait time out and make room."""

AGAIN = 40
"""Of those admitted, about so many are asked for again."""

JOINED_SEC = 0.2
"""For requests that join a call which has been under way for a while."""

AT_ONCE_SEC = 0.6
"""Requests that are refused must be so before those that wait time out; this leaves time to answer them."""

KNOWN_IN_BATCH = 20
"""Ids in a batch behind a new one that is refused."""

ASKED_AGAIN_SEC = 0.05
"""For requests that are to share a call to arrive before it ends."""

SOON_SEC = 5.0
"""For what follows at once from what was just seen."""


FIRSTS: dict[str, Callable[[str], bytes]] = {
    "a request": lambda item: get(f"/item/{item}"),
    "a batch": lambda item: post("/batch", msgpack.packb([item])),
    "a batch that lists an id twice": lambda item: post("/batch", msgpack.packb([item, item])),
}
"""Who asks first for an id that others ask for too."""


async def coalesces(stand: Stand) -> None:
    """Equal misses share one call, whoever asks, and share its outcome; none of them takes the others along."""
    await shares(stand)
    stand.backend.hold_all()
    await asyncio.gather(*(_each_outlives(stand, what, first) for what, first in FIRSTS.items()))


async def _each_outlives(stand: Stand, what: str, first: Callable[[str], bytes]) -> None:
    """Have whoever asked first leave, with what it asked for held back, and only that: all of FIRSTS do so at once."""
    assert await undisturbed(ATTEMPTS, lambda: _outlives_the_first(stand, first)), (
        f"{what} and a request shared a call; when the first had timed out, the second did not get the answer that "
        "came in time"
    )
    assert await undisturbed(ATTEMPTS, lambda: _outlives_a_hang_up(stand, first)), (
        f"{what} and a request shared a call; when the first client had hung up, the second did not get the answer"
    )


async def shares(stand: Stand) -> None:
    """Equal misses share one call and its outcome."""
    assert await undisturbed(ATTEMPTS, lambda: _shares_one_call(stand)), "requests that shared a call were not answered"
    await _shares_failures(stand)


async def _shares_one_call(stand: Stand) -> bool:
    item, other = stand.items.fresh(2)
    stand.backend.hold_all()
    asking = [asyncio.ensure_future(stand.item(item)) for _ in range(SAME)]
    batch = asyncio.ensure_future(stand.post("/batch", msgpack.packb([item, other])))
    began = asyncio.get_running_loop().time()
    await stand.backend.until(lambda backend: backend.called(item) > 0 and backend.called(other) > 0, SOON_SEC)
    await asyncio.sleep(0.15)  # whoever calls again does so meanwhile
    in_time = asyncio.get_running_loop().time() - began < AT_ONCE_SEC
    stand.backend.release()
    answers = await answers_of(asking)
    got = await batch
    calls = stand.backend.called(item)
    assert calls == 1, f"{SAME} equal requests and a batch, all at once, called the backend {calls} times for one id"
    if not in_time or got.status != 200 or any(answer.status != 200 for answer in answers):
        return False
    for answer in answers:
        stand.right(item, answer)
    return True


async def _shares_failures(stand: Stand) -> None:
    [item] = stand.items.fresh(1)
    stand.items.break_(item)
    stand.backend.hold_all()
    asking = [asyncio.ensure_future(stand.item(item)) for _ in range(SAME)]
    await stand.backend.until(lambda backend: backend.called(item) > 0, SOON_SEC)
    await asyncio.sleep(0.1)
    stand.backend.release()
    found = Counter(answer.status for answer in await answers_of(asking))
    assert set(found) <= {502, 504}, (
        f"equal requests whose shared call failed were answered with {dict(found)}, not 502"
    )
    stand.items.mend(item)
    stand.right(item, await stand.item(item))


async def _outlives_the_first(stand: Stand, request: Callable[[str], bytes]) -> bool:
    loop = asyncio.get_running_loop()
    [item] = stand.items.fresh(1)
    first = asyncio.ensure_future(stand.ask(request(item)))
    await asyncio.sleep(REQUEST_SEC / 2)
    second, began = asyncio.ensure_future(stand.item(item)), loop.time()
    given_up = await first
    stand.backend.release_one(item)
    in_time = loop.time() - began < 0.8 * REQUEST_SEC
    answer = await second
    if not in_time or given_up.status not in {200, 504}:  # a batch is 200 whatever its items are
        return False
    return answer.status == 200 and answer.body == stand.items.value(item)


async def _outlives_a_hang_up(stand: Stand, request: Callable[[str], bytes]) -> bool:
    [item] = stand.items.fresh(1)
    async with Client(stand.port) as first:
        await first.send(request(item))
        await stand.backend.until(lambda backend: backend.called(item) > 0, SOON_SEC)
        second = asyncio.ensure_future(stand.item(item))
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    stand.backend.release_one(item)
    answer = await second
    return answer.status == 200 and answer.body == stand.items.value(item)


async def bounds_the_backend(stand: Stand) -> None:
    """However many ask at once, and in whatever way, the limit holds at every instant, and all of it is used."""
    stand.backend.delay_all(0.005)
    for _ in range(3):
        items = stand.items.fresh(stand.limit * (1 + WAITING_PER_CALL))
        half = len(items) // 2
        answers = await answers_of(
            [
                *(asyncio.ensure_future(stand.item(item)) for item in items[:half]),
                *(asyncio.ensure_future(stand.post("/batch", msgpack.packb(items[at::4]))) for at in range(4)),
            ]
        )
        assert stand.backend.most_open <= stand.limit, (
            f"{stand.backend.most_open} calls of the backend were under way at once where {stand.limit} are allowed"
        )
        found = Counter(answer.status for answer in answers)
        assert set(found) <= {200, 503, 504}, f"requests for items that are there were answered with {dict(found)}"
    assert stand.backend.most_open == stand.limit, (
        f"of {stand.limit} calls that the backend takes at once, never more than {stand.backend.most_open} were used"
    )


async def counts_new_ones_only(stand: Stand) -> None:
    """Post a batch of more items in memory than may wait, and a new one behind them, which the backend has time for."""
    assert await undisturbed(ATTEMPTS, lambda: _admits_the_new_one(stand)), (
        f"with {stand.limit} calls allowed and none under way, a batch of {KNOWN_PER_CALL * stand.limit} ids that were "
        "in memory and a new one did not get the new one: only what needs a call takes room"
    )


async def _admits_the_new_one(stand: Stand) -> bool:
    known = stand.items.fresh(KNOWN_PER_CALL * stand.limit)
    [new] = stand.items.fresh(1)
    for item in known:
        stand.right(item, await stand.item(item))
    answer = await stand.post("/batch", msgpack.packb([*known, new]))
    got = unpacked(answer.body)
    return isinstance(got, dict) and got.get(new) == [200, stand.items.value(new)]


async def passes_places_on(stand: Stand) -> None:
    """Let calls in the line be given up, then calls under way end: the next in line has its turn."""
    assert await undisturbed(ATTEMPTS, lambda: _passes_on(stand)), (
        "the first in line for a call had timed out; then a call ended, and a request that waited behind it did not "
        "get its turn, though the backend was idle"
    )


async def _passes_on(stand: Stand) -> bool:
    loop = asyncio.get_running_loop()
    stand.backend.hold_all()
    *under_way, given_up, waiting = stand.items.fresh(stand.limit + 2)
    began = loop.time()
    asking = [asyncio.ensure_future(stand.item(item)) for item in under_way]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, SOON_SEC)
    asking.append(asyncio.ensure_future(stand.item(given_up)))
    await asyncio.sleep(began + REQUEST_SEC / 2 - loop.time())
    asking += [asyncio.ensure_future(stand.item(item)) for item in under_way]  # so that their calls go on
    await asyncio.sleep(0.1)
    last = asyncio.ensure_future(stand.item(waiting))
    await asyncio.sleep(began + 1.2 * REQUEST_SEC - loop.time())
    refused = last.done()  # the line may be that short
    stand.backend.release_one(under_way[0])
    in_time = loop.time() - began < 1.3 * REQUEST_SEC
    called = await stand.backend.until(lambda backend: backend.called(waiting) > 0, 0.2 * REQUEST_SEC)
    stand.backend.release()
    await answers_of([*asking, last])
    return called or (refused and in_time)


async def sheds_load(stand: Stand) -> None:
    """Refuse at once what can't be served soon, and serve the others, and what needs no backend."""
    assert await undisturbed(ATTEMPTS, lambda: _sheds(stand)), (
        f"with the backend held up, {stand.limit} x {1 + WAITING_PER_CALL} requests may be under way or wait; of those "
        f"beyond, some had no 503 within {AT_ONCE_SEC:g} s, or some of those admitted were not answered afterwards"
    )
    await _refuses_for_long(stand)
    for item in stand.items.fresh(3):
        stand.right(item, await stand.item(item))


async def _sheds(stand: Stand) -> bool:
    loop = asyncio.get_running_loop()
    room = stand.limit * (1 + WAITING_PER_CALL)
    [hot] = stand.items.fresh(1)
    stand.right(hot, await stand.item(hot))
    stand.backend.hold_all()
    items = stand.items.fresh(room + EXCESS)
    began = loop.time()
    asking = [asyncio.ensure_future(stand.item(item)) for item in items]
    while sum(task.done() for task in asking) < EXCESS and loop.time() - began < AT_ONCE_SEC:
        await asyncio.sleep(0.005)
    hit = await stand.item(hot)
    health = await stand.get("/healthz")
    again = {
        item: asyncio.ensure_future(stand.item(item))
        for item, task in list(zip(items, asking, strict=True))[:: 1 + room // AGAIN]
        if not task.done()
    }
    known = list(again)[:KNOWN_IN_BATCH]
    mixed = asyncio.ensure_future(stand.post("/batch", msgpack.packb([*stand.items.fresh(1), *known, hot])))
    await asyncio.sleep(ASKED_AGAIN_SEC)
    at_once = [task.result() for task in asking if task.done()]
    open_calls = len(stand.backend.open)
    in_time = loop.time() - began < AT_ONCE_SEC + 0.2
    stand.backend.release()
    answers = await answers_of(asking)
    got = unpacked((await mixed).body)
    if again:
        await answers_of(list(again.values()))
    found = Counter(answer.status for answer in answers)
    _refusals_are_proper(at_once)
    assert stand.backend.most_open <= stand.limit, f"{stand.backend.most_open} calls at once, {stand.limit} are allowed"
    if not in_time:
        return False
    if open_calls < stand.limit:
        raise Unanswered(
            f"requests were refused while only {open_calls} of {stand.limit} possible calls were under way"
        )
    assert health.status == 200, f"GET /healthz over capacity: status {health.status}"
    stand.right(hot, hit)
    admitted = [(item, answer) for item, answer in zip(items, answers, strict=True) if answer.status == 200]
    for item, answer in admitted:
        stand.right(item, answer)
        assert item not in again or again[item].result().status != 503, (
            "over capacity, a request for an id whose call was under way or waited already was refused; "
            "it needs no call of its own"
        )
    assert isinstance(got, dict), "over capacity, a batch of a new id and known ones was not answered with a map"
    refused = sum(got.get(item) in (None, [503, None]) for item in (*known, hot))
    assert not refused, (
        f"over capacity, a batch of a new id, and behind it {len(known)} whose call was under way or waited and "
        f"one in memory, had 503 or nothing for {refused} of those; they need no call of their own"
    )
    return len(at_once) >= EXCESS and set(found) == {200, 503} and stand.limit <= found[200] <= room


async def _refuses_for_long(stand: Stand) -> None:
    """Fill all the room with batches, and have hundreds refused in a row: the last refusal is as proper as the first.

    On a machine so slow that fewer are refused, fewer are looked at.
    """
    loop = asyncio.get_running_loop()
    stand.backend.hold_all()
    filling = [stand.items.fresh(stand.limit) for _ in range(1 + WAITING_PER_CALL)]
    batches = [asyncio.ensure_future(stand.post("/batch", msgpack.packb(items))) for items in filling]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, SOON_SEC)
    left, until = iter(stand.items.fresh(MANY_REFUSALS)), loop.time() + REFUSED_SEC
    refused: list[Answer] = []

    async def ask_some() -> None:
        for item in left:
            async with Client(stand.port) as client:
                answer = await client.ask(get(f"/item/{item}"))
                while answer.status == 503:
                    refused.append(answer)
                    following = next(left, None)
                    if following is None or loop.time() > until or not answer.reply.keeps_alive:
                        break
                    answer = await client.ask(get(f"/item/{following}"))
            if loop.time() > until:
                return

    await asyncio.gather(*(ask_some() for _ in range(REFUSED_BY)))
    [item] = stand.items.fresh(1)
    last = await stand.ask(get(f"/item/{item}", last=True))
    if last.status == 503:  # else who waited has timed out, and made room
        refused.append(last)
    new = stand.items.fresh(2)
    batch = await stand.post("/batch", msgpack.packb(new))
    stand.backend.release()
    await answers_of(batches)
    _refusals_are_proper(refused)
    what = "over capacity, a batch of two new ids"
    assert batch.status == 200, f"{what}: status {batch.status} instead of 200; a 503 is what its items have in it"
    got = unpacked(batch.body)
    assert isinstance(got, dict), f"{what} was not answered with a map"
    assert got.keys() == set(new), f"{what} was answered with {len(got)} items"


def _refusals_are_proper(refused: list[Answer]) -> None:
    for answer in refused:
        assert answer.status == 503, f"a request over capacity was answered with {answer.status} instead of 503"
        seconds = answer.reply.headers.get(b"retry-after", b"")
        assert seconds.isdigit(), "a 503 has no Retry-After with a whole number of seconds"
        assert 1 <= int(seconds[:6]) <= 60, f"Retry-After is {int(seconds[:6])}, not between 1 and 60 seconds"


async def times_out(stand: Stand) -> None:
    """Give up what takes too long, wherever it waits, and cancel what nobody waits for any more."""
    assert await undisturbed(ATTEMPTS, lambda: _gives_up(stand)), (
        f"with the backend held up, requests were not answered with 504 after {REQUEST_SEC:g} s, the time in your own "
        "queue included"
    )
    for item in stand.items.fresh(3):
        stand.right(item, await stand.item(item))


async def _gives_up(stand: Stand) -> bool:
    stand.backend.hold_all()
    items = stand.items.fresh(stand.limit + 2)
    asking = [asyncio.ensure_future(stand.item(item)) for item in items]
    batches = [asyncio.ensure_future(stand.post("/batch", msgpack.packb(2 * stand.items.fresh(1))))]
    await asyncio.sleep(JOINED_SEC)
    shared = items[::2]  # of the calls under way, several have one request that waits, and several have more
    asking += [asyncio.ensure_future(stand.item(item)) for item in shared]
    batches += [asyncio.ensure_future(stand.post("/batch", msgpack.packb([*shared, shared[0]])))]
    await asyncio.sleep(REQUEST_SEC / 2 - JOINED_SEC)
    later = stand.items.fresh(stand.limit)  # whose turn comes when the first have timed out
    asking += [asyncio.ensure_future(stand.item(item)) for item in later]
    for batch in await answers_of(batches):
        assert batch.status in {200, 503}, f"a batch whose items timed out: status {batch.status} instead of 200"
    answers = await answers_of(asking)
    cancelled = await stand.backend.until(lambda backend: not backend.open, SOON_SEC)
    left = len(stand.backend.open)
    stand.backend.release()
    assert cancelled, (
        f"every request had timed out, but {left} calls of the backend were not cancelled (some calls had one request "
        "that waited, some had several, which came and went one after the other, and some a batch that lists an id "
        "twice)"
    )
    assert stand.backend.most_open <= stand.limit, (
        f"{stand.backend.most_open} calls of the backend were under way at once where {stand.limit} are allowed, when "
        "some were given up and the turn of others came: a call that is given up counts until it has ended"
    )
    answered = list(zip([*items, *shared, *later], answers, strict=True))
    new = (*items, *later)
    refused = {item for item, answer in answered if item in new and answer.status == 503}  # the line may be that short
    admitted = len(items) - len(refused.intersection(items)) >= stand.limit - 1  # one of the calls may be the batch's
    given_up = admitted and all(
        answer.status == 504 or (answer.status == 503 and item in refused) for item, answer in answered
    )
    found = Counter(answer.status for answer in answers)
    assert given_up, f"requests whose backend did not answer got {dict(found)} instead of 504"
    return all(
        answer.took_sec <= AT_ONCE_SEC
        if answer.status == 503
        else 0.8 * REQUEST_SEC <= answer.took_sec <= 1.7 * REQUEST_SEC
        for answer in answers
    )


async def answers_of(asking: list[asyncio.Task[Answer]]) -> list[Answer]:
    """Wait for all; a task that failed raises after the others have ended too."""
    await asyncio.wait(asking)
    return [task.result() for task in asking]
