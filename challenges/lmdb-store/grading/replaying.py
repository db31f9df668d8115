"""Replay operations in a submission, compare every answer with the model, and tell what went wrong as a short story."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import wording
from model import Answer, Model, Operation, same

from harness.outcome import Failure, Finished, Outcome, describe

REPLAY_TIMEOUT_SEC = 10.0
SHRINK_TRIES = 60
"""Each takes some milliseconds; what is not short by then may stay long."""


class Subject(Protocol):
    """The part of the `submission` fixture that checks need."""

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        """Call one of the driver's functions."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call one that must be answered."""


@dataclass(frozen=True)
class Mistake:
    """A replay that went wrong: the operations up to the wrong answer, and what was right."""

    operations: list[Operation]
    answer: object = None
    right: Answer | None = None
    failure: Failure | None = None

    def __str__(self) -> str:
        story = wording.story(self.operations)
        if self.failure is not None:
            return f"the submission {describe(self.failure)} in `{story}`"
        last = f"`{wording.sentence(self.operations[-1])}` {wording.compared(self.answer, self.right)}"
        return f"{last}; it comes at the end of `{story}`"


def demand(subject: Subject, title: str, operations: list[Operation], folders: Sequence[str]) -> None:
    """Fail the check with `title` and a short story unless every answer is right."""
    mistake = find_mistake(subject, operations, folders)
    if mistake is not None:
        raise AssertionError(f"{title}: {mistake}")


def find_mistake(subject: Subject, operations: list[Operation], folders: Sequence[str]) -> Mistake | None:
    """Replay operations on empty folders and give the first wrong answer."""
    for function, given in (("reset", list(folders)), ("replay", operations), ("reset", list(folders))):
        outcome = subject.call(function, given, timeout_sec=REPLAY_TIMEOUT_SEC)
        if not isinstance(outcome, Finished):
            return Mistake(operations, failure=outcome)
        if function == "replay":
            mistake = _first(operations, outcome.value, Model().replay(operations))
            if mistake is not None:
                subject.call("reset", list(folders), timeout_sec=REPLAY_TIMEOUT_SEC)
                return mistake
    return None


def shrink(subject: Subject, mistake: Mistake, folders: Sequence[str]) -> Mistake:
    """Leave out operations as long as the last one stays wrong; the first few open the stores."""
    tries = SHRINK_TRIES
    position = len(mistake.operations) - 2
    while tries and position >= 0 and mistake.failure is None:
        if mistake.operations[position][0] not in {"open", "begin"}:
            fewer = mistake.operations[:position] + mistake.operations[position + 1 :]
            smaller = find_mistake(subject, fewer, folders)
            tries -= 1
            if smaller is not None and len(smaller.operations) == len(fewer):
                mistake = smaller
        position -= 1
    return mistake


def _first(operations: list[Operation], answers: object, right: list[Answer]) -> Mistake | None:
    if not isinstance(answers, list) or len(answers) != len(right):
        return Mistake(operations, answers, ["gave", "one answer for each"])
    for position, (answer, wanted) in enumerate(zip(answers, right, strict=True)):
        if not same(answer, wanted):
            return Mistake(operations[: position + 1], answer, wanted)
    return None
