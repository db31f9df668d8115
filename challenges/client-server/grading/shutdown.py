"""Scenario: shutting down with requests in flight, idle connections, and clients that never finish."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import msgpack
from answers import unpacked
from http_client import Answer, Client, Unanswered, get, post
from measuring import landed
from stand import Stand

from harness.flight import Flight
from harness.outcome import Finished, describe

GRACE_SEC = 2.0
SPARE_SEC = 4.0
"""Twice the grace: what a busy machine may add, and far below any default of a library that would hang."""

CALL_GONE_SEC = 0.2
"""What the word of a cancelled call takes to get here; a call that nobody cancels has far longer to go."""

NOTICED_SEC = 0.1
"""By when a server has noticed that clients have hung up, and calls for them are young."""

CLOSED_SEC = 1.0
"""What the end of a connection takes to get here, on any machine."""

HASTE_SEC = 0.1
"""Between two cancellations: far less than requests in flight have to be answered."""

REFUSED_SEC = 0.2
"""By when those are refused for whom there is no room."""

LARGE_ITEMS, LARGE_BYTES, SENDING_SEC = 100, 16 * 1024, 0.3
"""Of a batch whose answer is larger than what lies between; and how long before `serve` is cancelled, and after."""

Scenario = Callable[[Stand, Flight], Coroutine[Any, Any, None]]

ENDINGS = {"cancelled", "returned"}


async def finishes_what_is_in_flight(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` with requests waiting for the backend: they are answered, new ones are not, and then it ends.

    One item never comes. Who asked for it is answered when the request's second is over, well before the grace is.
    """
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(Client(stand.port)) for _ in range(5)]
        for client in idle:
            [item] = stand.items.fresh(1)
            stand.right(item, await client.ask(get(f"/item/{item}")))
        stand.backend.hold_all()
        *items, batched, never = stand.items.fresh(stand.limit)
        asking = [asyncio.ensure_future(stand.item(item)) for item in items]
        in_vain = asyncio.ensure_future(stand.item(never))
        batch = asyncio.ensure_future(stand.post("/batch", msgpack.packb([batched, never])))
        await stand.backend.until(lambda backend: len(backend.open) == stand.limit, 5.0)
        ticket = flight.start("stop_server")
        await asyncio.sleep(0.1)
        late = asyncio.ensure_future(_answered(stand))
        await asyncio.sleep(0.1)
        stand.backend.release(but={never})
        for item, task in zip(items, asking, strict=True):
            stand.right(item, await _not_dropped(task))
        given_up, answered = await _not_dropped(in_vain), await _not_dropped(batch)
        assert given_up.status == 504, (
            f"a request in flight when serve was cancelled, for an item that never came: status {given_up.status} "
            "instead of 504 when its second was over"
        )
        wanted = {batched: [200, stand.items.value(batched)], never: [504, None]}
        assert answered.status == 200, f"a batch in flight when serve was cancelled: status {answered.status}, not 200"
        assert unpacked(answered.body) == wanted, (
            "a batch in flight when serve was cancelled was not answered with the item that came (200) and the one "
            "that never did (504)"
        )
        await _ends(flight, ticket, "after its last request in flight was answered")
        await _are_closed(idle)
        served_late, _ = await asyncio.wait([late], timeout=0.2)
        assert not (served_late and late.result()), "a connection made after serve was cancelled was served"
        late.cancel()


async def _not_dropped(task: "asyncio.Future[Answer]") -> Answer:
    try:
        return await task
    except Unanswered as error:
        raise AssertionError(
            f"a request in flight when serve was cancelled was dropped ({error}); it has {GRACE_SEC:g} s to be answered"
        ) from None


async def _answered(stand: Stand) -> bool:
    [item] = stand.items.fresh(1)
    try:
        async with Client(stand.port) as client:
            answer = await client.ask(get(f"/item/{item}"), patience_sec=GRACE_SEC)
    except Unanswered:
        return False
    return answer.status == 200


async def answers_who_waits(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` while requests wait for their turn of the backend: those that were not refused get it."""
    stand.backend.hold_all()
    items = stand.items.fresh(2 * stand.limit)
    asking = [asyncio.ensure_future(stand.item(item)) for item in items]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, 5.0)
    await asyncio.sleep(REFUSED_SEC)
    waiting = [(item, task) for item, task in zip(items, asking, strict=True) if not task.done()]
    ticket = flight.start("stop_server")
    await asyncio.sleep(HASTE_SEC)
    stand.backend.release()
    for item, task in waiting:
        answer = await _not_dropped(task)
        assert answer.status != 503, (
            "a request that waited for its turn of the backend when serve was cancelled: status 503, and it was there "
            "before"
        )
        stand.right(item, answer)
    await asyncio.gather(*asking)
    await _ends(flight, ticket, "after its last request in flight was answered")


async def finishes_what_is_being_sent(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` while answers are on their way to clients that are slow to read: they come whole."""
    stand.narrow()
    items = stand.items.fresh(LARGE_ITEMS)
    batch = post("/batch", msgpack.packb(items))
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(stand.port, receive_buffer=4096)) for _ in range(2)]
        for client in clients:
            await client.send(batch)
        await asyncio.sleep(SENDING_SEC)
        ticket = flight.start("stop_server")
        await asyncio.sleep(SENDING_SEC)
        for client in clients:
            reply = await client.reply("a batch whose answer was being sent when serve was cancelled")
            got = None if reply is None else unpacked(reply.body)
            assert got == {item: [200, stand.items.value(item)] for item in items}, (
                f"serve was cancelled while the answer to a batch was being sent, {SENDING_SEC:g} s later its client "
                f"read on, and did not get the whole of it; requests in flight have {GRACE_SEC:g} s"
            )
        await _ends(flight, ticket, "after its last answer was sent")


async def ends_without_readers(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` while an answer is on its way to a client that does not read on, and stays."""
    stand.narrow()
    batch = post("/batch", msgpack.packb(stand.items.fresh(LARGE_ITEMS)))
    async with Client(stand.port, receive_buffer=4096) as client:
        await client.send(batch)
        await asyncio.sleep(SENDING_SEC)
        ticket = flight.start("stop_server")
        await _ends(flight, ticket, f"{GRACE_SEC:g} s after its cancellation, with a client that reads nothing more")


async def ends_in_time(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` with idle connections, half a request, a body that never comes and calls that never end."""
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for raw in (
            b"",
            b"GET /item/a",
            b"POST /batch HTTP/1.1\r\nHost: s\r\nContent-Length: 50\r\n\r\n\x93",
            get(f"/item/{stand.items.fresh(1)[0]}"),
        ):
            clients.append(await stack.enter_async_context(Client(stand.port)))
            await clients[-1].send(raw)
        stand.backend.hold_all()
        asking = [asyncio.ensure_future(_answered(stand)) for _ in range(2)]
        await stand.backend.until(lambda backend: len(backend.open) >= 2, 5.0)
        await _ends(flight, flight.start("stop_server"), "with clients that never finish and calls that never end")
        await _are_closed(clients)
        open_calls = len(stand.backend.open)
        assert await stand.backend.until(lambda backend: not backend.open, 1.0), (
            f"serve has ended, but {open_calls} calls of the backend are still under way"
        )
        await asyncio.gather(*asking)


async def leaves_no_call(stand: Stand, flight: Flight) -> None:
    """Have clients hang up whose calls never end, and cancel `serve` a little later: no call of theirs outlives it."""
    await _hang_up_and_end(stand, flight, NOTICED_SEC)


async def leaves_no_call_at_once(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` before it can have noticed that clients have hung up."""
    await _hang_up_and_end(stand, flight, 0.0)


async def _hang_up_and_end(stand: Stand, flight: Flight, later_sec: float) -> None:
    loop = asyncio.get_running_loop()
    stand.backend.hold_all()
    for request in stand.items.fresh(2 * stand.limit):
        async with Client(stand.port) as client:
            await client.send(get(f"/item/{request}"))
            await stand.backend.until(lambda backend: len(backend.open) >= stand.limit, 0.01)
            client.reset()
    await stand.backend.until(lambda backend: bool(backend.open), 1.0)
    await asyncio.sleep(later_sec)
    await _ends(flight, flight.start("stop_server"), "with calls whose clients had hung up")
    ended_at = loop.time()
    await asyncio.sleep(CALL_GONE_SEC)
    young = [call for call in stand.backend.open.values() if ended_at - call.began_at < 1 - 2 * CALL_GONE_SEC]
    assert not young, (
        f"serve has ended, but {len(young)} calls of the backend are still under way, for clients that had hung up"
    )
    made = len(stand.backend.calls)
    await asyncio.sleep(CALL_GONE_SEC)
    late = len(stand.backend.calls) - made
    assert not late, f"serve has ended, and {late} more calls of the backend were made"


async def leaves_no_call_in_haste(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` a second time while requests in flight wait for calls that never end: these do not outlive it."""
    stand.backend.hold_all()
    asking = [asyncio.ensure_future(_answered(stand)) for _ in range(stand.limit)]
    await stand.backend.until(lambda backend: len(backend.open) >= stand.limit, 5.0)
    await _ends(flight, flight.start("stop_server_twice", HASTE_SEC), "when it was cancelled a second time")
    left = len(stand.backend.open)
    assert await stand.backend.until(lambda backend: not backend.open, CALL_GONE_SEC), (
        f"serve was cancelled twice and has ended, but {left} calls of the backend are still under way"
    )
    await asyncio.gather(*asking)


async def _are_closed(clients: list[Client]) -> None:
    """Demand that nobody is connected any more: that `serve` has ended is the word of its own process."""
    still = await asyncio.gather(*(client.ended(CLOSED_SEC) for client in clients))
    assert all(still), f"serve has ended, but {still.count(False)} of {len(clients)} connections are still open"


async def _ends(flight: Flight, ticket: int, when: str) -> None:
    outcome = await landed(flight, ticket, GRACE_SEC + SPARE_SEC)
    assert isinstance(outcome, Finished), f"serve did not end {when}: {describe(outcome)}"
    assert outcome.value in ENDINGS, f"serve ended with {str(outcome.value)[:200]} instead of its cancellation"
