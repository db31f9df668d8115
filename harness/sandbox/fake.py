"""A sandbox in memory, for tests: it remembers what was asked, and its accounting says what the test told it."""

import io
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from harness.errors import HarnessError, SandboxFailed
from harness.sandbox.hand_over import in_turn
from harness.sandbox.roles import Isolation, State, Stats, Subject


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    do: str
    subjects: tuple[Subject, ...]
    hash_seed: int | None = None


class FakeControl:
    """A `SubjectControl` whose subjects are names, under the real rules: one that has ended stays as it is."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.failing: dict[str, HarnessError] = {}
        self._accounts: dict[Subject, Stats] = {}
        self._lock = threading.Lock()

    def charge(self, subject: Subject, account: Stats) -> None:
        """Say what `stats` tells of a subject from now on, its state included."""
        with self._lock:
            self._accounts[subject] = account

    def use_cpu(self, subject: Subject, seconds: float) -> None:
        """Have a subject use CPU, whatever state it is in: a hostile one does not ask."""
        with self._lock:
            account = self._accounts[subject]
            self._accounts[subject] = replace(account, cpu_sec=(account.cpu_sec or 0.0) + seconds)

    def pause(self, subjects: Sequence[Subject]) -> None:
        """Mark running subjects as paused."""
        self._move(Asked("pause", tuple(subjects)), State.RUNNING, State.PAUSED)

    def resume(self, subjects: Sequence[Subject]) -> None:
        """Mark paused subjects as running."""
        self._move(Asked("resume", tuple(subjects)), State.PAUSED, State.RUNNING)

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Mark some as paused, give the accounts of those to `watch`, and mark others as running."""
        return in_turn(self, pause, resume, watch)

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """Mark subjects as running, with empty accounts."""
        self._note(Asked("restart", tuple(subjects), hash_seed))
        with self._lock:
            empty = Stats(State.RUNNING, cpu_sec=0.0, memory_mb=0.0, memory_peak_mb=0.0, throttled_sec=0.0)
            self._accounts.update(dict.fromkeys(subjects, empty))

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Give each subject's account."""
        self._note(Asked("stats", tuple(subjects)))
        self._require(subjects)
        with self._lock:
            return [self._accounts[subject] for subject in subjects]

    def _move(self, asked: Asked, before: State, after: State) -> None:
        self._note(asked)
        self._require(asked.subjects)
        with self._lock:
            for subject in asked.subjects:
                account = self._accounts[subject]
                if account.state is before:
                    self._accounts[subject] = replace(account, state=after)

    def _note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
        if asked.do in self.failing:
            raise self.failing[asked.do]

    def _require(self, subjects: Sequence[Subject]) -> None:
        missing = [str(subject) for subject in subjects if subject not in self._accounts]
        if missing:
            raise SandboxFailed(f"never started: {', '.join(missing)}")


Grader = Callable[[BinaryIO, BinaryIO], None]


class FakeSandbox(FakeControl):
    """A `Sandbox` whose grader is a function of its two unbuffered streams, run on a thread; its return is its end."""

    isolation = Isolation.NONE

    def __init__(self, grader: Grader, log: str = "") -> None:
        super().__init__()
        self.stopped = 0
        self._grader = grader
        self._log = log
        self._ends: list[socket.socket] = []
        self._streams: list[io.RawIOBase] = []
        self._thread: threading.Thread | None = None

    def start(self) -> BinaryIO:
        """Run the grader and return the other end of its streams."""
        ours, theirs = socket.socketpair()
        self._ends = [ours, theirs]
        stream, graders = (cast(io.RawIOBase, end.makefile("rwb", buffering=0)) for end in self._ends)
        self._streams = [stream, graders]
        self._thread = threading.Thread(target=self._run, args=(graders, theirs), name="fake-grader", daemon=True)
        self._thread.start()
        return cast(BinaryIO, stream)

    def grader_log(self) -> str:
        """Give what the test said the grader printed."""
        return self._log

    def stop(self) -> None:
        """Hang up and wait for the grader's thread."""
        self.stopped += 1
        for end in self._ends:
            _hang_up(end)
        if self._thread is not None:
            self._thread.join()
        for stream in self._streams:
            stream.close()
        for end in self._ends:
            end.close()
        self._ends.clear()

    def _run(self, graders: io.RawIOBase, theirs: socket.socket) -> None:
        both = cast(BinaryIO, graders)
        try:
            self._grader(both, both)
        except HarnessError as error:
            self._log = f"{self._log}\n{error}".strip()
        finally:
            _hang_up(theirs)


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
