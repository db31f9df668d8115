"""Give every selected bar its evidence, whatever ended its test function."""

from collections.abc import Generator

import pytest

from grader.challenge import Bar
from grader.evidence import BarEvidence, BarStatus
from grader.plugin.collection import WANTED
from grader.plugin.run import Run


class SettledBars:
    """The pytest hook that records bars whose measurement ended otherwise than by a record."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record a bar that was skipped as not measured, and one that broke, or measured nothing, as our error."""
        report = yield
        bar = item.stash.get(WANTED, None)
        if isinstance(bar, Bar) and bar.id not in self._run.bars and (call.when == "call" or call.excinfo is not None):
            self._run.bars[bar.id] = _unrecorded(bar.id, call.excinfo.value if call.excinfo else None)
        return report


def _unrecorded(bar_id: str, error: BaseException | None) -> BarEvidence:
    if isinstance(error, pytest.skip.Exception):
        return BarEvidence(id=bar_id, status=BarStatus.NOT_MEASURED, message=str(error))
    text = "its test function measured nothing" if error is None else f"{type(error).__name__}: {error}"
    return BarEvidence(id=bar_id, status=BarStatus.ERROR, message=text)
