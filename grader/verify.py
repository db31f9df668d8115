"""Grade every known solution of a challenge and compare each with what it should get.

The challenge is on trial here, not the solutions: a sound one that fails, a wrong one that passes, or either so close
to a bar that luck decides, is a fault of the challenge.
"""

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.catalogue import Entry
from grader.challenge import Challenge
from grader.dead_zone import Margin, Separation, separations
from grader.errors import UsageError
from grader.expectation_match import Agreement, compare, observe, soundings
from grader.faulty_copy import laid_out
from grader.grading import GradingRequest, grade
from grader.known import KnownSolution, SolutionKind, known_solutions
from grader.venue import Venue
from grader.verdict import Verdict
from harness.control.messages import Progress

RUNS_MOST = 1000
"""Runs of each solution: days of grading, so more is a typing error."""


@dataclass(frozen=True)
class Plan:
    """What to verify: `selected` names the ids that each solution's gradings run, empty for all."""

    entry: Entry
    solution: KnownSolution
    run: int
    selected: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One grading of one known solution, compared with what it should get; `decided_by` names what made the verdict."""

    challenge: str
    solution: str
    kind: SolutionKind
    run: int
    seed: int
    verdict: Verdict
    decided_by: tuple[str, ...]
    agreement: Agreement
    reasons: tuple[str, ...]
    margins: tuple[Margin, ...]
    duration_sec: float

    def to_plain(self) -> dict[str, object]:
        """Give the row as JSON's types."""
        return asdict(self)


@dataclass(frozen=True)
class Verification:
    """What is known so far of one challenge; `complete` says whether every planned grading was done."""

    challenge: str
    rows: tuple[Row, ...]
    separations: tuple[Separation, ...]
    complete: bool

    @property
    def faults(self) -> tuple[str, ...]:
        """Say everything that is not as it should be."""
        wrong = [f"{row.solution}, run {row.run}: {reason}" for row in self.rows for reason in row.reasons]
        return (*wrong, *(fault for zone in self.separations for fault in zone.faults))

    def to_plain(self) -> dict[str, object]:
        """Give the whole as JSON's types."""
        return {
            "challenge": self.challenge,
            "complete": self.complete,
            "rows": [row.to_plain() for row in self.rows],
            "bars": [asdict(zone) for zone in self.separations],
            "faults": list(self.faults),
        }


def plan(root: Path, entry: Entry, pattern: str | None, runs: int, quick: bool) -> list[Plan]:
    """List the gradings to do, one solution after the other; raises UsageError where `pattern` names none."""
    solutions = [found for found in known_solutions(root, entry) if pattern is None or _named(found, pattern)]
    if not solutions:
        raise UsageError(f"{entry.slug} has no known solution" + (f" called {pattern}" if pattern else ""))
    return [
        Plan(entry, solution, run, selection(entry.challenge, solution) if quick else ())
        for solution in solutions
        for run in range(1, runs + 1)
    ]


def selection(challenge: Challenge, solution: KnownSolution) -> tuple[str, ...]:
    """Name what a quick run of `solution` looks at: what its expectation names, and for sound ones the bars.

    The reference runs whole, since everything else rests on it. A starter's checks are enough to fail it. Wherever a
    bar is measured the control bar is too, because without a control nothing is claimed of any bar.
    """
    bars = tuple(bar.id for bar in challenge.bars)
    match solution.kind:
        case SolutionKind.REFERENCE:
            return ()
        case SolutionKind.ACCEPTED:
            return bars
        case SolutionKind.STARTER:
            return tuple(check.id for check in challenge.checks)
        case SolutionKind.REJECTED:
            fails = solution.expectation.fails
            control = [bar.id for bar in challenge.bars if bar.control and bar.id not in fails]
            return (*fails, *control) if set(fails) & set(bars) else fails


def carry_out(
    root: Path, venue: Venue, plans: Sequence[Plan], on_progress: Callable[[Plan, Progress], None]
) -> Iterator[Row]:
    """Grade as planned, and yield each row as soon as it is known."""
    for planned in plans:
        yield _row(root, venue, planned, on_progress)


def summarize(plans: Sequence[Plan], rows: Sequence[Row]) -> list[Verification]:
    """Put the rows of each challenge together with its bars' dead zones."""
    solutions = {(planned.entry.slug, planned.solution.name): planned.solution for planned in plans}
    verifications = []
    for slug in dict.fromkeys(planned.entry.slug for planned in plans):
        mine = tuple(row for row in rows if row.challenge == slug)
        found = [one for row in mine for one in soundings(solutions[slug, row.solution], row.margins)]
        complete = len(mine) == sum(planned.entry.slug == slug for planned in plans)
        verifications.append(Verification(slug, mine, tuple(separations(found)), complete))
    return verifications


def _named(solution: KnownSolution, pattern: str) -> bool:
    """Match the whole name, such as `rejected/slow`, or its last part."""
    return any(fnmatch.fnmatchcase(name, pattern) for name in (solution.name, solution.name.rpartition("/")[2]))


def _row(root: Path, venue: Venue, planned: Plan, on_progress: Callable[[Plan, Progress], None]) -> Row:
    began = time.monotonic()
    try:
        with laid_out(planned.solution) as folder:
            request = GradingRequest(root, planned.entry, folder, venue, selected=planned.selected)
            result = grade(request, lambda step: on_progress(planned, step)).result
    except UsageError as error:
        raise UsageError(f"{planned.solution.name} cannot be graded: {error}") from error
    observed = observe(result)
    comparison = compare(planned.solution, observed)
    return Row(
        challenge=planned.entry.slug,
        solution=planned.solution.name,
        kind=planned.solution.kind,
        run=planned.run,
        seed=result.seed,
        verdict=result.verdict,
        decided_by=tuple(result.decided_by) or tuple(sorted(observed.failed)),
        agreement=comparison.agreement,
        reasons=comparison.reasons,
        margins=observed.margins,
        duration_sec=time.monotonic() - began,
    )
