"""At the door of a full lane: who is let in when there is room, and who comes or goes in that very moment.

Theory of operation: a lane of limit 1 is filled with jobs that meet the grader, and others wait to submit. Then a shot
is fired on the loop: at once a job ends or queued ones are cancelled, and so many turns of the loop later somebody
gives up, or comes. No answer says what came of it: afterwards the grader lets the jobs go one by one, and sees by
itself who was let in and in which order they run. Each race finds the lane as the one before has left it.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stage import Stage, Subject, stage

TURNS = 12
"""From when a job may end, an executor lets a submitter in within a few turns of the loop."""

ROOM_MADE = (
    ("io", "ended"),
    ("nested", "ended"),
    ("io", "cancelled"),
    ("blocking", "cancelled"),
    ("nested", "cancelled"),
)
"""Kinds of jobs, and how one makes room, which takes as many turns of the loop each time."""

WAITING_SEC = 0.002
"""Until who called submit waits for room, or has been let in when there was none."""

STEAD_SEC = 2.0


def demand_first_come(subject: Subject) -> None:
    """Race for room in every way."""
    numbers = itertools.count()
    with stage(subject) as on:
        for kind, room in ROOM_MADE:
            with _door(on, kind, 1, numbers) as door:
                for turns in range(TURNS):
                    _demand_all_or_nothing(door, room, turns)
                door.demand_whole()
            with _door(on, kind, 1, numbers) as door:
                for turns in range(TURNS):
                    _demand_let_in_first(door, room, turns)
        for kind in ("io", "blocking", "nested"):
            with _door(on, kind, 1, numbers) as door:
                _demand_let_in_first(door, "ended", None)
            with _door(on, kind, 2, numbers) as door:
                for turns in range(TURNS):  # room for both: who waited is let in, and may not have come round to it
                    _demand_let_in_first(door, "cancelled", turns)


@dataclass(frozen=True)
class Full:
    """The names of jobs that fill a lane, and of those whose submit waits, with its ticket."""

    running: str
    queued: list[str]
    waiting: dict[str, int]


class Door:
    """A lane of limit 1 in an executor of its own, filled again and again."""

    def __init__(self, on: Stage, ex: str, kind: str, places: int, numbers: Iterator[int]) -> None:
        self.on = on
        self.ex = ex
        self.kind = kind
        self.places = places
        self._numbers = numbers
        self._last = ""

    def name(self) -> str:
        """Give a new name for a job."""
        return f"{self.kind}-{next(self._numbers)}"

    def fill(self, waiting: int) -> Full:
        """Have one job run and the queue full, and so many more wait for room."""
        running, *queued = (self.name() for _ in range(1 + self.places))
        for name in (running, *queued):
            what = f"{self._last}submit should have accepted 1 {self.kind} job to run and {self.places} to be queued"
            self.on.submit(self.ex, self.kind, name, what=what)
        self.on.arrival(running, f"{self._last}a {self.kind} job should have started")
        names = [self.name() for _ in range(waiting)]
        tickets = {name: self.on.submitting(self.ex, self.kind, name) for name in names}
        self.on.settle(WAITING_SEC)
        early = sum(map(self.on.has_landed, tickets.values()))
        assert not early, (
            f"{self._last}with 1 {self.kind} job running and {self.places} queued, the limits of both, submit accepted "
            f"{early} more"
        )
        return Full(running, queued, tickets)

    def make_room(self, full: Full, room: str, shot: str) -> None:
        """Have the job that runs end upon a shot, or all that are queued be cancelled."""
        if room == "ended":
            self.on.obey(full.running, "upon", shot)
        else:
            for name in full.queued:
                self.on.start("upon", shot, 0, "cancel", name)

    def left(self, full: Full, room: str) -> list[str]:
        """Name those of the lane that have been left in it."""
        if room != "ended":
            return [full.running]
        self.on.departure(full.running, f"a running {self.kind} job should have ended")
        return list(full.queued)

    def demand_order(self, names: list[str], when: str) -> None:
        """Let jobs go one by one, and see that they run in this order."""
        prefix = f"{self.kind}-"
        for place, name in enumerate(names):
            self.on.until(lambda: bool(self.on.here(prefix)), f"{when}: every job should have run")
            here = [names.index(other) if other in names else -1 for other in self.on.here(prefix)]
            assert here == [place], (
                f"{when}: of {len(names)} jobs, counted from 0 by who was first to submit, number "
                f"{' and '.join(map(str, here))} ran when it was the turn of number {place} (-1 is one that was "
                "cancelled)"
            )
            self.on.finish(name)
            self.on.departure(name, "a job should have ended")
        self._last = f"{when}, and all jobs have ended: then "

    def demand_whole(self) -> None:
        """See that nothing of the lane was lost: fill it once more, and count when it is empty."""
        full = self.fill(waiting=1)
        last = self._last
        self.demand_order([full.running, *full.queued, *full.waiting], last.removesuffix(": then "))
        queued = self.on.call("stats", self.ex)[self.kind]["queued"]
        assert queued == 0, f"{last}stats() says that {queued} are queued"


@contextmanager
def _door(on: Stage, kind: str, places: int, numbers: Iterator[int]) -> Iterator[Door]:
    ex = f"door-{next(numbers)}"
    with on.executor(ex, io=1, blocking=1, cpu=1, nested=1, queue=places):
        yield Door(on, ex, kind, places, numbers)


def _demand_all_or_nothing(door: Door, room: str, turns: int) -> None:
    """Cancel a submitter at the very moment when it is let in: it is accepted, or its job never runs."""
    on, full = door.on, door.fill(waiting=2)
    first, second = full.waiting
    shot = f"shot-{first}"
    door.make_room(full, room, shot)
    on.start("upon", shot, turns, "cancel_submit", first)
    on.call("fire", shot)
    cancelled_then = f"the first of two submitters that waited was cancelled {turns} turns of the event loop later"
    when = f"{_freed(door, room)}, and {cancelled_then}"
    answer = on.outcome(full.waiting[first], f"{when}: it should have ended")
    left = door.left(full, room)
    if answer == ["cancelled"]:
        what = f"{when}: the other should have been let in, as there was room and nobody before it"
        on.outcome(full.waiting[second], what, STEAD_SEC)
    else:
        assert answer == ["accepted", "unset"], f"{when}: submit gave something else than a future or CancelledError"
        left.append(first)
    door.demand_order([*left, second], when)


def _demand_let_in_first(door: Door, room: str, turns: int | None) -> None:
    """Come when there is room for a submitter that waits, and see that it is let in first."""
    on, full, late = door.on, door.fill(waiting=1), door.name()
    submit = ("submit", door.ex, late, door.kind, "meet", on.invited(late), None, "unset")
    if turns is None:
        on.start("after", full.running, 0, *submit)
        on.finish(full.running)
    else:
        shot = f"shot-{late}"
        door.make_room(full, room, shot)
        on.start("upon", shot, turns, *submit)
        on.call("fire", shot)
    later = "once its result was known" if turns is None else f"{turns} turns of the event loop later"
    when = f"{_freed(door, room)} while a submitter waited for room, and {later} another called submit"
    left = door.left(full, room)
    door.demand_order([*left, *full.waiting, late], when)


def _freed(door: Door, room: str) -> str:
    if door.places > 1:
        return f"{door.places} queued {door.kind} jobs were cancelled"
    return f"a running {door.kind} job ended" if room == "ended" else f"a queued {door.kind} job was cancelled"
