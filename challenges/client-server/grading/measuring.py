"""Have a submission measure a planted server, and hold its report against what the server saw."""

import asyncio
import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from behaviours import Behaviour, Limited, Mute, SpillingOver, Unreachable
from planted_server import PlantedServer
from truth import COUNTS, LATENCIES, Asked, Truth, departures, nobody_reached, nobody_welcomed, pacing_fault, truth

from grader.plugin.facade import SubjectFacade
from harness.flight import Flight
from harness.outcome import Finished, Outcome, TimedOut, describe

ATTEMPTS = 3
"""A stall of the machine may spoil one attempt; a wrong method spoils all."""

SPARE_SEC = 8.0
"""Beyond the duration asked for, of which late answers have two."""

CAPACITY_SEC = 15.0
"""By the spec."""

TIMEOUTS_EXCUSED = 1
"""One search may be held up by what else runs; who has no limit of its own is held up every time."""

CAPACITY_OFF = 0.10
SLO_P99_MS = 100.0

NEVER_ASKED: dict[type[object], Callable[[Asked], Truth]] = {Unreachable: nobody_reached, Mute: nobody_welcomed}
"""Servers that no request comes to, which therefore see nothing, and what is true of them."""

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
        if unseen := NEVER_ASKED.get(type(self.server.behaviour)):
            return "; ".join(departures(self.report, unseen(self.asked))) or None
        if prompt and (fault := pacing_fault(self.asked, self.server.log)):
            return fault
        if not self.server.log:
            return "no request arrived at all"
        found = departures(self.report, truth(self.asked, self.server.log))
        return "; ".join(found) or None


@dataclass(frozen=True)
class Plan:
    """One planted server, and what the submission is asked to do with it; `behaviour` makes it anew."""

    asked: Asked
    behaviour: Callable[[], Behaviour]
    what: str
    prompt: bool = True


def measures(subject: SubjectFacade, plan: Plan, attempts: int = ATTEMPTS) -> None:
    """Check that a submission's report on a server is the truth; raises AssertionError with the last one's faults."""
    fault: str | None = None
    for _ in range(attempts):
        [outcome] = _measured(subject, [plan])
        fault = outcome.judged(plan).fault(prompt=plan.prompt)
        if fault is None:
            return
    raise AssertionError(f"{plan.what} ({plan.asked.rate_per_sec:g}/s for {plan.asked.duration_sec:g} s): {fault}")


def right_together(subject: SubjectFacade, plans: Mapping[str, Plan]) -> set[str]:
    """Have several servers measured at the same time, and name the plans whose report was the truth.

    Their requests a second must come to less than a submission has to be able to send.
    """
    outcomes = _measured(subject, list(plans.values()))
    return {name for (name, plan), outcome in zip(plans.items(), outcomes, strict=True) if outcome.is_right(plan)}


def finds_capacity(subject: SubjectFacade, behaviour: Callable[[], SpillingOver | Limited], what: str) -> None:
    """Check that a submission finds a server's capacity."""
    off: list[float] = []
    timed_out = 0
    for _ in range(ATTEMPTS):
        behaving = behaviour()
        server = PlantedServer(behaving)
        [outcome] = _outcomes(subject, [server], "find_capacity", [(SLO_P99_MS,)], CAPACITY_SEC)
        if isinstance(outcome, TimedOut) and timed_out < TIMEOUTS_EXCUSED:
            timed_out += 1
            subject.restart()
            continue
        found = _finite(_value(outcome, "find_capacity", CAPACITY_SEC))
        assert found is not None, "find_capacity gave no finite number"
        assert not server.faults, server.faults[0]
        assert server.log, "find_capacity sent no request at all"
        off.append(found / behaving.capacity_per_sec)
        if abs(off[-1] - 1) <= CAPACITY_OFF:
            return
    shown = " and ".join(f"{ratio:.2f}" for ratio in off)
    raise AssertionError(f"{what}: find_capacity found {shown} times what the server can do; 0.90 to 1.10 is right")


@dataclass(frozen=True)
class Measuring:
    """A planted server, and what became of the call that was to measure it."""

    server: PlantedServer
    outcome: Outcome

    def judged(self, plan: Plan) -> Measured:
        """Take the report out of the outcome; AssertionError where there is none."""
        return Measured(plan.asked, self.server, _report(_value(self.outcome, "measure", _patience_sec(plan.asked))))

    def is_right(self, plan: Plan) -> bool:
        """Tell whether there is a report, and no fault in it."""
        try:
            return self.judged(plan).fault(prompt=plan.prompt) is None
        except AssertionError:
            return False


def _patience_sec(asked: Asked) -> float:
    return asked.duration_sec + SPARE_SEC


def _measured(subject: SubjectFacade, plans: Sequence[Plan]) -> list[Measuring]:
    """Have all of `plans` measured at once."""
    servers = [PlantedServer(plan.behaviour()) for plan in plans]
    arguments = [(plan.asked.rate_per_sec, plan.asked.duration_sec) for plan in plans]
    patience_sec = max(_patience_sec(plan.asked) for plan in plans)
    outcomes = _outcomes(subject, servers, "measure", arguments, patience_sec)
    return [Measuring(server, outcome) for server, outcome in zip(servers, outcomes, strict=True)]


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


def _outcomes(
    subject: SubjectFacade,
    servers: Sequence[PlantedServer],
    function: str,
    arguments: Sequence[tuple[float, ...]],
    timeout_sec: float,
) -> list[Outcome]:
    """Call a function of the driver once for each planted server, all at the same time, while these work."""
    subject.ensure()
    paths = [subject.rendezvous(f"planted-{os.getpid()}-{next(NUMBERS)}") for _ in servers]

    async def main(flight: Flight) -> list[Outcome]:
        for server, path in zip(servers, paths, strict=True):
            await server.start(path)
        try:
            tickets = [flight.start(function, path.name, *each) for path, each in zip(paths, arguments, strict=True)]
            return await asyncio.gather(*(landed(flight, ticket, timeout_sec) for ticket in tickets))
        finally:
            for server in servers:
                server.close()

    try:
        with subject.flight() as flight:
            return asyncio.run(main(flight))
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _value(outcome: Outcome, function: str, timeout_sec: float) -> object:
    """Take a call's answer; AssertionError where there is none."""
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
