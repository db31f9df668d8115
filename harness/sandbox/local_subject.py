"""One start of one subject without Docker: a process, and whatever it starts."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace

from harness.sandbox.processes import (
    Process,
    all_processes,
    carries,
    cpu_sec,
    kill_all,
    send,
    status_of,
    stop_all,
)
from harness.sandbox.roles import State, Stats

KIB_PER_MIB = 1024


class LocalSubject:
    """A worker that leads a session of its own; `mark` is in the environment of all it starts, `uid` is its alone."""

    def __init__(self, worker: subprocess.Popen[bytes], mark: str, uid: int | None) -> None:
        self._worker = worker
        self._mark = mark
        self._uid = uid
        self._paused = False
        self._last = Stats(State.RUNNING)

    def pause(self) -> None:
        """Stop its session. A hostile subject can undo this with a timer: only a container freezes."""
        self._paused = True
        self._signal_group(signal.SIGSTOP)
        stop_all(self._session)

    def resume(self) -> None:
        """Continue its session."""
        self._paused = False
        self._signal_group(signal.SIGCONT)
        send([process.pid for process in self._session()], signal.SIGCONT)

    def stats(self) -> Stats:
        """Add up what its session uses now; of a session that is gone, what was last seen."""
        ended = self._worker.poll()
        processes = self._session()
        if processes:
            self._last = _usage(processes)
        if ended is None:
            return replace(self._last, state=State.PAUSED if self._paused else State.RUNNING)
        if ended < 0:
            return replace(self._last, state=State.EXITED, signal=-ended)
        return replace(self._last, state=State.EXITED, exit_code=ended)

    def end(self) -> None:
        """Kill it and everything it started, in whatever session or group that hides."""
        self._signal_group(signal.SIGKILL)
        kill_all(self._belongings)
        self._worker.wait()

    def _signal_group(self, signum: signal.Signals) -> None:
        """Signal the worker and its group: all that can be found where there is no `/proc`."""
        if self._worker.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._worker.pid, signum)

    def _session(self) -> list[Process]:
        leader = self._worker.pid
        found = [process for process in all_processes() if leader in (process.pid, process.session, process.group)]
        if self._worker.poll() is None or all(process.pid != leader for process in found):
            return found
        # The id is somebody else's by now, which it can't be before its session and group have ended.
        return [process for process in found if self._is_ours(process.pid)]

    def _belongings(self) -> list[Process]:
        session = {process.pid for process in self._session()}
        return [process for process in all_processes() if process.pid in session or self._is_ours(process.pid)]

    def _is_ours(self, pid: int) -> bool:
        if pid == os.getpid():
            return False
        return carries(pid, self._mark) or (self._uid is not None and status_of(pid).get("Uid") == self._uid)


def _usage(processes: list[Process]) -> Stats:
    """Add up the processes: pages they share count more than once, and memory only of those that still live."""
    cpu = [seconds for process in processes if (seconds := cpu_sec(process.pid)) is not None]
    reaped = sum(process.reaped_children_sec for process in processes)
    statuses = [status_of(process.pid) for process in processes]
    return Stats(
        State.RUNNING,
        cpu_sec=sum(cpu) + reaped if cpu else None,
        memory_mb=sum(each.get("RssAnon", 0) + each.get("RssShmem", 0) for each in statuses) / KIB_PER_MIB,
        memory_peak_mb=sum(each.get("VmHWM", 0) for each in statuses) / KIB_PER_MIB,
        processes=len(processes),
    )
