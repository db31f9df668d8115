"""The public tests of a candidate's folder, run in this very process so that a debugger works."""

import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

PUBLIC_TESTS = "test_public.py"

OWN_SETTINGS = ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "pytest.toml", ".pytest.toml")
"""A candidate's own pytest settings are honoured; those of folders further up are not."""


@dataclass(frozen=True)
class PracticeTest:
    """One public test; `outcome` is pytest's word: passed, failed, skipped or error."""

    id: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Practice:
    """What pytest made of the public tests; `ended` is its own exit code."""

    ended: pytest.ExitCode
    tests: tuple[PracticeTest, ...]


def practise(folder: Path, quiet_stdout: bool) -> Practice:
    """Run `folder`'s public tests; with `quiet_stdout` all that pytest prints goes to standard error."""
    folder = folder.resolve()
    recorder = Recorder()
    arguments = [str(folder / PUBLIC_TESTS), f"--rootdir={folder}", "-p", "no:cacheprovider", *_settings(folder)]
    if quiet_stdout:
        with redirect_stdout(sys.stderr):
            ended = pytest.main(arguments, plugins=[recorder])
    else:
        ended = pytest.main(arguments, plugins=[recorder])
    return Practice(pytest.ExitCode(ended), tuple(recorder.tests.values()))


def _settings(folder: Path) -> list[str]:
    if any((folder / name).is_file() for name in OWN_SETTINGS):
        return []
    return [f"--config-file={os.devnull}"]


class Recorder:
    """A pytest plugin that keeps the worst outcome of each test's phases."""

    def __init__(self) -> None:
        self.tests: dict[str, PracticeTest] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a test file that cannot be imported: its tests are not missing, they are broken."""
        if report.failed:
            self.tests[report.nodeid] = PracticeTest(report.nodeid, "error", _errors(report)[-1])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a test when its call ends, or whichever other phase did not pass."""
        if report.when == "call" or not report.passed:
            outcome = "error" if report.when != "call" and report.failed else report.outcome
            message = _errors(report)[0] if report.failed else ""
            self.tests[report.nodeid] = PracticeTest(report.nodeid, outcome, message)


def _errors(report: pytest.TestReport | pytest.CollectReport) -> list[str]:
    """List the lines that say what went wrong, of which there is at least one; the whole traceback is on the screen."""
    lines = [line.strip() for line in report.longreprtext.splitlines() if line.strip()]
    return [line[1:].strip() for line in lines if line.startswith("E ")] or lines[-1:] or [report.outcome]
