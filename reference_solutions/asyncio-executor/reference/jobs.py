"""Jobs as they are handed in, what became of them, and what is raised."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lane import Lane


class ExecutorClosed(RuntimeError):
    """The executor takes no more jobs."""


class WorkerCrashed(RuntimeError):
    """The process of a cpu or crash job ended before the job did."""


class RemoteError(RuntimeError):
    """What a cpu or crash job raised or returned can't be carried to this process; says what it was."""


@dataclass(frozen=True)
class Job:
    """What to run; `timeout_sec` counts from the start of its run."""

    kind: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    timeout_sec: float | None = None


@dataclass(frozen=True)
class Limits:
    """How many jobs may run at once, and how many of each lane may wait."""

    io: int = 100
    blocking: int = 8
    cpu: int = 2
    nested: int = 16
    queue: int = 1000


LANE_OF = {"io": "io", "blocking": "blocking", "cpu": "cpu", "crash": "cpu", "nested": "nested"}


@dataclass
class Tally:
    """What became of the jobs of one kind."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(eq=False)
class Entry:
    """One accepted job.

    It `inherits` its parent's slot or takes one of its own; it counts against the queue when it came from `outside`.
    `work` is its task if it has one: the loop itself holds tasks weakly. `stop` ends the work where that can be done,
    and is called once. `children` are what a nested job submitted.
    """

    job: Job
    lane: Lane
    future: asyncio.Future[Any]
    context: contextvars.Context
    inherits: bool = False
    outside: bool = True
    work: asyncio.Task[None] | None = None
    stop: Callable[[], object] | None = None
    timer: asyncio.TimerHandle | None = None
    children: set[Entry] = field(default_factory=set)
