"""What the command's exit code says; the one place where errors and verdicts become numbers."""

from enum import IntEnum

from grader.errors import GraderError, UsageError
from grader.verdict import Verdict
from harness.errors import HarnessError


class ExitCode(IntEnum):
    """0 to 4 answer what was asked; 130 (Ctrl-C), 143 (SIGTERM) and 129 (SIGHUP) say that it was cut short."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INFRASTRUCTURE = 3
    INCONCLUSIVE = 4
    INTERRUPTED = 130


def of_verdict(verdict: Verdict) -> ExitCode:
    """Translate a grading's verdict."""
    match verdict:
        case Verdict.PASS:
            return ExitCode.PASS
        case Verdict.FAIL:
            return ExitCode.FAIL
        case Verdict.INCONCLUSIVE:
            return ExitCode.INCONCLUSIVE
        case Verdict.ERROR:
            return ExitCode.INFRASTRUCTURE


def of_error(error: GraderError | HarnessError) -> ExitCode:
    """Translate an error: whoever gave the command can put a usage error right, all others are ours."""
    return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.INFRASTRUCTURE
