"""Scenario: shutting down with requests in flight, idle connections, and clients that never finish."""

import asyncio
from contextlib import AsyncExitStack

from http_client import Client, Unanswered, get
from measuring import landed
from stand import Stand

from harness.flight import Flight
from harness.outcome import Finished, describe

GRACE_SEC = 2.0
SPARE_SEC = 4.0
"""Twice the grace: what a busy machine may add, and far below any default of a library that would hang."""

ENDINGS = {"cancelled", "returned"}


async def finishes_what_is_in_flight(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` with requests waiting for the backend: they are answered, new ones are not, and then it ends."""
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(Client(stand.port)) for _ in range(5)]
        for client in idle:
            [item] = stand.items.fresh(1)
            stand.right(item, await client.ask(get(f"/item/{item}")))
        stand.backend.hold_all()
        items = stand.items.fresh(stand.limit)
        asking = [asyncio.ensure_future(stand.item(item)) for item in items]
        await stand.backend.until(lambda backend: len(backend.open) == stand.limit, 5.0)
        ticket = flight.start("stop_server")
        await asyncio.sleep(0.1)
        late = asyncio.ensure_future(_answered(stand))
        await asyncio.sleep(0.1)
        stand.backend.release()
        for item, task in zip(items, asking, strict=True):
            stand.right(item, await _not_dropped(task))
        await _ends(flight, ticket, "after its last request in flight was answered")
        served_late, _ = await asyncio.wait([late], timeout=0.2)
        assert not (served_late and late.result()), "a connection made after serve was cancelled was served"
        late.cancel()


async def _not_dropped(task: "asyncio.Future[object]") -> object:
    try:
        return await task
    except Unanswered as error:
        raise AssertionError(f"a request in flight when serve was cancelled was dropped ({error})") from None


async def _answered(stand: Stand) -> bool:
    [item] = stand.items.fresh(1)
    try:
        async with Client(stand.port) as client:
            answer = await client.ask(get(f"/item/{item}"), patience_sec=GRACE_SEC)
    except Unanswered:
        return False
    return answer.status == 200


async def ends_in_time(stand: Stand, flight: Flight) -> None:
    """Cancel `serve` with idle connections, half a request, a body that never comes and calls that never end."""
    async with AsyncExitStack() as stack:
        for raw in (
            b"",
            b"GET /item/a",
            b"POST /batch HTTP/1.1\r\nHost: s\r\nContent-Length: 50\r\n\r\n\x93",
            get(f"/item/{stand.items.fresh(1)[0]}"),
        ):
            client = await stack.enter_async_context(Client(stand.port))
            await client.send(raw)
        stand.backend.hold_all()
        asking = [asyncio.ensure_future(_answered(stand)) for _ in range(2)]
        await stand.backend.until(lambda backend: len(backend.open) >= 2, 5.0)
        await _ends(flight, flight.start("stop_server"), "with clients that never finish and calls that never end")
        open_calls = len(stand.backend.open)
        assert await stand.backend.until(lambda backend: not backend.open, 1.0), (
            f"serve has ended, but {open_calls} calls of the backend are still under way"
        )
        await asyncio.gather(*asking)


async def _ends(flight: Flight, ticket: int, when: str) -> None:
    outcome = await landed(flight, ticket, GRACE_SEC + SPARE_SEC)
    assert isinstance(outcome, Finished), f"serve did not end {when}: {describe(outcome)}"
    assert outcome.value in ENDINGS, f"serve ended with {str(outcome.value)[:200]} instead of its cancellation"
