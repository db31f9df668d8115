"""Kill writers at random moments, and compare what is found afterwards with what was acknowledged.

Theory of operation: the grader listens on a Unix socket. The process that writes connects to it, and tells a number
before each write: how many are done, by its own account. So whatever the grader has heard is acknowledged, whatever
became of the process. It is killed when so many were heard as the grader has drawn, and a moment later: who stops
writing is never killed, and fails. Most writers are children of the driver's; some are the whole container, killed by
the grader itself with the call in flight.
"""

import itertools
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from columns import rows_of
from model import Row
from plans import DRAWN_SHAPES, SHAPES, SMALL, Plan, draw_plan, draw_shape

from grader.plugin.facade import SubjectFacade

KILLED_CONTAINERS = 10
CHILDREN_A_PLAN = 10

ROUNDS_OF_A_PLAN = 2.5
"""How often a writer goes through its plan at most before it is killed."""

LATER = 1.5
"""How much later a kill comes at most, in times of what a write takes: anywhere within the next one, or just after."""

LATEST_SEC = 0.5
CONNECT_SEC = 10.0
WRITTEN_SEC = 10.0
"""How long the writes may take that a kill waits for."""

HEARD_SEC = 5.0
NUMBERS = itertools.count()


class Ear:
    """Hears what one writer acknowledges."""

    def __init__(self, subject: SubjectFacade) -> None:
        self.name = f"acknowledged-{os.getpid()}-{next(NUMBERS)}"
        self._path: Path = subject.rendezvous(self.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._path.chmod(0o777)
        self._listener.listen(1)
        self._connection: socket.socket | None = None
        self._data = bytearray()

    def wait_for(self, wanted: int) -> float:
        """Wait until so many writes are acknowledged; give how long each took."""
        if not self._accept(CONNECT_SEC):
            raise AssertionError("a process that should store batches did not begin")
        began = time.monotonic()
        while (self._number() or 0) < wanted:
            left_sec = began + WRITTEN_SEC - time.monotonic()
            if left_sec <= 0 or not self._receive(left_sec):
                raise AssertionError(
                    f"a process that stores batches and deletes ranges, one after the other, had done "
                    f"{self._number() or 0} of the {wanted} that were waited for after {time.monotonic() - began:.1f} s"
                )
        return (time.monotonic() - began) / max(wanted, 1)

    def heard(self) -> int | None:
        """Hear the writer out, which has been killed; give how many writes it said were done."""
        if self._connection is None and not self._accept(0.05):
            return None
        while self._receive(HEARD_SEC):
            pass
        return self._number()

    def _accept(self, timeout_sec: float) -> bool:
        """Wait for the writer to connect."""
        self._listener.settimeout(timeout_sec)
        with suppress(TimeoutError):
            self._connection, _ = self._listener.accept()
        return self._connection is not None

    def _receive(self, timeout_sec: float) -> bool:
        """Wait for more; tells whether there was any."""
        assert self._connection is not None
        self._connection.settimeout(timeout_sec)
        with suppress(ConnectionError, TimeoutError):
            more = self._connection.recv(65_536)
            self._data += more
            return bool(more)
        return False

    def _number(self) -> int | None:
        """Give the last number that was heard as a whole."""
        whole = len(self._data) // 4 * 4
        return int.from_bytes(self._data[whole - 4 : whole], "big") if whole else None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def listening(subject: SubjectFacade) -> Iterator[Ear]:
    """Listen to one writer."""
    ear = Ear(subject)
    try:
        yield ear
    finally:
        ear.close()


def kill_children(subject: SubjectFacade, rng: Random) -> None:
    """Kill children of the driver's."""
    for shape in (*SHAPES, *(draw_shape(rng) for _ in range(DRAWN_SHAPES))):
        plan = draw_plan(rng, shape)
        subject.value("keep_steps", plan.plain)
        each_sec = 0.0
        for number in range(CHILDREN_A_PLAN):
            folder = f"crash-{next(NUMBERS)}"
            with listening(subject) as ear:
                subject.value("begin_crash", ear.name, folder)
                try:
                    took_sec = ear.wait_for(_wanted(rng, plan) if number else len(plan.steps))
                    each_sec = each_sec or took_sec  # by the first, which tells how long that is
                    time.sleep(rng.uniform(0.0, min(LATER * each_sec, LATEST_SEC)))
                finally:
                    killed = subject.value("end_crash")
                assert killed is True, "a process that stored batches ended by itself"
                _compare(subject, plan, folder, ear.heard(), rng)


def _wanted(rng: Random, plan: Plan) -> int:
    return rng.randrange(round(ROUNDS_OF_A_PLAN * len(plan.steps)) + 1)


def kill_containers(subject: SubjectFacade, rng: Random) -> None:
    """Kill the whole container, with the call that writes in flight."""
    plan = draw_plan(rng, SMALL)
    for _ in range(KILLED_CONTAINERS):
        subject.value("keep_steps", plan.plain)
        folder = f"crash-{next(NUMBERS)}"
        with listening(subject) as ear:
            with subject.flight() as flight:
                flight.start("write_for_ever", ear.name, folder)
                flight.wait(0.0)
                each_sec = ear.wait_for(_wanted(rng, plan))
                time.sleep(rng.uniform(0.0, min(LATER * each_sec, LATEST_SEC)))
                subject.restart()
            stored = ear.heard()
            _compare(subject, plan, folder, stored, rng)


def _compare(subject: SubjectFacade, plan: Plan, folder: str, stored: int | None, rng: Random) -> None:
    extra: list[Row] = [["extra", rng.getrandbits(40), 7, rng.randbytes(20)]]
    answer = subject.value("found", folder, extra)
    subject.value("remove", folder)
    match answer:
        case ["gave", [columns, put, [got]]]:
            pass
        case ["raised", str(name), str(message)]:
            raised = f"{name[:80]}: {message[:500]}"
            raise AssertionError(f"after a writer was killed, opening, reading or writing raised {raised}")
        case _:
            raise AssertionError("what was found after a writer was killed has the wrong shape")
    rows = {(tenant, ts, seq): value for tenant, ts, seq, value in rows_of(columns)}
    acknowledged = 0 if stored is None else stored
    if rows not in (plan.after(acknowledged), plan.after(acknowledged + 1)):
        raise AssertionError(_difference(rows, plan, acknowledged))
    assert (put, got) == (1, extra[0][3]), "a write after a crash was not there when it was read"


def _difference(rows: dict[tuple[str, int, int], bytes], plan: Plan, acknowledged: int) -> str:
    right, next_ = plan.after(acknowledged), plan.after(acknowledged + 1)
    lost = sum(rows.get(key) not in (right.get(key), next_.get(key)) for key in {**right, **rows})
    changed = [key for key in {**right, **next_} if right.get(key) != next_.get(key)]
    early = sum(rows.get(key) == next_.get(key) for key in changed)
    told = f"a writer was killed when {acknowledged} batches and deletions were acknowledged"
    if lost:
        return f"{told}: of the {len(right)} rows that they leave {lost} are lost or others, or should not be there"
    return (
        f"{told}: of {len(changed)} rows that the next one stores or deletes {early} are as it leaves them; "
        "a batch is there as a whole or not at all, and so is a deletion"
    )
