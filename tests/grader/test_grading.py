"""What a grading does when its parts fail: a result that says whose fault it was, and everything stopped.

The sandbox here is the fake one; its grader follows a script.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from grader.catalogue import load_entry
from grader.errors import IntakeRefused
from grader.grading import GradingOutcome, GradingRequest, grade
from grader.interruption import Interrupted, interruptible
from grader.venue import Venue
from grader.verdict import Verdict
from harness.control.client import ControlClient
from harness.control.messages import Job, Progress, Result
from harness.errors import EngineUnavailable, HarnessError, SandboxFailed
from harness.sandbox.cores import Cores
from harness.sandbox.fake import FakeSandbox
from harness.sandbox.roles import Isolation, Limits, Sandbox, Side, Staged, Subject
from tests.grader.gradings import bar, check, evidence
from tests.grader.tally import SLUG, solution, write_tally

Script = Callable[[ControlClient, Job], None]


def give_result(control: ControlClient, job: Job) -> None:
    ids = job.select or ("adds-up", "empty", "bulk", "again")
    found = evidence(
        checks=[check(id_) for id_ in ids if id_ in {"adds-up", "empty"}],
        bars=[bar(id_) for id_ in ids if id_ in {"bulk", "again"}],
        control={"bar": "bulk", "ratio": {"estimate": 1.0, "low": 0.99, "high": 1.01, "confidence": 0.99}},
    )
    control.progress(Progress("grading", "adds-up", 0, 4, ""))
    control.result(Result(found.model_dump(mode="json"), '{"benchmarks": []}'))


def say_nothing(control: ControlClient, job: Job) -> None:
    """End at once: the stream closes."""


def give_nonsense(control: ControlClient, job: Job) -> None:
    control.result(Result({"checks": "all fine"}, ""))


def never_end(control: ControlClient, job: Job) -> None:
    """Wait for a message that never comes, until the host hangs up."""
    control.receive_job()


def ask_for_stats(control: ControlClient, job: Job) -> None:
    control.restart([Subject(Side.CANDIDATE, 0)], hash_seed=1)
    control.stats([Subject(Side.CANDIDATE, 0)])


class ScriptedSandbox(FakeSandbox):
    """A sandbox whose grader follows `script`, and whose start and stop can be made to fail."""

    def __init__(
        self,
        script: Script,
        *,
        start_fails: HarnessError | None = None,
        stats_fail: HarnessError | None = None,
        stop_fails: HarnessError | None = None,
    ) -> None:
        super().__init__(self._play, log="the last words")
        self.job: Job | None = None
        self._script = script
        self._start_fails = start_fails
        self._stop_fails = stop_fails
        if stats_fail is not None:
            self.failing["stats"] = stats_fail

    def start(self) -> BinaryIO:
        if self._start_fails is not None:
            raise self._start_fails
        return super().start()

    def stop(self) -> None:
        super().stop()
        if self._stop_fails is not None:
            raise self._stop_fails

    def _play(self, reader: BinaryIO, writer: BinaryIO) -> None:
        control = ControlClient(reader, writer)
        self.job = control.receive_job()
        self._script(control, self.job)


@dataclass(frozen=True)
class Stage(Venue):
    """A venue with one sandbox, prepared beforehand."""

    prepared: ScriptedSandbox | None = None

    @contextmanager
    def sandbox(self, staged: Staged, limits: Limits, cores: Cores) -> Iterator[Sandbox]:
        assert self.prepared is not None
        yield self.prepared


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tally(tmp_path / "root")


def graded(root: Path, sandbox: ScriptedSandbox, on_progress: Any = lambda _: None, **changes: Any) -> GradingOutcome:
    venue = Stage(Isolation.DOCKER, (0, 1), image_digest="sha256:" + "2" * 64, prepared=sandbox)
    request = GradingRequest(root, load_entry(root, SLUG), solution(root, "reference"), venue, **changes)
    return grade(request, on_progress)


def test_a_grading_gives_result_and_benchmarks_and_stops(root: Path, temporary: Path) -> None:
    sandbox = ScriptedSandbox(give_result)
    steps: list[Progress] = []
    outcome = graded(root, sandbox, steps.append, seed=11)
    assert outcome.result.verdict is Verdict.PASS
    assert outcome.result.seed == 11
    assert outcome.result.submission.name == "reference"
    assert outcome.result.image_digest == "sha256:" + "2" * 64
    assert outcome.benchmarks == '{"benchmarks": []}'
    assert [step.phase for step in steps] == ["staging", "starting", "grading"]
    assert sandbox.stopped == 1
    assert list(temporary.iterdir()) == []


def test_the_job_carries_the_challenges_limits_and_the_seed(root: Path) -> None:
    sandbox = ScriptedSandbox(give_result)
    graded(root, sandbox, seed=11, selected=("bulk",))
    assert sandbox.job == Job(
        slug=SLUG,
        seed=11,
        select=("bulk",),
        bars=True,
        memory_mb=128,
        call_timeout_sec=5.0,
        subject_cores=(1,),
        grader_cores=(0,),
        isolation=Isolation.DOCKER,
    )


def test_without_a_seed_each_grading_has_its_own(root: Path) -> None:
    seeds = {graded(root, ScriptedSandbox(give_result)).result.seed for _ in range(4)}
    assert len(seeds) == 4


def test_a_partial_grading_is_no_pass(root: Path) -> None:
    result = graded(root, ScriptedSandbox(give_result), selected=("adds-up",)).result
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.selected == ["adds-up"]


@pytest.mark.parametrize(
    ("sandbox", "told"),
    [
        (ScriptedSandbox(say_nothing), "the last words"),
        (ScriptedSandbox(give_nonsense), "malformed"),
        (ScriptedSandbox(give_result, start_fails=SandboxFailed("no room")), "no room"),
        (ScriptedSandbox(give_result, start_fails=EngineUnavailable("engine gone")), "engine gone"),
        (ScriptedSandbox(ask_for_stats, stats_fail=EngineUnavailable("engine gone")), "engine gone"),
        (ScriptedSandbox(give_result, stop_fails=SandboxFailed("cannot remove")), "cannot remove"),
        (ScriptedSandbox(say_nothing, stop_fails=SandboxFailed("cannot remove")), "the last words"),
    ],
    ids=["grader dies", "nonsense", "start fails", "no engine", "engine lost", "stop fails", "dies, and stop fails"],
)
def test_a_fault_of_ours_is_a_result_that_says_so(
    root: Path, temporary: Path, sandbox: ScriptedSandbox, told: str
) -> None:
    outcome = graded(root, sandbox)
    assert outcome.result.verdict is Verdict.ERROR
    assert outcome.result.score is None
    assert told in " ".join(outcome.result.faults)
    assert outcome.benchmarks == ""
    assert sandbox.stopped >= 1
    assert list(temporary.iterdir()) == []


def test_a_grader_that_never_ends_is_stopped_at_the_limit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.grading.START_SEC", 0.2)
    monkeypatch.setattr("grader.grading.PATIENCE", 0.0)
    sandbox = ScriptedSandbox(never_end)
    outcome = graded(root, sandbox)
    assert outcome.result.verdict is Verdict.ERROR
    assert "no result within 0.2 s" in outcome.result.faults[0]
    assert sandbox.stopped >= 1


def test_being_told_to_stop_stops_the_sandbox_and_is_passed_on(root: Path, temporary: Path) -> None:
    def interrupt(control: ControlClient, job: Job) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        never_end(control, job)

    sandbox = ScriptedSandbox(interrupt)
    with pytest.raises(Interrupted), interruptible():
        graded(root, sandbox)
    assert sandbox.stopped >= 1
    assert list(temporary.iterdir()) == []


def test_being_told_to_stop_while_stopping_is_passed_on_when_all_is_stopped(root: Path, temporary: Path) -> None:
    class Told(ScriptedSandbox):
        def stop(self) -> None:
            signal.raise_signal(signal.SIGINT)
            super().stop()

    sandbox = Told(give_result)
    with pytest.raises(Interrupted), interruptible():
        graded(root, sandbox)
    assert sandbox.stopped == 1
    assert list(temporary.iterdir()) == []


def test_a_submission_that_cannot_be_taken_starts_nothing(root: Path, temporary: Path) -> None:
    (solution(root, "reference") / "solution.py").unlink()
    sandbox = ScriptedSandbox(give_result)
    with pytest.raises(IntakeRefused):
        graded(root, sandbox)
    assert sandbox.stopped == 0
    assert list(temporary.iterdir()) == []
