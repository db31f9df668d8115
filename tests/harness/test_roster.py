"""The roster on real workers, with a control that only notes what it is asked: who is awake, started and spent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.listener import socket_path
from harness.outcome import BadReply, Crashed, Finished, OutOfMemory, Raised, TimedOut, TooMuchOnDisk
from harness.roster import Allowance, NotUsable, Roster
from harness.sandbox.doors import doors
from harness.sandbox.roles import Side, State, Stats, Subject

ONE, TWO = Subject(Side.CANDIDATE, 0), Subject(Side.REFERENCE, 0)

DRIVER = """
import os, time

def echo(value):
    return value

def leave():
    os._exit(3)

def sleep(seconds):
    time.sleep(seconds)

def seed():
    return os.environ["PYTHONHASHSEED"]
"""


@dataclass
class NotingControl:
    """Starts workers as plain processes, and notes who is frozen."""

    folder: Path
    frozen: set[Subject] = field(default_factory=set)
    workers: dict[Subject, subprocess.Popen[bytes]] = field(default_factory=dict)
    out_of_memory: bool = False

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        for subject, door in doors(subjects).items():
            self.end(subject)
            environment = {
                **os.environ,
                "TAKEHOME_SOCKET": str(socket_path(self.folder, subject.side, door)),
                "TAKEHOME_SUBMISSION": str(self.folder),
                "TAKEHOME_DRIVER": str(self.folder),
                "PYTHONHASHSEED": str(hash_seed),
            }
            self.workers[subject] = subprocess.Popen([sys.executable, "-m", "harness.worker"], env=environment)
            self.frozen.discard(subject)

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        assert not self.frozen & set(pause), "paused twice"
        assert set(resume) <= self.frozen, "resumed one that was awake"
        self.frozen = (self.frozen | set(pause)) - set(resume)
        return self.stats(watch)

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        return [self._stats(subject) for subject in subjects]

    def end(self, subject: Subject) -> None:
        worker = self.workers.pop(subject, None)
        if worker is not None:
            worker.send_signal(signal.SIGKILL)
            worker.wait()

    def _stats(self, subject: Subject) -> Stats:
        try:
            code = self.workers[subject].wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            return Stats(State.RUNNING, cpu_sec=1.0, memory_peak_mb=10.0)
        return Stats(State.EXITED, exit_code=code, oom_killed=self.out_of_memory, cpu_sec=1.0, memory_peak_mb=20.0)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[NotingControl]:
    (tmp_path / "driver.py").write_text(DRIVER, "utf-8")
    for side in Side:
        (tmp_path / side.value).mkdir()
    control = NotingControl(tmp_path)
    yield control
    for subject in list(control.workers):
        control.end(subject)


@pytest.fixture
def roster(control: NotingControl) -> Iterator[Roster]:
    roster = Roster(control, control.folder, Allowance(call_sec=5.0, side_sec=60.0, memory_mb=64))
    yield roster
    roster.close()


def test_only_the_one_being_called_is_awake(roster: Roster, control: NotingControl) -> None:
    roster.start([ONE, TWO], hash_seed=7)
    for subject, other in ((ONE, TWO), (TWO, ONE), (TWO, ONE), (ONE, TWO)):
        assert roster.call(subject, "echo", 5) == Finished(5)
        assert control.frozen == {other}
    roster.freeze_all()
    assert control.frozen == {ONE, TWO}


def test_a_pair_gets_one_hash_seed(roster: Roster) -> None:
    roster.start([ONE, TWO], hash_seed=7)
    assert [roster.call(subject, "seed") for subject in (ONE, TWO)] == [Finished("7"), Finished("7")]


def test_a_pair_is_fresh_until_one_of_it_is_called_or_started_alone(roster: Roster) -> None:
    assert not roster.fresh([ONE, TWO])
    roster.start([ONE, TWO], hash_seed=7)
    assert roster.fresh([ONE, TWO])
    assert roster.fresh([TWO])
    roster.call(ONE, "seed")
    assert not roster.fresh([ONE, TWO])
    roster.start([ONE, TWO], hash_seed=8)
    roster.start([TWO], hash_seed=9)
    assert roster.fresh([TWO])
    assert not roster.fresh([ONE, TWO])


def test_a_crash_is_explained_and_the_subject_can_be_started_again(roster: Roster) -> None:
    roster.start([ONE], hash_seed=1)
    assert roster.call(ONE, "leave") == Crashed(exit_code=3)
    assert not roster.started(ONE)
    roster.start([ONE], hash_seed=2)
    assert roster.call(ONE, "echo", [1]) == Finished([1])


def test_a_crash_for_want_of_memory_says_so(roster: Roster, control: NotingControl) -> None:
    roster.start([ONE], hash_seed=1)
    control.out_of_memory = True
    assert roster.call(ONE, "leave") == OutOfMemory(64)


def test_a_driver_that_does_not_load_answers_every_call_with_why(control: NotingControl, roster: Roster) -> None:
    (control.folder / "driver.py").write_text("import nowhere", "utf-8")
    roster.start([ONE], hash_seed=1)
    for _ in range(2):
        outcome = roster.call(ONE, "echo", 1)
        assert isinstance(outcome, Raised)
        assert outcome.type_name == "ModuleNotFoundError"


def test_a_side_that_never_loads_is_known_after_two_attempts(control: NotingControl, roster: Roster) -> None:
    assert not roster.never_loads(ONE)
    (control.folder / "driver.py").write_text("import nowhere", "utf-8")
    for known in (False, True):
        roster.start([ONE], hash_seed=1)
        assert isinstance(roster.failed_load(ONE), Raised)
        assert roster.never_loads(ONE) is known
    assert not roster.never_loads(TWO)


def test_a_side_that_loaded_once_is_tried_again_however_often_it_fails(control: NotingControl, roster: Roster) -> None:
    roster.start([ONE], hash_seed=1)
    assert roster.failed_load(ONE) is None
    (control.folder / "driver.py").write_text("import nowhere", "utf-8")
    for _ in range(3):
        roster.start([ONE], hash_seed=1)
    assert not roster.never_loads(ONE)


def test_who_has_no_time_left_to_load_has_not_failed_to(control: NotingControl) -> None:
    roster = Roster(control, control.folder, Allowance(call_sec=5.0, side_sec=0.5, memory_mb=64))
    roster.start([ONE], hash_seed=1)
    roster.call(ONE, "sleep", 3)
    roster.start([ONE], hash_seed=1)
    assert roster.failed_load(ONE) is None
    assert roster.call(ONE, "echo", 1) == TimedOut(0.5)
    roster.close()


def test_a_worker_that_never_connects_has_crashed(control: NotingControl, roster: Roster) -> None:
    (control.folder / "driver.py").unlink()
    roster.start([ONE], hash_seed=1)
    assert not isinstance(roster.call(ONE, "echo", 1), Finished)


def test_a_side_that_used_up_its_time_is_not_asked_again(control: NotingControl) -> None:
    roster = Roster(control, control.folder, Allowance(call_sec=5.0, side_sec=0.6, memory_mb=64))
    roster.start([ONE], hash_seed=1)
    outcome = roster.call(ONE, "sleep", 3)
    assert isinstance(outcome, TimedOut)
    assert outcome.timeout_sec <= 0.6
    assert isinstance(roster.call(ONE, "echo", 1), TimedOut | BadReply)
    roster.start([ONE], hash_seed=1)
    assert not isinstance(roster.call(ONE, "echo", 1), Finished)
    roster.close()


def test_cpu_adds_up_over_starts_and_the_peak_is_kept(control: NotingControl, roster: Roster) -> None:
    for seed in (1, 2, 3):
        roster.start([ONE], hash_seed=seed)
    roster.close()
    assert roster.peaks[ONE].cpu_sec == 3.0
    assert roster.peaks[ONE].memory_peak_mb == 10.0


def test_a_flight_wakes_its_subject_alone_and_spends_its_time(control: NotingControl, roster: Roster) -> None:
    (control.folder / "driver.py").write_text(DRIVER.replace("def ", "async def "), "utf-8")
    roster.start([ONE, TWO], hash_seed=1)
    with roster.flight(TWO) as flight:
        assert control.frozen == {ONE}
        tickets = [flight.start("echo", number) for number in range(3)]
        assert [flight.landed(ticket, 5.0) for ticket in tickets] == [Finished(0), Finished(1), Finished(2)]
    assert roster.started(TWO)
    assert roster.spent_sec[Side.REFERENCE] > 0
    with roster.flight(ONE) as flight:
        flight.start("sleep", 30)
    assert not roster.started(ONE)


def test_no_flight_begins_with_a_subject_that_did_not_load_or_has_no_time_left(control: NotingControl) -> None:
    roster = Roster(control, control.folder, Allowance(call_sec=5.0, side_sec=0.5, memory_mb=64))
    roster.start([ONE], hash_seed=1)
    roster.call(ONE, "sleep", 3)
    with pytest.raises(NotUsable, match="no answer"), roster.flight(ONE):
        pass
    (control.folder / "driver.py").write_text("import nowhere", "utf-8")
    roster.start([TWO], hash_seed=1)
    with pytest.raises(NotUsable, match="nowhere"), roster.flight(TWO):
        pass
    roster.close()


def test_one_that_keeps_too_much_on_its_disk_is_frozen_and_has_to_be_started_again(
    control: NotingControl, tmp_path: Path
) -> None:
    disks = tmp_path / "disks"
    for side in Side:
        (disks / side.value).mkdir(parents=True)
    allowance = Allowance(call_sec=5.0, side_sec=60.0, memory_mb=64, disk_mb=1)
    roster = Roster(control, control.folder, allowance, disks)
    roster.start([ONE], hash_seed=7)
    assert roster.disk(Side.CANDIDATE) == disks / "candidate"
    (disks / "candidate" / "big").write_bytes(b"x" * 2 * 1024**2)
    outcome = roster.call(ONE, "sleep", 4.0)
    assert outcome == TooMuchOnDisk("keeps more than its 1 MiB on its disk")
    assert ONE in control.frozen
    assert not roster.started(ONE)
    (disks / "candidate" / "big").unlink()
    roster.start([ONE], hash_seed=8)
    assert roster.call(ONE, "echo", 1) == Finished(1)
    roster.close()


def test_without_a_declared_disk_there_is_none(roster: Roster) -> None:
    with pytest.raises(LookupError):
        roster.disk(Side.CANDIDATE)
