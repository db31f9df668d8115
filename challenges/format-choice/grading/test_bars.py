"""The bars: one function for each `[[bars]]` of challenge.toml."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import archive_turns
import call_turns
import event_turns
import table_turns
from sides import Launch

Measure = Callable[..., None]
Turns = TypeVar("Turns")

_taken: dict[tuple[str, int], object] = {}
"""The turns of each launch, which several bars look at."""


def _turns(launch: Launch, take: Callable[[Launch], Turns]) -> Turns:
    key = (take.__module__, launch.number)
    if key not in _taken:
        _taken[key] = take(launch)
    return _taken[key]  # type: ignore[return-value]


def _calls(launch: Launch) -> call_turns.CallTurns:
    return _turns(launch, call_turns.take_turns)


def _events(launch: Launch) -> event_turns.EventTurns:
    return _turns(launch, event_turns.take_turns)


def _tables(launch: Launch) -> table_turns.TableTurns:
    return _turns(launch, table_turns.take_turns)


def _archives(launch: Launch) -> archive_turns.ArchiveTurns:
    return _turns(launch, archive_turns.take_turns)


def test_rpc_encode(measure: Measure) -> None:
    measure(lambda launch: _calls(launch).encode.typical())


def test_rpc_p99(measure: Measure) -> None:
    measure(lambda launch: _calls(launch).slowest.typical())


def test_rpc_size(measure: Measure) -> None:
    measure(lambda launch: _calls(launch).size.totals(), unit="bytes")


def test_rpc_decode(measure: Measure) -> None:
    """Carry the control, which plays launches of the same numbers again: come last, and keep nothing."""

    def statistic(launch: Launch) -> tuple[float, float]:
        taken = _taken.pop((call_turns.take_turns.__module__, launch.number), None)
        turns = taken if isinstance(taken, call_turns.CallTurns) else call_turns.take_turns(launch, blocks=0)
        return turns.decode.typical()

    measure(statistic)


def test_events_write(measure: Measure) -> None:
    measure(lambda launch: _events(launch).write.typical())


def test_events_read(measure: Measure) -> None:
    measure(lambda launch: _events(launch).read.typical())


def test_events_size(measure: Measure) -> None:
    measure(lambda launch: _events(launch).size.totals(), unit="bytes")


def test_interchange_write(measure: Measure) -> None:
    measure(lambda launch: _tables(launch).write.typical())


def test_interchange_read(measure: Measure) -> None:
    measure(lambda launch: _tables(launch).read.typical())


def test_archive_write(measure: Measure) -> None:
    measure(lambda launch: _archives(launch).write.typical())


def test_archive_size(measure: Measure) -> None:
    measure(lambda launch: _archives(launch).size.totals(), unit="bytes")


def test_archive_projection(measure: Measure) -> None:
    measure(lambda launch: _archives(launch).projection.typical())


def test_archive_filter(measure: Measure) -> None:
    measure(lambda launch: _archives(launch).filter.typical())


def test_archive_memory(measure: Measure) -> None:
    measure(lambda launch: _archives(launch).memory, unit="MB")
