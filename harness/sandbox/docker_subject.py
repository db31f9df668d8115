"""One start of one subject: its container, from running to removed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from docker import APIClient
from docker.errors import APIError, InvalidVersion, NotFound

from harness.errors import SandboxFailed
from harness.sandbox.account import Account, account_of_engine
from harness.sandbox.cgroup import find_cgroup
from harness.sandbox.docker_engine import engine_faults
from harness.sandbox.docker_leftovers import remove_container
from harness.sandbox.roles import State, Stats

INIT_ALONE: Final = 1
"""Processes left when the worker has ended and only the container's init has not: it is about to follow."""

SETTLE_LIMIT_SEC: Final = 2.0
"""How long a container may take to end once its worker has, or the engine to notice; usually 20 to 50 ms."""

SETTLE_POLL_SEC: Final = 0.005

SIGNAL_BASE: Final = 128
"""The container's init exits with 128 + n when signal n ended the worker. One that claims the same gains nothing."""


@dataclass(frozen=True)
class Condition:
    """A container as the engine describes it."""

    running: bool
    paused: bool
    exit_code: int | None
    oom_killed: bool

    @classmethod
    def parse(cls, state: Mapping[str, Any]) -> "Condition":
        """Read the `State` of an inspected container."""
        running = bool(state["Running"])
        return cls(
            running=running,
            paused=bool(state["Paused"]),
            exit_code=None if running else int(state["ExitCode"]),
            oom_killed=bool(state["OOMKilled"]),
        )

    def stats(self) -> Stats:
        """Say it in the sandbox's words, without numbers."""
        if self.running:
            return Stats(State.PAUSED if self.paused else State.RUNNING, oom_killed=self.oom_killed)
        code = self.exit_code or 0
        if code > SIGNAL_BASE:
            return Stats(State.EXITED, signal=code - SIGNAL_BASE, oom_killed=self.oom_killed)
        return Stats(State.EXITED, exit_code=code, oom_killed=self.oom_killed)


def inspect(api: APIClient, container: str) -> Condition:
    """Ask the engine how a container is."""
    return Condition.parse(api.inspect_container(container)["State"])


def killed_through_engine(api: APIClient, container: str) -> bool:
    """Tell whether the engine was asked to signal a container: nothing inside one can ask it.

    From the engine's own log of its last 256 events, up to now by its own clock.
    """
    now = datetime.fromisoformat(api.info()["SystemTime"]).timestamp()
    wanted = {"container": container, "event": "kill"}
    until: Any = f"{now:.6f}"  # the engine takes fractions, and whole seconds would hide the last one
    return any(True for _ in api.events(since=0, until=until, filters=wanted, decode=True))


class DockerSubject:
    """A started container and what its accounting said last: once it has ended, the kernel no longer tells."""

    def __init__(self, api: APIClient, name: str, container: str, memory_mb: int) -> None:
        self._api = api
        self._name = name
        self._container = container
        self._memory_mb = memory_mb
        self._cgroup = find_cgroup(container)
        self._freezer = None if self._cgroup is None else self._cgroup.freezer
        self._last = Account()
        self._oom_killed = False

    @property
    def is_frozen_by_file(self) -> bool:
        """Tell whether freezing and thawing it asks nothing of the engine, and so takes no time to speak of."""
        return self._freezer is not None

    def pause(self) -> None:
        """Freeze it. A subject that has ended, or is frozen already, needs nothing: `stats` tells which."""
        if self._freezer is not None:
            self._freezer.pause()
        else:
            self._demand(self._api.pause, "pause", lambda now: now.paused or not now.running)

    def resume(self) -> None:
        """Thaw it. A subject that has ended, or was not frozen, needs nothing: `stats` tells which."""
        if self._freezer is not None:
            self._freezer.resume()
        else:
            self._demand(self._api.unpause, "resume", lambda now: not now.paused)

    def remove(self) -> None:
        """End it and remove all it left."""
        self.close()
        remove_container(self._api, self._container)

    def close(self) -> None:
        """Close the files of its accounting."""
        if self._cgroup is not None:
            self._cgroup.close()

    def stats(self) -> Stats:
        """Read its accounting: from its cgroup while it lives, and otherwise from the engine."""
        account = None if self._cgroup is None else self._cgroup.read()
        if account is not None:
            self._last = account
            self._oom_killed = self._oom_killed or bool(account.oom_kills)
            if account.frozen or (account.processes or 0) > INIT_ALONE:
                return self._with_numbers(Stats(State.PAUSED if account.frozen else State.RUNNING))
        with engine_faults(f"inspect {self._name}"):
            return self._ask_engine()

    def _ask_engine(self) -> Stats:
        now = inspect(self._api, self._container)
        if now.running and self._cgroup is not None:
            now = self._await(lambda then: not then.running or self._worker_is_there())
        if now.running and self._cgroup is None:
            self._last = account_of_engine(self._engine_stats())
        self._oom_killed = self._oom_killed or now.oom_killed
        ending = now.stats()
        if ending.signal is not None and not self._oom_killed and killed_through_engine(self._api, self._container):
            raise SandboxFailed(f"somebody told the engine to kill {self._name} while it was in use")
        return self._with_numbers(ending)

    def _with_numbers(self, stats: Stats) -> Stats:
        numbers = self._last
        killed_for_memory = self._oom_killed and stats.state is State.EXITED
        return replace(
            stats,
            oom_killed=self._oom_killed,
            cpu_sec=numbers.cpu_sec,
            memory_mb=numbers.memory_mb,
            memory_peak_mb=float(self._memory_mb) if killed_for_memory else numbers.memory_peak_mb,
            throttled_sec=numbers.throttled_sec,
            file_mb=numbers.file_mb,
            read_mb=numbers.read_mb,
            processes=numbers.processes,
            tasks=numbers.tasks,
        )

    def _engine_stats(self) -> Mapping[str, Any]:
        """Ask for one sample; engines before 20.10 take a second, for they wait for another to compare it with."""
        try:
            return dict(self._api.stats(self._container, stream=False, one_shot=True))
        except InvalidVersion:
            return dict(self._api.stats(self._container, stream=False))

    def _demand(self, request: Callable[[str], object], verb: str, is_so: Callable[[Condition], bool]) -> None:
        with engine_faults(f"{verb} {self._name}"):
            try:
                request(self._container)
            except NotFound:
                raise
            except APIError:
                if not is_so(self._await(is_so)):
                    raise

    def _await(self, is_so: Callable[[Condition], bool]) -> Condition:
        """Ask until `is_so`, or until it is clear that it will not be."""
        deadline = time.monotonic() + SETTLE_LIMIT_SEC
        now = inspect(self._api, self._container)
        while not is_so(now) and time.monotonic() < deadline:
            time.sleep(SETTLE_POLL_SEC)
            now = inspect(self._api, self._container)
        return now

    def _worker_is_there(self) -> bool:
        account = None if self._cgroup is None else self._cgroup.read()
        return account is not None and (account.processes or 0) > INIT_ALONE
