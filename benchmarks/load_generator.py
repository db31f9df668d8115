"""How fast the load generator is: closed-loop requests a second on one server, beside those of wrk.

python benchmarks/load_generator.py [--rounds 4] [--seconds 2] [--connections 16]

The server has the machine's first core, and generator and wrk have the last, in turn: wrk, ours, ours, wrk, and so on.
Two servers are loaded: an aiohttp one, as is graded, and a bare one that answers as fast as asyncio can, which shows
where the generator itself ends.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness.load.closed_loop import Saturation, saturate
from harness.load.target import HttpTarget

GOAL = 0.8
"""Of wrk's throughput; below, saturation should be measured with wrk itself."""

REQUEST = b"GET /item/1 HTTP/1.1\r\nHost: server\r\n\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 64\r\n\r\n" + b"x" * 64


def main() -> None:
    """Measure both on each server, and print the ratios."""
    options = _options()
    if options.serve:
        asyncio.run({"bare": _serve_bare, "aiohttp": _serve_aiohttp}[options.serve]())
        return
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; on Debian: apt-get install wrk")
    cores = sorted(os.sched_getaffinity(0))
    for server in ("aiohttp", "bare"):
        try:
            with _serving(server, cores[0]) as port:
                wrk, ours = _measure(port, cores[-1], options)
        except ServerMissing as missing:
            print(f"{server:8} not measured: {missing}")
            continue
        ratio = ours / wrk
        word = "enough" if ratio >= GOAL else "BELOW THE GOAL"
        print(f"{server:8} wrk {wrk:8.0f}/s   ours {ours:8.0f}/s   ratio {ratio:.2f}  (goal {GOAL}: {word})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--serve", choices=["bare", "aiohttp"], help=argparse.SUPPRESS)
    return parser.parse_args()


class ServerMissing(Exception):
    """A server can't be started on this machine."""


@contextmanager
def _serving(server: str, core: int) -> Iterator[int]:
    """Run one of the servers on `core` and give its port."""
    command = [sys.executable, __file__, "--serve", server]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        port = process.stdout.readline()
        if not port:
            raise ServerMissing("it did not start; is the dependency group 'challenges' installed?")
        yield int(port)
    finally:
        process.kill()
        process.wait()


def _measure(port: int, core: int, options: argparse.Namespace) -> tuple[float, float]:
    """Give the medians of wrk and of ours, in requests a second."""
    wrk: list[float] = []
    ours: list[float] = []
    os.sched_setaffinity(0, {core})
    for number in range(options.rounds):
        turns = [(_wrk, wrk), (_ours, ours)]
        for run, samples in turns if number % 2 == 0 else reversed(turns):
            samples.append(run(port, options))
    return statistics.median(wrk), statistics.median(ours)


def _wrk(port: int, options: argparse.Namespace) -> float:
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", f"http://127.0.0.1:{port}/item/1"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s*([\d.]+)", printed)
    assert found is not None, printed
    return float(found[1])


def _ours(port: int, options: argparse.Namespace) -> float:
    async def run() -> float:
        loop = asyncio.get_running_loop()
        target = HttpTarget(lambda factory: loop.create_connection(factory, "127.0.0.1", port), options.connections)
        await target.open(options.connections)
        plan = Saturation(options.connections, lambda _: REQUEST, lambda _, reply: reply.status == 200, options.seconds)
        result = await saturate(plan, target)
        target.close()
        assert not result.reasons, result.reasons
        return result.good_per_sec

    return asyncio.run(run())


class _Bare(asyncio.Protocol):
    """Answers whatever arrives; a request of this benchmark always comes in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        self._transport.write(REPLY)


async def _serve_bare() -> None:
    server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", 0)
    await _announce(server.sockets[0].getsockname()[1])


async def _serve_aiohttp() -> None:
    from aiohttp import web  # noqa: PLC0415  only this process needs it

    async def item(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 64)

    app = web.Application()
    app.router.add_get("/item/{id}", item)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await _announce(runner.addresses[0][1])


async def _announce(port: int) -> None:
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
