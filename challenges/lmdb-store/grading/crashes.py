"""Kill writers at random moments, and compare what is found afterwards with what was acknowledged.

Theory of operation: the grader listens on a Unix socket. The process that writes connects to it, and tells a number
before each batch: how many are stored, by its own account. So whatever the grader has heard is acknowledged, whatever
became of the process. Most writers are children of the driver's, killed after a time that the grader chose; some are
the whole container, killed by the grader itself with the call in flight.
"""

import itertools
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from columns import rows_of
from model import Row

from grader.plugin.facade import SubjectFacade

KILLED_CONTAINERS = 10
CHILDREN_A_PLAN = 10

HEADS = 8
LONG_VALUE_BYTES = 20_000

CALIBRATION_SEC = 0.25
CONNECT_SEC = 10.0
HEARD_SEC = 5.0
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Shape:
    """How many batches a plan has, and of what: rows, and the least and most bytes of a row's value."""

    batches: int
    rows: int
    value_bytes: tuple[int, int]


SMALL = Shape(12, 150, (20, 500))
HEAVY = Shape(4, 75, (30_000, 50_000))
MANY = Shape(2, 10_000, (150, 300))
SHAPES = (SMALL, SMALL, HEAVY, MANY, MANY)
"""A store may be tempted to commit three megabytes, of few rows or of thousands, in parts."""


@dataclass(frozen=True)
class Plan:
    """The batches that writers store, over and over."""

    batches: list[list[Row]]

    def after(self, stored: int) -> dict[tuple[str, int, int], bytes]:
        """Give all rows when so many batches are stored."""
        rows: dict[tuple[str, int, int], bytes] = {}
        last = min(stored, len(self.batches))
        order = [(stored - 1 - back) % len(self.batches) for back in range(last)]
        for number in reversed(order):
            for tenant, ts, seq, value in self.batches[number]:
                rows[tenant, ts, seq] = value
        if stored:
            rows["m-number", 0, 0] = str(stored).encode()
        return rows


def draw_plan(rng: Random, shape: Shape) -> Plan:
    """Draw batches: rows of their own, one of them long, and rows at both ends and between that each overwrites."""
    batches = []
    size = partial(rng.randint, *shape.value_bytes)
    for number in range(shape.batches):
        rows: list[Row] = [
            [f"{rng.choice('abyz')}{number}", rng.randint(-(2**60), 2**60), position, rng.randbytes(size())]
            for position in range(shape.rows)
        ]
        rows += [[tenant, head, 0, rng.randbytes(30)] for tenant in ("", "m", "zz") for head in range(HEADS)]
        rows.append(["m-long", number, 0, rng.randbytes(LONG_VALUE_BYTES)])
        rng.shuffle(rows)
        batches.append(rows)
    return Plan(batches)


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

    def accept(self, timeout_sec: float) -> bool:
        """Wait for the writer to connect."""
        self._listener.settimeout(timeout_sec)
        with suppress(TimeoutError):
            self._connection, _ = self._listener.accept()
        return self._connection is not None

    def heard(self) -> int | None:
        """Hear the writer out, which has been killed; give how many batches it said were stored."""
        if self._connection is None and not self.accept(0.05):
            return None
        assert self._connection is not None
        self._connection.settimeout(HEARD_SEC)
        data = bytearray()
        with suppress(ConnectionError, TimeoutError):
            while more := self._connection.recv(65_536):
                data += more
        whole = len(data) // 4 * 4
        return int.from_bytes(data[whole - 4 : whole], "big") if whole else None

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
    for shape in SHAPES:
        plan = draw_plan(rng, shape)
        subject.value("keep_batches", plan.batches)
        window_sec = _calibrated(subject, shape.batches)
        for _ in range(CHILDREN_A_PLAN):
            folder = f"crash-{next(NUMBERS)}"
            with listening(subject) as ear:
                killed = subject.value("crash", ear.name, folder, rng.uniform(*window_sec))
                assert killed is True, "a process that stored batches ended by itself"
                _compare(subject, plan, folder, ear.heard(), rng)


def _calibrated(subject: SubjectFacade, batches: int) -> tuple[float, float]:
    """Tell from when on and until when a kill falls among the first batches, by trying it once."""
    folder = f"crash-{next(NUMBERS)}"
    with listening(subject) as ear:
        subject.value("crash", ear.name, folder, CALIBRATION_SEC)
        stored = ear.heard() or 1
    subject.value("remove", folder)
    each_sec = min(CALIBRATION_SEC / max(stored, 1), CALIBRATION_SEC / batches)
    return each_sec, 2.5 * batches * each_sec + 0.01


def kill_containers(subject: SubjectFacade, rng: Random) -> None:
    """Kill the whole container, with the call that writes in flight."""
    plan = draw_plan(rng, SMALL)
    for _ in range(KILLED_CONTAINERS):
        subject.value("keep_batches", plan.batches)
        folder = f"crash-{next(NUMBERS)}"
        with listening(subject) as ear:
            with subject.flight() as flight:
                flight.start("write_for_ever", ear.name, folder)
                flight.wait(0.0)
                if not ear.accept(CONNECT_SEC):
                    raise AssertionError("a process that should store batches did not begin")
                time.sleep(rng.uniform(0.0, 0.03))
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
        case ["raised", name, message]:
            raise AssertionError(f"after a writer was killed, opening, reading or writing raised {name}: {message}")
        case _:
            raise AssertionError("what was found after a writer was killed has the wrong shape")
    rows = {(tenant, ts, seq): value for tenant, ts, seq, value in rows_of(columns)}
    acknowledged = 0 if stored is None else stored
    if rows not in (plan.after(acknowledged), plan.after(acknowledged + 1)):
        raise AssertionError(_difference(rows, plan, acknowledged))
    assert (put, got) == (1, extra[0][3]), "a write after a crash was not there when it was read"


def _difference(rows: dict[tuple[str, int, int], bytes], plan: Plan, acknowledged: int) -> str:
    right, next_ = plan.after(acknowledged), plan.after(acknowledged + 1)
    lost = sum(rows.get(key) != value and rows.get(key) != next_.get(key) for key, value in right.items())
    early = sum(right.get(key) != value for key, value in rows.items())
    new = sum(right.get(key) != value for key, value in next_.items())
    told = f"a writer was killed when {acknowledged} batches were acknowledged"
    if lost:
        return f"{told}: {lost} of their {len(right)} rows are lost or have other values"
    return f"{told}: of the next batch {early} of {new} rows are there; a batch is there as a whole or not at all"
