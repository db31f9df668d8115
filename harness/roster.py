"""The subjects of one grading, as whoever measures sees them: start, call, and never more than one of them awake.

Theory of operation: every subject is frozen but the one being called. `wake` hands the core over with one pause and one
resume, in one request. A subject that timed out, crashed or spoke nonsense has a broken channel and must be started
again. Each side has a time budget for the whole grading, so that many slow answers cannot outlast it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.channel import Channel
from harness.disk_watch import DiskWatch
from harness.flight import Flight
from harness.listener import Listener, socket_path
from harness.outcome import Crashed, Finished, Outcome, OutOfMemory, TimedOut, TooMuchOnDisk, describe
from harness.sandbox.doors import doors
from harness.sandbox.roles import Side, State, Stats, Subject, SubjectControl

LOAD_TIMEOUT_SEC = 20.0
"""Importing a submission; generous, because the bars measure speed, not this."""

LOADS_TRIED = 2
"""A side that never loaded so often is not started again: what it would come to is known."""


class NotUsable(Exception):
    """A subject with which no flight can begin; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(describe(outcome))
        self.outcome = outcome


@dataclass
class Seat:
    """One subject's connection; `loaded` is what loading its driver came to."""

    channel: Channel | None
    loaded: Outcome


@dataclass(frozen=True)
class Allowance:
    """What calls may take: each by default, and all of one side's together."""

    call_sec: float
    side_sec: float
    memory_mb: int
    disk_mb: int = 0


class Roster:
    """Every subject started so far, and which of them is awake."""

    def __init__(self, control: SubjectControl, sockets: Path, allowance: Allowance, disks: Path | None = None) -> None:
        self._control = control
        self._sockets = sockets
        self._allowance = allowance
        self._watches = {side: DiskWatch(disks / side.value, allowance.disk_mb) for side in Side} if disks else {}
        self._seats: dict[Subject, Seat] = {}
        self._awake: set[Subject] = set()
        self._untouched: list[set[Subject]] = []
        self._loads: dict[Side, list[bool]] = {side: [] for side in Side}
        self.spent_sec = dict.fromkeys(Side, 0.0)
        self.peaks: dict[Subject, Stats] = {}

    def start(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """Start `subjects` afresh with one hash seed, and load their drivers; whoever was awake is frozen first."""
        self._freeze(self._awake - set(subjects))
        self._note_stats([subject for subject in subjects if subject in self._seats])
        for subject in subjects:
            self._drop(subject)
        paths = {one: socket_path(self._sockets, one.side, door) for one, door in doors(subjects).items()}
        listeners = {subject: Listener(path) for subject, path in paths.items()}
        try:
            self._control.restart(subjects, hash_seed)
            self._awake |= set(subjects)
            for subject, listener in listeners.items():
                self._seat(subject, listener)
                self._loads[subject.side].append(isinstance(self._seats[subject].loaded, Finished))
        finally:
            for listener in listeners.values():
                listener.close()
        self._untouched.append(set(subjects))

    def fresh(self, subjects: Sequence[Subject]) -> bool:
        """Tell whether `subjects` were started together and none of them was called since."""
        return all(map(self.started, subjects)) and any(lot >= set(subjects) for lot in self._untouched)

    def started(self, subject: Subject) -> bool:
        """Tell whether `subject` has a channel that still works."""
        seat = self._seats.get(subject)
        return seat is not None and seat.channel is not None and not seat.channel.broken

    def failed_load(self, subject: Subject) -> Outcome | None:
        """Give what loading a started `subject` came to, where it did not load and had the time to."""
        loaded = self._seats[subject].loaded
        return None if isinstance(loaded, Finished) or self._left_sec(subject.side) <= 0 else loaded

    def never_loads(self, subject: Subject) -> bool:
        """Tell whether `subject` was started, and its side has only ever failed to load, often enough to say so."""
        loads = self._loads[subject.side]
        return subject in self._seats and len(loads) >= LOADS_TRIED and not any(loads)

    def wake(self, subject: Subject, watch: Sequence[Subject] = ()) -> list[Stats]:
        """Thaw `subject`, freeze every other, and read the accounting of those to `watch`; asks nothing needless."""
        others = self._awake - {subject}
        thaw = [] if subject in self._awake else [subject]
        stats = self._control.hand_over(sorted(others), thaw, watch)
        self._awake = {subject}
        return stats

    def freeze_all(self) -> None:
        """Leave nobody awake."""
        self._freeze(set(self._awake))

    def call(
        self,
        subject: Subject,
        function: str,
        *args: object,
        timeout_sec: float | None = None,
        fds: Sequence[int] = (),
    ) -> Outcome:
        """Wake `subject` and call one of its driver's functions; `fds` arrive as further int arguments."""
        return self._spend(
            subject, timeout_sec, lambda channel, limit: channel.call(function, *args, timeout_sec=limit, fds=fds)
        )

    @contextmanager
    def flight(self, subject: Subject) -> Iterator[Flight]:
        """Wake `subject` for calls in flight; raises NotUsable where it did not load or its time is used up."""
        seat = self._seats[subject]
        if self._left_sec(subject.side) <= 0:
            raise NotUsable(TimedOut(self._allowance.side_sec))
        if seat.channel is None or not isinstance(seat.loaded, Finished):
            raise NotUsable(seat.loaded)
        self.wake(subject)
        self._touch(subject)
        began = time.perf_counter()
        try:
            with Flight(seat.channel, lambda outcome: self.explain(subject, outcome)) as flight:
                yield flight
        finally:
            self.spent_sec[subject.side] += time.perf_counter() - began

    def rendezvous(self, subject: Subject, name: str) -> Path:
        """Name a place for a Unix socket that `subject` can reach; it finds `name` beside its own socket."""
        return self._sockets / subject.side.value / name

    def disk(self, side: Side) -> Path:
        """Name the folder at which this side's real disk is seen; raises LookupError where the challenge has none."""
        if side not in self._watches or not self._allowance.disk_mb:
            raise LookupError("the challenge declares no disk_mb")
        return self._watches[side].folder

    def exchange(self, subject: Subject, request: bytes, timeout_sec: float | None) -> Outcome:
        """Send a request encoded by `encode` to an awake `subject`: nothing but the exchange itself, for timing."""
        return self._spend(subject, timeout_sec, lambda channel, limit: channel.exchange(request, timeout_sec=limit))

    def encode(self, subject: Subject, function: str, args: Sequence[object]) -> bytes:
        """Encode a request for `exchange`; each must be sent next, and once."""
        channel = self._seats[subject].channel
        return b"" if channel is None else channel.encode(function, *args)

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of `subjects`."""
        return self._control.stats(subjects)

    def explain(self, subject: Subject, outcome: Outcome) -> Outcome:
        """Say why a process ended, where the sandbox knows better than the socket that closed."""
        if not isinstance(outcome, Crashed):
            return outcome
        stats = self._control.stats([subject])[0]
        if stats.oom_killed:
            return OutOfMemory(self._allowance.memory_mb)
        return replace(outcome, signal=stats.signal, exit_code=stats.exit_code)

    def close(self) -> None:
        """Note every subject's last accounting and hang up."""
        self._note_stats(list(self._seats))
        for subject in list(self._seats):
            self._drop(subject)

    def _spend(
        self, subject: Subject, timeout_sec: float | None, exchange: Callable[[Channel, float], Outcome]
    ) -> Outcome:
        seat = self._seats[subject]
        left = self._left_sec(subject.side)
        if left <= 0:
            return TimedOut(self._allowance.side_sec)
        if seat.channel is None or not isinstance(seat.loaded, Finished):
            return seat.loaded
        self.wake(subject)
        self._touch(subject)
        began = time.perf_counter()
        outcome = exchange(seat.channel, min(timeout_sec or self._allowance.call_sec, left))
        self.spent_sec[subject.side] += time.perf_counter() - began
        if not seat.channel.broken and (stop := self._look_at_disk(subject)) is not None:
            seat.channel.abandon(stop)
            outcome = stop
        return self.explain(subject, outcome)

    def _seat(self, subject: Subject, listener: Listener) -> None:
        connection = listener.accept(lambda: self._control.stats([subject])[0].state is not State.EXITED)
        if connection is None:
            self._seats[subject] = Seat(None, self.explain(subject, Crashed()))
            return
        channel = Channel(connection, watch=lambda: self._look_at_disk(subject))
        began = time.perf_counter()
        loaded = channel.call("", timeout_sec=min(LOAD_TIMEOUT_SEC, max(0.0, self._left_sec(subject.side))))
        self.spent_sec[subject.side] += time.perf_counter() - began
        self._seats[subject] = Seat(channel, self.explain(subject, loaded))

    def _look_at_disk(self, subject: Subject) -> Outcome | None:
        """Freeze a subject that keeps too much on its disk, for ending a call alone would let it write on."""
        watch = self._watches.get(subject.side)
        complaint = None if watch is None else watch.complaint()
        if complaint is None:
            return None
        self._freeze({subject} & self._awake)
        return TooMuchOnDisk(complaint)

    def _left_sec(self, side: Side) -> float:
        return self._allowance.side_sec - self.spent_sec[side]

    def _freeze(self, subjects: set[Subject]) -> None:
        if subjects:
            self._control.hand_over(sorted(subjects), [])
            self._awake -= subjects

    def _touch(self, subject: Subject) -> None:
        self._untouched = [lot for lot in self._untouched if subject not in lot]

    def _drop(self, subject: Subject) -> None:
        self._awake.discard(subject)
        self._touch(subject)
        seat = self._seats.pop(subject, None)
        if seat is not None and seat.channel is not None:
            seat.channel.close()

    def _note_stats(self, subjects: Sequence[Subject]) -> None:
        for subject, stats in zip(subjects, self._control.stats(subjects) if subjects else [], strict=True):
            self.peaks[subject] = _merged(self.peaks.get(subject), stats)


def _merged(before: Stats | None, now: Stats) -> Stats:
    """Add up CPU time over the starts of one subject, and keep the highest peak."""
    if before is None:
        return now
    return replace(
        now,
        cpu_sec=(before.cpu_sec or 0.0) + (now.cpu_sec or 0.0),
        memory_peak_mb=max(before.memory_peak_mb or 0.0, now.memory_peak_mb or 0.0),
    )
