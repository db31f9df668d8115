"""A small run of `takehome verify`, in Docker: every known solution of every challenge, once.

What a check must catch is caught every time, so those gradings must come out exactly as expected. What a bar decides
may be inconclusive on a machine that runs tests, but a rejected solution never passes and the reference never fails.
"""

import pytest

from grader.catalogue import find_root, load_catalogue
from grader.expectation_match import Agreement, compare, observe
from grader.grading import GradingRequest, grade
from grader.known import KnownSolution, SolutionKind, known_solutions
from grader.venue import VenueChoice, find_venue
from grader.verdict import Verdict
from grader.verify import selection

pytestmark = pytest.mark.docker

ROOT = find_root()
KNOWN = [(entry, solution) for entry in load_catalogue(ROOT) for solution in known_solutions(ROOT, entry)]


def decided_by_bars(solution: KnownSolution, bars: set[str]) -> bool:
    """Tell whether a grading of `solution` measures anything."""
    if solution.kind is SolutionKind.STARTER:
        return False
    return solution.kind is not SolutionKind.REJECTED or bool(set(solution.expectation.fails) & bars)


@pytest.mark.parametrize(("entry", "solution"), KNOWN, ids=[f"{entry.slug}/{known.name}" for entry, known in KNOWN])
def test_a_known_solution_gets_what_it_should(entry, solution, image):
    bars = {bar.id for bar in entry.challenge.bars}
    measured = decided_by_bars(solution, bars)
    selected = selection(entry.challenge, solution)
    if solution.kind is SolutionKind.ACCEPTED:
        selected = tuple(check.id for check in entry.challenge.checks)
        measured = False
    venue = find_venue(VenueChoice.DOCKER, image)
    result = grade(GradingRequest(ROOT, entry, solution.folder, venue, selected=selected)).result
    if solution.kind in {SolutionKind.REFERENCE, SolutionKind.ACCEPTED}:
        assert result.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}, result.decided_by
    elif measured:
        assert result.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}, result.decided_by
    else:
        comparison = compare(solution, observe(result))
        assert comparison.agreement is Agreement.EXPECTED, comparison.reasons
