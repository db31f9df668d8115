"""A submission's server on the stand: a listener, a planted backend, and the end of both whatever happens.

Theory of operation: the grader binds and listens, hands the socket to the driver, and is from then on an ordinary
client of it. One event loop of the grader's serves the planted backend and runs the scenario; calls to the driver
happen between its runs, or in flight where the scenario goes on meanwhile.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

from http_client import Answer, Client, get, post
from items import Items
from planted_backend import PlantedBackend

from grader.plugin.facade import SubjectFacade
from harness.outcome import Finished, describe
from harness.unforeseen import Unforeseen

BACKLOG = 1024
STOP_SEC = 15.0
"""Stopping may take two seconds by the spec; whether it does is one check's affair."""

NARROW_BYTES = 64 * 1024

NUMBERS = itertools.count()

USUAL_BYTES = 64
"""Of an item."""


class Stand:
    """One server under test."""

    def __init__(
        self, subject: SubjectFacade, rng: Random, runner: asyncio.Runner, *, limit: int, size: int = USUAL_BYTES
    ) -> None:
        self.subject = subject
        self.limit = limit
        self.items = Items(rng, size)
        self.backend = PlantedBackend(self.items)
        self._runner = runner
        self._listener = socket.socket()
        self._name = f"backend-{os.getpid()}-{next(NUMBERS)}"
        self.port = 0

    def start(self) -> None:
        """Plant the backend and start the server; raises AssertionError where `serve` fails at once."""
        self._runner.run(self.backend.start(self._path()))
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(BACKLOG)
        self.port = self._listener.getsockname()[1]
        state = self.subject.value("start_server", self._name, self.limit, fds=[self._listener.fileno()])
        assert state == "running", f"serve ended at once: {str(state)[:300]}"

    def stop(self) -> str:
        """Stop the server and everything planted; gives how `serve` ended."""
        outcome = self.subject.call("stop_server", timeout_sec=STOP_SEC)
        self.clear()
        return str(outcome.value) if isinstance(outcome, Finished) else describe(outcome)

    def clear(self) -> None:
        """Close what is ours."""

        async def hang_up() -> None:
            self.backend.close()

        self._runner.run(hang_up())
        self._listener.close()
        self._path().unlink(missing_ok=True)

    def run(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run a scenario; one that fails because the server died says so."""
        try:
            self._runner.run(scenario)
            self.demand_plain_calls()
        except AssertionError as error:
            state = self.subject.call("server_state", timeout_sec=2.0)
            if isinstance(state, Finished) and state.value == "running":
                raise
            ended = f"serve had ended: {str(state.value)[:300]}" if isinstance(state, Finished) else describe(state)
            raise AssertionError(f"{error} (your server {ended})") from error

    def demand_plain_calls(self) -> None:
        """Demand that every call of the backend came from the driver, as far as can be seen."""
        assert self.backend.fault is None, self.backend.fault

    def narrow(self) -> None:
        """Have connections take little at once from now on: those that are accepted inherit it from the listener."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW_BYTES)

    async def ask(self, request: bytes) -> Answer:
        """Send a raw request on a connection of its own."""
        async with Client(self.port) as client:
            return await client.ask(request)

    async def get(self, path: str) -> Answer:
        """Ask on a connection of its own."""
        return await self.ask(get(path))

    async def item(self, item: str) -> Answer:
        """Ask for an item on a connection of its own."""
        return await self.get(f"/item/{item}")

    async def post(self, path: str, body: bytes) -> Answer:
        """Post on a connection of its own."""
        return await self.ask(post(path, body))

    def right(self, item: str, answer: Answer) -> None:
        """Check that an item's answer is the whole of it."""
        assert answer.status == 200, f"GET /item: status {answer.status} where the backend has the item"
        assert answer.body == self.items.value(item), (
            f"GET /item: {len(answer.body)} bytes that are not what the backend holds for this id"
        )

    def _path(self) -> Path:
        return self.subject.rendezvous(self._name)


Scenario = Callable[[Stand], Coroutine[Any, Any, None]]


def on_stand(subject: SubjectFacade, seed: int, scenario: Scenario, *, limit: int, size: int = USUAL_BYTES) -> None:
    """Run one scenario against a server of its own."""
    subject.ensure()
    with asyncio.Runner() as runner:
        stand = Stand(subject, Unforeseen(seed), runner, limit=limit, size=size)
        try:
            stand.start()
            stand.run(scenario(stand))
        finally:
            stand.stop()


def undisturbed(attempts: int, attempt: Callable[[], Coroutine[Any, Any, bool]]) -> Coroutine[Any, Any, bool]:
    """Repeat an attempt that hangs on time until it holds: a stall of the machine does not come every time."""

    async def repeat() -> bool:
        for _ in range(attempts):
            if await attempt():
                return True
        return False

    return repeat()
