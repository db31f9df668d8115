"""A smaller run of `takehome verify`, in Docker: known solutions of every challenge, once each.

What a check must catch is caught every time, so those gradings must come out exactly as expected. What a bar decides
may be inconclusive on a machine that runs tests, but a rejected solution never passes and the reference never fails.
"""

import pytest

from grader.catalogue import Entry, find_root, load_catalogue
from grader.expectation_match import Agreement, compare, observe
from grader.faulty_copy import laid_out
from grader.grading import GradingRequest, grade
from grader.known import KnownSolution, SolutionKind, known_solutions
from grader.venue import VenueChoice, find_venue
from grader.verdict import Verdict
from grader.verify import selection

pytestmark = pytest.mark.docker

ROOT = find_root()

MEASURED = {"hashmap": ("memory-per-entry", "hit-lookup", "longest-pause")}
"""Challenges whose bars are measured here too: these with the reference, and what only bars can catch with another.

One is of bytes, one a duel, which carries the control, one a statistic; all ten take minutes beside loud neighbours.
"""


def only_bars_catch(entry: Entry, solution: KnownSolution) -> bool:
    """Tell whether it takes measurements to reject `solution`."""
    bars = {bar.id for bar in entry.challenge.bars}
    return solution.kind is SolutionKind.REJECTED and bool(set(solution.expectation.fails) & bars)


def spread(solutions: list[KnownSolution], most: int) -> list[KnownSolution]:
    """Take at most `most` of them, evenly spread."""
    return [solutions[len(solutions) * place // most] for place in range(most)] if len(solutions) > most else solutions


def chosen(entry: Entry) -> list[KnownSolution]:
    """Choose what is run here: one that is rejected; where bars are measured, one of each kind. `verify` runs all."""
    known = known_solutions(ROOT, entry)
    rejected = [solution for solution in known if solution.kind is SolutionKind.REJECTED]
    measured = [solution for solution in rejected if only_bars_catch(entry, solution)]
    checked = [solution for solution in rejected if solution not in measured]
    accepted = [solution for solution in known if solution.kind is SolutionKind.ACCEPTED]
    starter = [solution for solution in known if solution.kind is SolutionKind.STARTER]
    reference = [solution for solution in known if solution.kind is SolutionKind.REFERENCE]
    caught = spread(checked, 1)
    if entry.slug not in MEASURED:
        return caught
    return [*starter, *reference, *caught, *spread(accepted, 1), *spread(measured, 1)]


KNOWN = [(entry, solution) for entry in load_catalogue(ROOT) for solution in chosen(entry)]


@pytest.mark.parametrize(("entry", "solution"), KNOWN, ids=[f"{entry.slug}/{known.name}" for entry, known in KNOWN])
def test_a_known_solution_gets_what_it_should(entry, solution, image):
    selected = selection(entry.challenge, solution)
    if solution.kind in {SolutionKind.REFERENCE, SolutionKind.ACCEPTED}:
        selected = tuple(check.id for check in entry.challenge.checks)
    if solution.kind is SolutionKind.REFERENCE:
        selected += MEASURED[entry.slug]
    venue = find_venue(VenueChoice.DOCKER, image)
    with laid_out(solution) as folder:
        result = grade(GradingRequest(ROOT, entry, folder, venue, selected=selected)).result
    if solution.kind in {SolutionKind.REFERENCE, SolutionKind.ACCEPTED}:
        assert result.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}, result.decided_by
    elif only_bars_catch(entry, solution):
        assert result.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}, result.decided_by
    else:
        comparison = compare(solution, observe(result))
        assert comparison.agreement is Agreement.EXPECTED, comparison.reasons
