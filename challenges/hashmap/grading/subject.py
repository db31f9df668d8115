"""The submission as the checks on large maps see it: asked, timed, and slow only where it is so most of the time."""

from collections.abc import Callable
from typing import Any, Protocol

from grader.plugin.facade import SubjectFailed
from harness.outcome import Finished, Outcome, describe
from harness.sandbox.roles import Stats

AGAIN = 6
"""Measurements of what was too slow once; half of them must be, so that being quick now and then helps nobody."""


class Subject(Protocol):
    """The part of the `submission` fixture that these checks need."""

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        """Call one of the driver's functions."""

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Give an answer and its seconds by the grader's clock."""

    def stats(self) -> Stats:
        """Read the subject's accounting."""


def ask(submission: Subject, doing: str, function: str, *args: object, timeout_sec: float | None = None) -> Any:
    """Call the driver and give its answer; fail the check in words when there is none."""
    outcome = submission.call(function, *args, timeout_sec=timeout_sec)
    if isinstance(outcome, Finished):
        return outcome.value
    raise AssertionError(f"{doing}: the submission {describe(outcome)}")


def timed(
    submission: Subject, doing: str, function: str, *args: object, timeout_sec: float, by_cpu: bool = False
) -> tuple[object, float]:
    """Give an answer and its seconds; fail the check in words when there is none.

    With `by_cpu` they are the subject's own on the processor, which no other program of a busy machine adds to; where
    the machine does not tell, they are those of the clock.
    """
    before = submission.stats().cpu_sec if by_cpu else None
    try:
        answer, seconds = submission.timed_call(function, *args, timeout_sec=timeout_sec)
    except SubjectFailed as failed:
        raise AssertionError(f"{doing}: the submission {failed}") from failed
    after = submission.stats().cpu_sec if by_cpu else None
    return answer, seconds if before is None or after is None else after - before


def slow_mostly(limit_sec: float, measure: Callable[[bool], float]) -> float | None:
    """Give the seconds of what is above a limit by the clock and then half of the time on the processor, or None.

    `measure` is told whether to measure on the processor, which takes longer.
    """
    if measure(False) <= limit_sec:
        return None
    slow = [seconds for seconds in (measure(True) for _ in range(AGAIN)) if seconds > limit_sec]
    return max(slow) if 2 * len(slow) >= AGAIN else None
