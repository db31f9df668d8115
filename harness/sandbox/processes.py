"""Processes of this machine as `/proc` shows them; where there is none (macOS), nothing is found or claimed."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import SandboxFailed

PROC: Final = Path("/proc")

KILL_LIMIT_SEC: Final = 5.0
"""A killed process is gone in milliseconds, unless a disk holds it."""

STOP_LIMIT_SEC: Final = 1.0
"""A stopped process runs on until the kernel next looks at it: microseconds, or a time slice."""

POLL_SEC: Final = 0.002

ENDED: Final = frozenset("ZXx")
STOPPED: Final = frozenset("tT")


@dataclass(frozen=True)
class Process:
    """One line of `/proc/<pid>/stat`, in seconds."""

    pid: int
    state: str
    group: int
    session: int
    reaped_children_sec: float
    threads: int

    @property
    def ended(self) -> bool:
        """Whether only its exit status is left."""
        return self.state in ENDED


def parse_process(stat: str, ticks_per_sec: int) -> Process | None:
    """Read the text of `/proc/<pid>/stat`; the name in brackets may itself hold brackets and spaces."""
    pid, _, rest = stat.partition(" (")
    fields = rest.rpartition(")")[2].split()
    if len(fields) < 18:
        return None
    reaped = (int(fields[13]) + int(fields[14])) / ticks_per_sec
    return Process(int(pid), fields[0], int(fields[2]), int(fields[3]), reaped, int(fields[17]))


def parse_status(status: str) -> dict[str, int]:
    """Read the numbers of `/proc/<pid>/status`: memory in KiB, and the real user id as `Uid`."""
    pairs = (line.split() for line in status.splitlines())
    return {pair[0].rstrip(":"): int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}


def all_processes() -> list[Process]:
    """List every process that has not ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = (parse_process(_text(folder / "stat"), ticks) for folder in PROC.glob("[0-9]*"))
    return [process for process in found if process is not None and not process.ended]


def status_of(pid: int) -> dict[str, int]:
    """Read a process's numbers; none when it is gone."""
    return parse_status(_text(PROC / str(pid) / "status"))


def carries(pid: int, mark: str) -> bool:
    """Tell whether a process, or whoever started it, was given a variable that begins with `mark` (`NAME=…`)."""
    return any(entry.startswith(mark) for entry in _text(PROC / str(pid) / "environ").split("\0"))


def cpu_sec(pid: int) -> float | None:
    """Read the CPU time of all threads of a process, to the nanosecond; `None` where nobody tells."""
    clock = ctypes.c_int()
    with suppress(AttributeError, OSError):
        if ctypes.CDLL(None).clock_getcpuclockid(ctypes.c_int(pid), ctypes.byref(clock)) == 0:
            return time.clock_gettime(clock.value)
    return None


def tasks_of_user(uid: int) -> int:
    """Count what the kernel holds against a user's process limit."""
    if not (PROC / "self").exists():
        ps = ["ps", "-U", str(uid), "-o", "pid="]
        return len(subprocess.run(ps, capture_output=True, check=False, timeout=KILL_LIMIT_SEC).stdout.split())
    return sum(process.threads for process in all_processes() if status_of(process.pid).get("Uid") == uid)


def send(pids: Iterable[int], signum: signal.Signals) -> None:
    """Signal processes, of which some may just have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def stop_all(members: Callable[[], list[Process]]) -> None:
    """Stop every member, and wait until the kernel has; one that appears meanwhile is stopped too."""
    deadline = time.monotonic() + STOP_LIMIT_SEC
    while awake := [process.pid for process in members() if process.state not in STOPPED]:
        if time.monotonic() > deadline:
            raise SandboxFailed(f"{len(awake)} processes do not stop")
        send(awake, signal.SIGSTOP)
        time.sleep(POLL_SEC)


def kill_all(members: Callable[[], list[Process]]) -> None:
    """Kill every member until there is none, whatever they start meanwhile."""
    deadline = time.monotonic() + KILL_LIMIT_SEC
    while alive := [process.pid for process in members()]:
        if time.monotonic() > deadline:
            raise SandboxFailed(f"{len(alive)} processes do not end")
        send(alive, signal.SIGKILL)
        time.sleep(POLL_SEC)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
