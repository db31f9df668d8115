"""Put timed rounds through pytest-benchmark, so that its JSON, table and `compare` work on them."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.outcome import Outcome
from harness.sandbox.roles import Side


class PedanticStopwatch:
    """Time each exchange with one `pedantic` round, and pool the samples that count: one record a bar and side.

    A duel alternates two targets and may discard a disturbed round, which a single `pedantic` call cannot do; so every
    round is a call of its own, and its sample joins the side's record only when `keep` says that it counts.
    """

    def __init__(self, request: pytest.FixtureRequest, bar_id: str) -> None:
        self._request = request
        self._bar_id = bar_id
        self._records: dict[Side, Any] = {}

    def time(self, setup: Callable[[], bytes], target: Callable[[bytes], Outcome]) -> tuple[Outcome, float]:
        """Run `setup` untimed and `target` on what it made, timed, in seconds."""
        benchmark: Any = self._fixture("round", add_stats=_drop)
        outcome: Outcome = benchmark.pedantic(target, setup=lambda: ((setup(),), {}), rounds=1, iterations=1)
        return outcome, benchmark.stats.stats.data[0]

    def keep(self, side: Side, seconds: float) -> None:
        """Add a sample that counts to `side`'s record."""
        if side not in self._records:
            session = self._request.config._benchmarksession  # type: ignore[attr-defined]
            fixture = self._fixture(f"{self._bar_id}[{side}]", add_stats=session.benchmarks.append)
            fixture.group = self._bar_id
            self._records[side] = fixture._make_stats(iterations=1)
        self._records[side].update(seconds)

    def _fixture(self, name: str, add_stats: Callable[[Any], None]) -> BenchmarkFixture:
        session = self._request.config._benchmarksession  # type: ignore[attr-defined]
        fixture = BenchmarkFixture(
            self._request.node,
            add_stats=add_stats,
            logger=session.logger,
            warner=self._request.node.warn,
            disabled=False,
            **session.options,
        )
        fixture.name = fixture.fullname = name
        return fixture


def _drop(stats: object) -> None:
    """Keep a single round out of the table; `keep` decides what goes in."""


class PlainStopwatch:
    """Time with the same clock and keep nothing; for controls, whose samples are no result."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._pedantic = PedanticStopwatch(request, "control")

    def time(self, setup: Callable[[], bytes], target: Callable[[bytes], Outcome]) -> tuple[Outcome, float]:
        """Run `setup` untimed and `target` on what it made, timed, in seconds."""
        return self._pedantic.time(setup, target)

    def keep(self, side: Side, seconds: float) -> None:
        """Keep nothing."""
