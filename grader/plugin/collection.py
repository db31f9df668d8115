"""Decide which test functions run, and in which order: exactly those that `challenge.toml` names."""

import pytest

from grader.challenge import Bar, Check, function_name
from grader.plugin.run import Run

BEHAVIOUR_FILE = "test_behaviour.py"
BARS_FILE = "test_bars.py"

WANTED = pytest.StashKey[Check | Bar]()
"""Which check or bar an item is."""


class Collection:
    """The pytest hooks that fix the set of items."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a test file that cannot be imported."""
        if report.failed:
            where = report.nodeid or "the grading folder"
            self._run.faults.append(f"{where} cannot be collected: {report.longreprtext}")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the selected items, checks first, in the challenge's order; note what is missing or not declared."""
        challenge = self._run.challenge
        declared: dict[tuple[str, str], Check | Bar] = {}
        declared |= {(BEHAVIOUR_FILE, function_name(check.id)): check for check in challenge.checks}
        declared |= {(BARS_FILE, function_name(bar.id)): bar for bar in challenge.bars}
        found: dict[str, pytest.Item] = {}
        for item in items:
            wanted = declared.get((item.path.name, item.name))
            if wanted is None:
                self._run.faults.append(f"{item.name} in {item.path.name} is not declared in challenge.toml")
                continue
            item.stash[WANTED] = wanted
            found[wanted.id] = item
        missing = [id_ for id_ in (wanted.id for wanted in declared.values()) if id_ not in found]
        self._run.faults.extend(f"no test function for {id_}" for id_ in missing)
        selected = [check.id for check in self._run.selected_checks()] + [bar.id for bar in self._run.selected_bars()]
        items[:] = [found[id_] for id_ in selected if id_ in found]
