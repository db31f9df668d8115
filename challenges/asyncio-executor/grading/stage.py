"""Where jobs meet the grader: a Unix socket that they connect to, beside the calls in flight to the submission.

Theory of operation: one thread, one loop. `pump` takes what has happened since, at the sockets of the jobs (guests) and
of the calls, and stamps it with the grader's clock; everything else pumps until something is so, or patience is at its
end. Nothing is decided by sleeping, but where the property is that something does *not* happen: there `settle` pumps
for a while.

A guest is there from its hello to its bye, or to the end of its connection, where its process was killed. Its thread,
process and context variable are told by the driver; that it runs, and when, is seen. Jobs are told names drawn for
each, and so is the socket's: they say nothing of what is looked at.
"""

import itertools
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbits, token_hex
from time import perf_counter
from typing import Any, Protocol

from guest import Guest, parsed

from harness.flight import Flight
from harness.outcome import Finished, Outcome, describe
from harness.sandbox.roles import Stats

PATIENCE_SEC = 6.0
"""What may take milliseconds on a busy machine; far more than that, so that only what never happens is a failure."""

SETTLE_SEC = 0.25
"""How long to look for what must not happen; a submission that does it needs a few milliseconds."""

TURN_SEC = 0.002
"""Grain of the clock of landings and arrivals."""

GLANCE_SEC = 0.0002
"""The same while a job is to say something, which ends no wait for calls."""

NAME_BYTES = 6

MAX_LINE_BYTES = 64 * 1024
MAX_SAID = 10_000
MAX_GUESTS = 2_000

SPIN = (3, 2**61 - 1, 50_000)
"""A number, a modulus, and how often the number is squared before a job says how far it has come."""

SMALL = {"io": 2, "blocking": 2, "cpu": 2, "nested": 2, "queue": 100}


class Subject(Protocol):
    """What a stage needs of a subject's facade."""

    def rendezvous(self, name: str) -> Path: ...

    def flight(self) -> Any: ...

    def stats(self) -> Stats: ...


class Stage:
    """One subject with calls in flight and jobs that meet the grader."""

    def __init__(self, listener: socket.socket, place: str, flight: Flight, account: Callable[[], Stats]) -> None:
        self.place = place
        self.account = account
        self._listener = listener
        self._flight = flight
        self._names: dict[str, str] = {}
        self._asked: dict[int, tuple[Guest, int, float]] = {}
        self._tickets = itertools.count(-1, -1)  # beside those of calls
        self._strangers: list[Guest] = []
        self.guests: dict[str, Guest] = {}
        self._open: dict[int, Guest] = {}
        self._landings: dict[int, tuple[Outcome, float, float]] = {}
        self._pings: dict[int, int] = {}
        self.most_here: dict[str, int] = {}

    # ---- calls

    def start(self, function: str, *args: object) -> int:
        """Start a call."""
        return self._flight.start(function, *args)

    def has_landed(self, ticket: int) -> bool:
        """Tell whether a call has ended."""
        return ticket in self._landings

    def outcome(self, ticket: int, what: str, patience_sec: float = PATIENCE_SEC) -> Any:
        """Wait for a call's value; `what` says what should have happened."""
        self.until(lambda: ticket in self._landings, what, patience_sec)
        outcome = self._landings[ticket][0]
        assert isinstance(outcome, Finished), f"{what}: instead it {describe(outcome)}"
        return outcome.value

    def landed_at(self, ticket: int) -> float:
        """Tell when a call ended."""
        return self._landings[ticket][2]

    def started_at(self, ticket: int) -> float:
        """Tell when a call that has ended was started."""
        return self._landings[ticket][1]

    def call(self, function: str, *args: object, what: str = "", patience_sec: float = PATIENCE_SEC) -> Any:
        """Make one call and give its value, while everything else goes on."""
        ticket = self.start(function, *args)
        return self.outcome(ticket, what or f"{function.rstrip('_')} should have ended", patience_sec)

    def ping(self, what: str, patience_sec: float = PATIENCE_SEC) -> tuple[int, int]:
        """Have the event loop answer; gives its process and thread."""
        return self.pinged(self.start_ping(), what, patience_sec)

    def start_ping(self) -> int:
        """Ask the event loop to answer with a number that nobody can know before."""
        number = randbits(31)
        ticket = self.start("ping", number)
        self._pings[ticket] = number
        return ticket

    def pinged(self, ticket: int, what: str, patience_sec: float = PATIENCE_SEC) -> tuple[int, int]:
        """Wait for the event loop's answer; gives its process and thread."""
        pid, thread, echoed = self.outcome(ticket, what, patience_sec)
        assert echoed == self._pings.pop(ticket), "the event loop gave a wrong answer"
        return pid, thread

    # ---- jobs

    def submit(
        self,
        ex: str,
        kind: str,
        name: str,
        timeout_sec: float | None = None,
        var: str = "unset",
        what: str = "",
    ) -> None:
        """Submit a job that meets the grader, where there must be room for it."""
        ticket = self.submitting(ex, kind, name, timeout_sec, var)
        answer = self.outcome(ticket, what or f"submit should have accepted the {kind} job at once")
        assert answer == ["accepted", var], f"submit refused a {kind} job or changed its caller's context"

    def submitting(self, ex: str, kind: str, name: str, timeout_sec: float | None = None, var: str = "unset") -> int:
        """Begin to submit a job that meets the grader."""
        return self.start("submit", ex, name, kind, "meet", self.invited(name), timeout_sec, var)

    def invited(self, name: str) -> list[str]:
        """Give the arguments of a job that meets the grader: the place, and a name drawn for it."""
        drawn = token_hex(NAME_BYTES)
        self._names[drawn] = name
        return [self.place, drawn]

    def start_saying(self, name: str) -> int:
        """Ask a job on the loop for a number that nobody can know before; gives a ticket, as for a call."""
        number, ticket = randbits(31), next(self._tickets)
        self._asked[number] = self.guests[name], ticket, perf_counter()
        self.guests[name].tell("say", number)
        return ticket

    def arrival(self, name: str, what: str, patience_sec: float = PATIENCE_SEC) -> Guest:
        """Wait until a job runs."""
        self.until(lambda: name in self.guests, what, patience_sec)
        return self.guests[name]

    def began(self, name: str, ticket: int, what: str) -> bool:
        """Wait until a job runs, or its caller was told the end of it; says whether it ran."""
        self.until(lambda: name in self.guests or self.has_landed(ticket), what)
        return name in self.guests

    def told_off(self, name: str, what: str) -> None:
        """Wait until a job that was to linger has been cancelled, or is gone."""
        guest = self.guests[name]
        self.until(lambda: bool(guest.heard("lingering")) or not guest.here, what)

    def departure(self, name: str, what: str, patience_sec: float = PATIENCE_SEC) -> Guest:
        """Wait until a job does not run any more."""
        guest = self.guests[name]
        self.until(lambda: not guest.here, what, patience_sec)
        return guest

    def here(self, prefix: str = "") -> list[str]:
        """Name the jobs that run."""
        return [name for name, guest in self.guests.items() if guest.here and name.startswith(prefix)]

    def finish(self, name: str, value: object = None) -> None:
        """Have a job return."""
        self.guests[name].tell("return", value)

    def end(self, name: str) -> None:
        """Have a job return its name, and wait for its caller to be told."""
        self.finish(name, name)
        assert self.result(name, "a job should have ended") == ["value", name], "a job's result was lost"

    def result(self, name: str, what: str) -> list[Any]:
        """Wait for a job's outcome."""
        return shaped(self.call("result", name, what=what))

    def obey(self, name: str, *command: object) -> None:
        """Have a job do something, and wait until it has."""
        guest = self.guests[name]
        before = len(guest.said)
        guest.tell(*command)
        self.until(lambda: len(guest.said) > before, f"a job should have gone on ({command[0]})")

    def spin(self, name: str) -> None:
        """Have a job in a process compute for ever, and wait until it does."""
        guest = self.guests[name]
        guest.tell("spin", *SPIN)
        self.until(lambda: bool(guest.heard("spun")), "a job should have begun to compute")

    # ---- time

    def until(self, is_so: Callable[[], bool], what: str, patience_sec: float = PATIENCE_SEC) -> None:
        """Pump until something is so; AssertionError with `what` when patience ends."""
        deadline = perf_counter() + patience_sec
        self.pump(0)
        while not is_so():
            left = deadline - perf_counter()
            assert left > 0, f"{what}, and had not after {patience_sec:g} s"
            self.pump(min(left, TURN_SEC))

    def settle(self, seconds: float = SETTLE_SEC) -> None:
        """Pump for a while."""
        deadline = perf_counter() + seconds
        while (left := deadline - perf_counter()) > 0:
            self.pump(min(left, TURN_SEC))

    def pump(self, seconds: float) -> None:
        """Take what has happened, waiting up to `seconds` for a call to land."""
        self._meet()
        for landing in self._flight.wait(min(seconds, GLANCE_SEC) if self._asked else seconds):
            self._landings[landing.ticket] = (landing.outcome, landing.started_at, landing.landed_at)
        self._meet()

    def _meet(self) -> None:
        watched = [self._listener.fileno(), *self._open]
        poller = select.poll()
        for fd in watched:
            poller.register(fd, select.POLLIN)
        now = perf_counter()
        for fd, _ in poller.poll(0):
            if fd == self._listener.fileno():
                self._accept(now)
            elif fd in self._open:
                self._hear(self._open[fd], now)

    def _accept(self, now: float) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            assert len(self._open) < MAX_GUESTS, "far more jobs run than were submitted"
            guest = Guest(connection, arrived_at=now)
            self._open[connection.fileno()] = guest
            self._hear(guest, now)

    def _hear(self, guest: Guest, now: float) -> None:
        if guest.closed_at is not None:
            return
        try:
            data = guest.connection.recv(MAX_LINE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(guest, now)
            return
        *lines, guest.rest = (guest.rest + data).split(b"\n")
        assert len(guest.rest) < MAX_LINE_BYTES, "a job said something endless"
        for line in lines:
            self._take(guest, parsed(line), now)

    def _take(self, guest: Guest, line: dict[str, Any], now: float) -> None:
        if "name" in line and not guest.name:
            self._greet(guest, line, now)
        elif guest.said_bye:
            raise AssertionError(f"the job {guest.name} said that it ended, and went on")
        elif "bye" in line:
            guest.left_at, guest.said_bye = guest.left_at or now, True
        elif "said" in line:
            self._said(guest, line["said"], now)
        else:
            guest.said.append(line)
            assert len(guest.said) < MAX_SAID, "a job, or a map that takes its items, does not stop"

    def _said(self, guest: Guest, number: object, now: float) -> None:
        asked = self._asked.pop(number, None) if isinstance(number, int) else None
        whom, ticket, started_at = asked or (None, 0, 0.0)
        assert whom is guest, "a job said a number that it was not asked for"
        self._landings[ticket] = (Finished(number, ""), started_at, now)

    def _greet(self, guest: Guest, line: dict[str, Any], now: float) -> None:
        name = str(line["name"])
        guest.name, guest.arrived_at = self._names.get(name, name), now
        guest.pid, guest.thread, guest.var = line.get("pid", 0), line.get("thread", 0), line.get("var", "")
        assert guest.name not in self.guests, f"the job {guest.name} ran more than once"
        self.guests[guest.name] = guest
        for other in list(self._open.values()):  # what made room for this one was said before, and may be unread
            if other is not guest and other.name:
                self._hear(other, now)
        kind = guest.name.partition("-")[0]
        count = len(self.here(f"{kind}-"))
        self.most_here[kind] = max(count, self.most_here.get(kind, 0))

    def _lose(self, guest: Guest, now: float) -> None:
        guest.closed_at = now
        guest.left_at = guest.left_at or now
        del self._open[guest.connection.fileno()]
        guest.connection.close()

    @contextmanager
    def executor(self, ex: str, **limits: int) -> Iterator[None]:
        """Open an executor with few slots, and in the end let every job go and shut it down."""
        self.call("open_", ex, SMALL | limits, what="an executor should have opened")
        yield
        for guest in self._open.values():
            guest.tell("return", None)
        self.call(
            "shutdown", ex, False, 5.0, what="shutdown(drain=False) should have returned after its jobs were told to"
        )

    def close(self) -> None:
        """Hang up on everybody who is still there."""
        for guest in self._open.values():
            guest.connection.close()
        self._listener.close()


@contextmanager
def stage(subject: Subject) -> Iterator[Stage]:
    """Open a stage for one check, or one launch of a bar."""
    place = token_hex(NAME_BYTES)
    path = subject.rendezvous(place)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        path.chmod(0o666)
        listener.listen(1024)
        listener.setblocking(False)
        try:
            with subject.flight() as flight:
                opened = Stage(listener, place, flight, subject.stats)
                try:
                    yield opened
                finally:
                    opened.close()
        finally:
            path.unlink(missing_ok=True)


def shaped(answer: object) -> list[Any]:
    """Check the shape of an outcome that a driver gave."""
    told = isinstance(answer, list) and bool(answer) and isinstance(answer[0], str)
    assert told, "an outcome has the wrong shape"
    lengths = {"value": 2, "cancelled": 1, "raised": 6, "end": 1}
    assert lengths.get(answer[0]) == len(answer), "an outcome has the wrong shape"
    return answer
