"""Replay operations in a submission, compare every answer with the model, and tell what went wrong as a short story."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import wording
from model import Model, Operation, Spec

from harness.outcome import Failure, Finished, Outcome, describe

REPLAY_TIMEOUT_SEC = 5.0
"""A replay takes the reference milliseconds; only a map that hangs takes this long."""

SHRINK_TRIES = 300
"""Each try is a replay of a millisecond or so; what is not short by then may stay long."""


class CanReplay(Protocol):
    """The part of the `submission` fixture that a replay needs."""

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        """Call one of the driver's functions."""


@dataclass(frozen=True)
class Mistake:
    """A replay that went wrong: its operations up to the wrong answer, or all of them when there was no answer."""

    specs: list[Spec]
    operations: list[Operation]
    answer: object = None
    failure: Failure | None = None

    def __str__(self) -> str:
        told = wording.story(self.specs, self.operations)
        if self.failure is not None:
            return f"the submission {describe(self.failure)} in `{told}`"
        last = wording.sentence(self.specs, self.operations[-1])
        replied = wording.reply(self.specs, self.operations[-1], self.answer)
        return f"`{last}` {replied}, which is wrong; it comes at the end of `{told}`"


def find_mistake(submission: CanReplay, specs: list[Spec], operations: list[Operation]) -> Mistake | None:
    """Replay operations and give the first wrong answer."""
    outcome = submission.call("replay", specs, operations, timeout_sec=REPLAY_TIMEOUT_SEC)
    if not isinstance(outcome, Finished):
        return Mistake(specs, operations, failure=outcome)
    expected = Model(specs).replay(operations)
    answers = outcome.value
    if answers == expected:
        return None
    if not isinstance(answers, list) or len(answers) != len(expected):
        return Mistake(specs, operations)
    position = next(i for i, (answer, right) in enumerate(zip(answers, expected, strict=True)) if answer != right)
    return Mistake(specs, operations[: position + 1], answer=answers[position])


def demand(submission: CanReplay, title: str, specs: list[Spec], operations: list[Operation]) -> None:
    """Fail the check with `title` and a short story unless every answer is right."""
    mistake = find_mistake(submission, specs, operations)
    if mistake is not None:
        raise AssertionError(f"{title}: {mistake}")


def demand_shrinking(submission: CanReplay, title: str, specs: list[Spec], operations: list[Operation]) -> None:
    """Do as `demand` does, with a shrunk story. Any selection of the operations must make sense: no iterators."""
    mistake = find_mistake(submission, specs, operations)
    if mistake is not None:
        raise AssertionError(f"{title}: {shrink(submission, mistake)}")


def shrink(submission: CanReplay, mistake: Mistake) -> Mistake:
    """Look for fewer operations that go wrong too; a submission that gave no answer is not asked again."""
    smallest = mistake

    def still_wrong(operations: list[Operation]) -> list[Operation] | None:
        nonlocal smallest
        found = find_mistake(submission, mistake.specs, operations)
        if found is None or found.failure is not None:
            return None
        smallest = found
        return found.operations

    if mistake.failure is None:
        fewest(mistake.operations, still_wrong, SHRINK_TRIES)
    return smallest


def fewest(
    operations: Sequence[Operation], still_wrong: Callable[[list[Operation]], list[Operation] | None], tries: int
) -> list[Operation]:
    """Drop runs of operations, halving the run, while `still_wrong` gives back (and may cut) what is left. Pure."""
    kept = list(operations)
    run = max(len(kept) // 2, 1)
    while tries > 0:
        start, shrunk = 0, False
        while start < len(kept) and tries > 0:
            tries -= 1
            smaller = still_wrong(kept[:start] + kept[start + run :])
            if smaller is None:
                start += run
            else:
                kept, shrunk = smaller, True
        if run == 1 and not shrunk:
            break
        run = max(run // 2, 1)
    return kept
