"""What became of one call into a subject. A submission's failure is one of these values, never an exception."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Finished:
    """The call returned `value`, already rebuilt into plain builtins."""

    value: object
    output: str = ""


@dataclass(frozen=True)
class Raised:
    """The submission (or its driver) raised; all three texts are hostile and capped."""

    type_name: str
    message: str
    traceback: str = ""
    output: str = ""


@dataclass(frozen=True)
class TimedOut:
    """No complete reply came within the limit."""

    timeout_sec: float


@dataclass(frozen=True)
class Crashed:
    """The subject's process ended; `signal` and `exit_code` are `None` where the cause could not be read."""

    signal: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class OutOfMemory:
    """The kernel ended the subject at its memory limit."""

    memory_mb: int


@dataclass(frozen=True)
class TooMuchOnDisk:
    """The subject was stopped for what it keeps on its disk; `complaint` says what."""

    complaint: str


@dataclass(frozen=True)
class BadReply:
    """What came back was not an answer to the question asked: late, duplicate, malformed, oversized."""

    reason: str


Outcome = Finished | Raised | TimedOut | Crashed | OutOfMemory | TooMuchOnDisk | BadReply
Failure = Raised | TimedOut | Crashed | OutOfMemory | TooMuchOnDisk | BadReply


def describe(outcome: Outcome) -> str:
    """Say what happened, in words that go on from "the submission", for the person who wrote it."""
    match outcome:
        case Finished():
            return "finished"
        case Raised(type_name, message):
            return f"raised {type_name}: {message}" if message else f"raised {type_name}"
        case TimedOut(timeout_sec):
            return f"gave no answer within {timeout_sec:g} s"
        case Crashed(signal=None, exit_code=None):
            return "ended before it answered"
        case Crashed(signal=None, exit_code=exit_code):
            return f"exited with code {exit_code} before it answered"
        case Crashed(signal=signal):
            return f"was killed by signal {signal}"
        case OutOfMemory(memory_mb):
            return f"used more than its {memory_mb} MiB of memory and was stopped"
        case TooMuchOnDisk(complaint):
            return f"{complaint} and was stopped"
        case BadReply(reason):
            return f"sent something that is no answer: {reason}"


FRAME: Final = re.compile(r'^  File "([^"\n]+)", line (\d+)', re.MULTILINE)
NOT_THEIRS: Final = re.compile(r"^<|/lib/python|/driver(\.py$|/)")
"""Files of frames that say nothing to whoever wrote the submission."""


def describe_load(outcome: Outcome) -> str:
    """Say why a submission could not be loaded, and where, as far as that is known."""
    match outcome:
        case TimedOut(timeout_sec):
            return f"could not be loaded: importing it took more than {timeout_sec:g} s"
        case Raised(traceback=traceback):
            frames = [frame for frame in FRAME.findall(traceback) if not NOT_THEIRS.search(frame[0])]
            where = f" ({frames[-1][0].rpartition('/')[2]}, line {frames[-1][1]})" if frames else ""
            told = describe(outcome)
            return f"could not be loaded: importing it {told}{'' if where in told else where}"
        case _:
            return f"could not be loaded: when it was imported, it {describe(outcome)}"
