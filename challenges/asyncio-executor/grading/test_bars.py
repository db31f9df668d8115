"""The bars: one function for each `[[bars]]` of challenge.toml."""

from collections.abc import Callable
from statistics import median

from statistics_of_launches import (
    Heartbeats,
    IoBesideComputing,
    cancel_latency,
    mixed_throughput,
    percentile_99,
    shutdown_time,
)

Measure = Callable[..., None]

HEARTBEATS = Heartbeats()


def test_heartbeat_p50(measure: Measure) -> None:
    measure(HEARTBEATS.statistic("heartbeat-p50", median))


def test_heartbeat_p99(measure: Measure) -> None:
    measure(HEARTBEATS.statistic("heartbeat-p99", percentile_99))


def test_heartbeat_max(measure: Measure) -> None:
    measure(HEARTBEATS.statistic("heartbeat-max", max))


def test_io_p99(measure: Measure) -> None:
    measure(IoBesideComputing().p99)


def test_mixed_throughput(measure: Measure) -> None:
    measure(mixed_throughput)


def test_cancel_latency(measure: Measure) -> None:
    measure(cancel_latency)


def test_shutdown_time(measure: Measure) -> None:
    measure(shutdown_time)
