"""Turn what happened to each check into evidence: a failed property, or a fault of ours, never one for the other."""

from collections.abc import Generator

import pytest
from hypothesis.errors import Flaky

from grader.challenge import Check
from grader.evidence import CheckEvidence, CheckStatus
from grader.plugin.collection import WANTED
from grader.plugin.facade import SubjectFacade, SubjectFailed
from grader.plugin.run import Run
from harness.errors import CallUnsendable, HarnessError
from harness.sandbox.roles import Side, Subject

MESSAGE_CHARS = 4_000
"""A message is for a person; hostile text must not fill the result."""

TOO_LARGE = "an answer is too large to be handed back to another call, as the reference's is not"

VERDICT_BEARING = (AssertionError, SubjectFailed, pytest.fail.Exception, pytest.skip.Exception, HarnessError)
"""What a check may raise on purpose. Anything else means that the check itself broke."""


class Checks:
    """The pytest hooks around behaviour checks."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Find out whose fault it is when a check breaks: the same check on the reference tells.

        A hostile reply of an unforeseen shape breaks a check with, say, a TypeError, or cannot be sent back. Where the
        reference passes the very same check, the submission's reply was the cause and the check failed; where the
        reference breaks it too, the fault is ours.
        """
        try:
            return (yield)
        except CallUnsendable as error:
            if self._is_the_submissions(pyfuncitem):
                raise AssertionError(TOO_LARGE) from error
            raise
        except VERDICT_BEARING:
            raise
        except Flaky as error:
            raise AssertionError("gives different results when the same operations are repeated") from error
        except Exception as error:
            if self._is_the_submissions(pyfuncitem):
                raise AssertionError(
                    f"an answer has the wrong shape ({type(error).__name__} while checking it)"
                ) from error
            raise

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell the host which check or bar begins."""
        name = nodeid.rpartition("::")[2]
        done = len(self._run.checks) + len(self._run.bars)
        total = len(self._run.selected_checks()) + len(self._run.selected_bars())
        self._run.tell("grading", name.removeprefix("test_").replace("_", "-"), done, total, "")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record a check's evidence once: when its call ends, or when its setup did not get that far."""
        report = yield
        wanted = item.stash.get(WANTED, None)
        if isinstance(wanted, Check) and (call.when == "call" or (call.when == "setup" and call.excinfo)):
            error = call.excinfo.value if call.excinfo else None
            status = _status(error)
            message = "" if error is None else str(error).strip()[:MESSAGE_CHARS]
            if status is CheckStatus.ERROR and error is not None:
                message = f"{type(error).__name__}: {message}"
            if status is CheckStatus.FAILED and wanted.timed and self._machine_is_too_busy(item):
                status = CheckStatus.ERROR
                message = f"other work keeps this machine so busy that the reference fails this too: {message}"
            self._run.checks[wanted.id] = CheckEvidence(
                id=wanted.id, status=status, message=message, duration_sec=call.duration
            )
        if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
            item.session.shouldstop = "the platform failed"
        return report

    def _is_the_submissions(self, item: pytest.Function) -> bool:
        return isinstance(item.stash.get(WANTED, None), Check) and self._reference_passes(item)

    def _machine_is_too_busy(self, item: pytest.Item) -> bool:
        """Tell whether nobody passes a check on clocks here now: the cores are busy, and the reference fails it too."""
        watch = self._run.watch
        free = watch.are_free(watch.most)
        return not free and isinstance(item, pytest.Function) and not self._reference_passes(item)

    def _reference_passes(self, item: pytest.Function) -> bool:
        if "submission" not in item.funcargs:
            return False
        reference = SubjectFacade(self._run.roster, Subject(Side.REFERENCE, 0), self._run.rng("whose fault"))
        reference.ensure()
        try:
            names = item._fixtureinfo.argnames
            item.obj(**{name: reference if name == "submission" else item.funcargs[name] for name in names})
        except Exception:  # noqa: BLE001  (then the check is broken whatever its subject)
            return False
        return True


def _status(error: BaseException | None) -> CheckStatus:
    if error is None:
        return CheckStatus.PASSED
    if isinstance(error, pytest.skip.Exception):
        return CheckStatus.SKIPPED
    if isinstance(error, SubjectFailed):
        return CheckStatus.FAILED if error.side is Side.CANDIDATE else CheckStatus.ERROR
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return CheckStatus.FAILED
    return CheckStatus.ERROR
