"""What a container holds besides memory, counted from outside: processes and threads; and by the driver: open files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from harness.sandbox.roles import Stats

ENDED_SEC = 10.0
"""SPEC.md gives five; a busy machine gets as many again."""

LOOK_SEC = 0.05

STAY = 1
"""Processes that may stay, of one thread: `multiprocessing`'s resource tracker."""


class Counted(Protocol):
    """A subject whose accounting can be read."""

    def stats(self) -> Stats:
        """Read it."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver that has to answer."""


@dataclass(frozen=True)
class Census:
    """Processes, and the threads of all of them together; `None` where a machine does not tell."""

    processes: int | None
    threads: int | None

    def more_than(self, other: Census) -> tuple[int, int]:
        """Say how many processes and threads there are here that are not there; none where nobody can tell."""
        return _more(self.processes, other.processes), _more(self.threads, other.threads)


def _more(mine: int | None, other: int | None) -> int:
    return 0 if mine is None or other is None else mine - other


def census(subject: Counted) -> Census:
    """Count a container's processes and threads."""
    stats = subject.stats()
    return Census(stats.processes, stats.tasks)


def demand_ended(subject: Counted, before: Census, title: str, stay: int = STAY) -> None:
    """Wait until what a run started is gone: what closed its connection may live on, and a thread has none."""
    began = time.perf_counter()
    deadline = began + ENDED_SEC
    while max(more := census(subject).more_than(before)) > stay:
        if time.perf_counter() > began + ENDED_SEC / 2:
            subject.value("reap")  # a process that has ended is counted until its parent has asked how
        assert time.perf_counter() < deadline, (
            f"{title}: {ENDED_SEC:g} s after run() returned, there are {more[0]} processes more than before any run, "
            f"and {more[1]} threads more in all of them; only multiprocessing's resource tracker may stay, one of each"
        )
        time.sleep(LOOK_SEC)


def demand_no_more_files(subject: Counted, allowed: int, what: str) -> None:
    """Wait until no more files are open than may be."""
    deadline = time.perf_counter() + ENDED_SEC
    while (count := open_files(subject)) > allowed:
        assert time.perf_counter() < deadline, (
            f"{what}, {count} files are open {ENDED_SEC:g} s later, where {allowed} at most may be: "
            "a run must close what it opens"
        )
        time.sleep(LOOK_SEC)


def open_files(subject: Counted) -> int:
    """Count the open files of the process that answers."""
    count = subject.value("open_files")
    assert type(count) is int, "the count of open files has the wrong shape"
    return count


def demand_let_go(subject: Counted, title: str) -> None:
    """Wait until nothing holds the last run's results, which the driver has dropped."""
    deadline = time.perf_counter() + ENDED_SEC
    subject.value("rest")
    while kept := subject.value("results_kept"):
        assert time.perf_counter() < deadline, (
            f"{title}: {ENDED_SEC:g} s after the caller of run() dropped its results, {kept} of them are there still"
        )
        time.sleep(LOOK_SEC)
