"""Have a submission measure a planted server, and hold its report against what the server saw."""

import asyncio
import itertools
import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from behaviours import Behaviour
from planted_server import PlantedServer
from truth import COUNTS, LATENCIES, Asked, departures, pacing_fault, truth

from grader.plugin.facade import SubjectFacade
from harness.flight import Flight
from harness.outcome import Finished, Outcome, TimedOut, describe

ATTEMPTS = 3
"""A stall of the machine may spoil one attempt; a wrong method spoils all."""

SPARE_SEC = 8.0
"""Beyond the duration asked for and the two seconds that late answers have."""

CAPACITY_SEC = 20.0
"""By the spec."""

CAPACITY_OFF = 0.10

FIELDS = (*COUNTS, "throughput_per_sec", *LATENCIES)
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Measured:
    """What was asked, what the server saw, and what came back."""

    asked: Asked
    server: PlantedServer
    report: dict[str, float]

    def fault(self, *, prompt: bool = True) -> str | None:
        """Say what is wrong, the load first and the figures after."""
        if self.server.faults:
            return self.server.faults[0]
        if prompt and (fault := pacing_fault(self.asked, self.server.log)):
            return fault
        if not self.server.log:
            return "no request arrived at all"
        found = departures(self.report, truth(self.asked, self.server.log))
        return "; ".join(found) or None


def measures(
    subject: SubjectFacade, asked: Asked, behaviour: Callable[[], Behaviour], what: str, *, prompt: bool = True
) -> None:
    """Check that a submission's report on a server is the truth; raises AssertionError with the last one's faults."""
    fault: str | None = None
    for _ in range(ATTEMPTS):
        fault = _measured(subject, asked, behaviour()).fault(prompt=prompt)
        if fault is None:
            return
    raise AssertionError(f"{what} ({asked.rate_per_sec:g}/s for {asked.duration_sec:g} s): {fault}")


def finds_capacity(
    subject: SubjectFacade, slo_p99_ms: float, capacity_per_sec: float, behaviour: Callable[[], Behaviour], what: str
) -> None:
    """Check that a submission finds a server's capacity."""
    off = []
    for _ in range(ATTEMPTS):
        server = PlantedServer(behaviour())
        value = _answered(subject, server, "find_capacity", (slo_p99_ms,), CAPACITY_SEC)
        found = _finite(value)
        assert found is not None, "find_capacity gave no finite number"
        assert not server.faults, server.faults[0]
        assert server.log, "find_capacity sent no request at all"
        off.append(found / capacity_per_sec)
        if abs(off[-1] - 1) <= CAPACITY_OFF:
            return
    shown = " and ".join(f"{ratio:.2f}" for ratio in off)
    raise AssertionError(f"{what}: find_capacity found {shown} times what the server can do; 0.90 to 1.10 is right")


def _measured(subject: SubjectFacade, asked: Asked, behaviour: Behaviour) -> Measured:
    server = PlantedServer(behaviour)
    arguments = (asked.rate_per_sec, asked.duration_sec)
    value = _answered(subject, server, "measure", arguments, asked.duration_sec + SPARE_SEC)
    return Measured(asked, server, _report(value))


def _report(fields: object) -> dict[str, float]:
    """Take the fields of a report out of whatever came back."""
    assert isinstance(fields, list), "measure gave no report"
    report: dict[str, float] = {}
    for pair in fields:
        assert isinstance(pair, list), "measure gave no report"
        name, value = pair
        number = _finite(value)
        assert number is not None, f"the report's {str(name)[:40]} is no finite number"
        report[str(name)] = number
    missing = [name for name in FIELDS if name not in report]
    assert not missing, f"the report lacks {', '.join(missing)}"
    return report


def _finite(value: object) -> float | None:
    """Take a number; None for everything else that a hostile reply may hold."""
    if type(value) not in {int, float}:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _answered(
    subject: SubjectFacade, server: PlantedServer, function: str, arguments: tuple[float, ...], timeout_sec: float
) -> object:
    """Call a function of the driver while the planted server works."""
    subject.ensure()
    path = subject.rendezvous(f"planted-{os.getpid()}-{next(NUMBERS)}")

    async def main(flight: Flight) -> Outcome:
        await server.start(path)
        try:
            ticket = flight.start(function, path.name, *arguments)
            return await landed(flight, ticket, timeout_sec)
        finally:
            server.close()

    try:
        with subject.flight() as flight:
            outcome = asyncio.run(main(flight))
    finally:
        with suppress(OSError):
            path.unlink()
    assert not isinstance(outcome, TimedOut), f"{function} did not return within {timeout_sec:g} s"
    assert isinstance(outcome, Finished), f"{function} {describe(outcome)}"
    return outcome.value


async def landed(flight: Flight, ticket: int, timeout_sec: float) -> Outcome:
    """Wait for a call without blocking the loop that serves what is planted."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_sec
    while loop.time() < deadline:
        outcome = flight.landed(ticket, 0)
        if not isinstance(outcome, TimedOut):
            return outcome
        await asyncio.sleep(0.005)
    return TimedOut(timeout_sec)
