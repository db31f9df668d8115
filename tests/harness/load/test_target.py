"""The HTTP target against a real socket: connections are reused, replaced, bounded, and every request gets an end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.load.open_loop import Plan, run_open_loop
from harness.load.reply import Reply
from harness.load.result import Fate, LoadResult
from harness.load.schedule import constant
from harness.load.target import Broken, HttpTarget

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server with planted behaviour: `answer` gives the bytes for request `k`, `None` to hang up on it."""

    def __init__(self, answer: Callable[[int], bytes | None], delay_sec: float = 0.0) -> None:
        self.answer = answer
        self.delay_sec = delay_sec
        self.connections = 0
        self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                answer = self.answer(self.requests - 1)
                await asyncio.sleep(self.delay_sec)
                if answer is None:
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _ask(target: HttpTarget, count: int = 1) -> list[Reply | Broken]:
    answers = [asyncio.get_running_loop().create_future() for _ in range(count)]
    for answer in answers:
        target.send(b"GET / HTTP/1.1\r\n\r\n", answer.set_result)
    return await asyncio.wait_for(asyncio.gather(*answers), 10)


def served(server: Serve, client: Callable[[HttpTarget], Awaitable[None]], connections: int = 4) -> None:
    async def main() -> None:
        listening = await asyncio.start_server(server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        target = HttpTarget(lambda factory: loop.create_connection(factory, "127.0.0.1", port), connections)
        async with listening:
            await client(target)
            target.close()
            await asyncio.sleep(0.02)

    asyncio.run(main())


def test_a_connection_is_used_again() -> None:
    server = Server(lambda k: OK)

    async def client(target: HttpTarget) -> None:
        for _ in range(20):
            [reply] = await _ask(target)
            assert isinstance(reply, Reply)
            assert reply.body == b"ok"

    served(server, client)
    assert (server.connections, server.requests) == (1, 20)


def test_connections_are_bounded_and_requests_wait_for_them() -> None:
    server = Server(lambda k: OK, delay_sec=0.005)

    async def client(target: HttpTarget) -> None:
        replies = await _ask(target, 40)
        assert all(isinstance(reply, Reply) for reply in replies)

    served(server, client, connections=4)
    assert (server.connections, server.requests) == (4, 40)


def test_a_server_that_closes_is_dialled_again() -> None:
    server = Server(lambda k: b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    async def client(target: HttpTarget) -> None:
        assert all(isinstance(reply, Reply) for reply in await _ask(target, 10))

    served(server, client, connections=2)
    assert server.connections == 10


def test_hanging_up_breaks_the_request_and_no_other() -> None:
    server = Server(lambda k: None if k == 1 else OK, delay_sec=0.005)

    async def client(target: HttpTarget) -> None:
        replies = await _ask(target, 12)
        assert [reply for reply in replies if isinstance(reply, Broken)] == [Broken("closed without a reply")]

    served(server, client, connections=3)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", OK + OK])
def test_what_is_no_single_reply_breaks_the_request(answer: bytes) -> None:
    async def client(target: HttpTarget) -> None:
        [reply] = await _ask(target)
        assert isinstance(reply, Broken)

    served(Server(lambda k: answer), client)


def test_nobody_listening_breaks_every_request() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        target = HttpTarget(lambda factory: loop.create_unix_connection(factory, "/nonexistent/socket"), 2)
        replies = await _ask(target, 10)
        assert all(isinstance(reply, Broken) and "no connection" in reply.reason for reply in replies)

    asyncio.run(main())


def test_closing_breaks_what_is_in_flight_and_what_waits() -> None:
    async def client(target: HttpTarget) -> None:
        asking = asyncio.ensure_future(_ask(target, 5))
        await asyncio.sleep(0.05)
        target.close()
        assert all(isinstance(reply, Broken) for reply in await asking)

    served(Server(lambda k: OK, delay_sec=60), client, connections=2)


def test_a_planted_stall_over_a_real_socket_shows_in_p99() -> None:
    """The server blocks for a second from its 100th request on; a fifth of all requests fall due meanwhile."""
    stall_sec = 1.0
    results: list[LoadResult] = []
    held: list[float] = []

    def answer(k: int) -> bytes:
        if k == 100:
            held.append(asyncio.get_running_loop().time() + stall_sec)
        return OK

    server = Server(answer)

    async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                server.requests += 1
                answer(server.requests - 1)
                if held and (left := held[0] - asyncio.get_running_loop().time()) > 0:
                    await asyncio.sleep(left)
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def client(target: HttpTarget) -> None:
        plan = Plan(constant(100, 4), lambda k: b"GET / HTTP/1.1\r\n\r\n", lambda k, reply: reply.body == b"ok")
        results.append(await run_open_loop(plan, target))

    served(stalling, client, connections=16)
    [result] = results
    assert result.fates == {Fate.GOOD: 400}
    assert 0.9 * stall_sec < result.latencies.percentile_sec(99) < 1.5 * stall_sec
    assert result.latencies.percentile_sec(50) < 0.2 * stall_sec
