"""A server in front of a slow backend, and a load generator. SPEC.md says what both must do; NOTES.md is yours too."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


class Backend(Protocol):
    """What `serve` is given."""

    limit: int
    """How many calls may be under way at once."""

    async def get(self, id: str) -> bytes:  # noqa: A002
        """Give the bytes of an item; KeyError where there is none, another exception where the backend failed."""


async def serve(listener: socket.socket, backend: Backend) -> None:
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    raise NotImplementedError


@dataclass(frozen=True)
class Report:
    """What a run of load came to."""

    sent: int
    succeeded: int
    errors: int
    timeouts: int
    throughput_per_sec: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


Connect = Callable[[], Awaitable[tuple]]
"""Opens a connection: gives (asyncio.StreamReader, asyncio.StreamWriter), or raises OSError."""


async def measure(connect: Connect, rate_per_sec: float, duration_sec: float) -> Report:
    """Load a server with evenly spaced requests and report what its users would have seen."""
    raise NotImplementedError


async def find_capacity(connect: Connect, slo_p99_ms: float) -> float:
    """Find the highest rate a second that the server sustains."""
    raise NotImplementedError
