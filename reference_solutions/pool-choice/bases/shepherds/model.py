"""The classes of the interface, and the choice of a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

MOST_WORKERS = 64
START_SEC = 0.08  # until the first of some spawned processes answers
BYTE_SEC = 2e-9  # pickling, copying through a pipe, unpickling
MESSAGE_SEC = 100e-6  # to a process and back
HANDING_SEC = 30e-6  # to a thread and back
CHUNK_SEC = 0.005
UNKNOWN_GIL_FREE = 0.3


@dataclass(frozen=True)
class Profile:
    """What is known about the items of one stage."""

    tasks: int
    wall_sec: float
    cpu_sec: float
    slowest_sec: float
    gil_free: float | None
    argument_bytes: int
    result_bytes: int
    arguments_pickle: bool
    results_pickle: bool
    may_die: bool
    cores: int


@dataclass(frozen=True)
class Plan:
    """How to run one stage."""

    kind: Literal["inline", "threads", "processes"]
    workers: int = 1
    chunk_size: int = 1


@dataclass(frozen=True)
class Stage:
    """A function that every item goes through."""

    function: Callable[[Any], Any]
    profile: Profile


@dataclass(frozen=True)
class Batch:
    """Items that go through one stage, or through several after each other."""

    stages: tuple[Stage, ...]
    items: Sequence[Any]


@dataclass(frozen=True)
class Failed:
    """The entry of an item that has no result."""

    error: BaseException


class WorkerDied(Exception):
    """The process that an item ran in ended before the item did."""


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    kind = _kind(profile)
    if kind == "inline":
        return Plan("inline")
    workers = _process_workers(profile) if kind == "processes" else _thread_workers(profile)
    return Plan(kind, workers, _chunk_size(profile, workers))


def _kind(p: Profile) -> str:
    if p.may_die:
        return "processes"
    work = p.tasks * p.wall_sec
    pickles = p.arguments_pickle and p.results_pickle
    if work <= 0.001 or p.tasks <= 1:
        return "inline"
    if _mostly_waits(p) and p.tasks >= 64 and p.wall_sec >= 0.005 and work >= 1:
        return "threads"
    if p.cpu_sec == p.wall_sec and p.gil_free == 0.0:
        if p.cores == 1:
            return "inline"
        if (
            p.tasks >= 32
            and p.wall_sec >= 0.001
            and work >= 3
            and pickles
            and p.argument_bytes <= 10_000
            and p.result_bytes <= 10_000
        ):
            return "processes"
        if work <= 0.02:
            return "inline"
    if (
        p.cpu_sec == p.wall_sec
        and p.gil_free == 1.0
        and p.cores >= 2
        and p.tasks >= 16
        and work >= 0.2
        and p.argument_bytes >= 1_000_000
        and 0.002 <= p.wall_sec <= 0.020
    ):
        return "threads"
    return _cheapest(p, pickles)


def _mostly_waits(p: Profile) -> bool:
    return p.cpu_sec <= p.wall_sec / 10 or 10 * p.cpu_sec <= p.wall_sec


def _cheapest(p: Profile, pickles: bool) -> str:
    """Compare what the kinds would take."""
    gil_free = UNKNOWN_GIL_FREE if p.gil_free is None else p.gil_free
    inline = p.tasks * p.wall_sec
    workers = _thread_workers(p)
    chunk = _chunk_size(p, workers)
    threads = (
        max(
            p.tasks * p.cpu_sec * (1.0 - gil_free),
            p.tasks * p.cpu_sec / min(p.cores, workers),
            p.tasks * p.wall_sec / workers,
        )
        + workers * 100e-6
        + p.tasks * HANDING_SEC / chunk
    )
    best, seconds = "inline", inline
    if threads < 0.9 * seconds:
        best, seconds = "threads", threads
    if pickles and p.cores >= 2:
        workers = _process_workers(p)
        chunk = _chunk_size(p, workers)
        processes = (
            START_SEC
            + p.tasks * p.wall_sec / workers
            + p.tasks * (p.argument_bytes + p.result_bytes) * BYTE_SEC
            + p.tasks * MESSAGE_SEC / chunk / workers
        )
        if processes < 0.95 * seconds:
            best = "processes"
    return best


def _process_workers(p: Profile) -> int:
    return max(1, min(MOST_WORKERS, p.tasks, p.cores))


def _thread_workers(p: Profile) -> int:
    """As many as keep the cores busy while others wait."""
    if _mostly_waits(p):
        wanted = MOST_WORKERS
    elif p.cpu_sec >= p.wall_sec:
        wanted = p.cores
    else:
        wanted = ceil(min(float(MOST_WORKERS), p.cores * (p.wall_sec / p.cpu_sec)))
    return max(1, min(MOST_WORKERS, p.tasks, max(wanted, min(p.cores, MOST_WORKERS))))


def _chunk_size(p: Profile, workers: int) -> int:
    if p.may_die or p.slowest_sec >= 10 * p.wall_sec or p.wall_sec <= 0:
        return 1
    by_time = int(min(1000.0, CHUNK_SEC / p.wall_sec))
    by_share = p.tasks // (8 * workers)
    by_size = 1_000_000 // max(1, p.argument_bytes + p.result_bytes)
    return max(1, min(by_time, by_share, by_size))
