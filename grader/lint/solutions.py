"""Rules on the known solutions: enough of them, each where it belongs, and every check and bar proved able to fail."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.catalogue import slugs
from grader.complaint import Complaint, Severity
from grader.errors import CatalogueFault, IntakeRefused
from grader.faulty_copy import laid_out
from grader.intake import take_in
from grader.known import EXPECT_FILE, KnownSolution, SolutionKind, solution_folders, survey
from grader.lint.target import Target

ACCEPTED_NEEDED = 2
"""Sound designs besides the reference: fewer, and the bars fit one design rather than the task."""

REJECTED_NEEDED = 10
"""Wrong, slow and cheating ones: fewer, and nobody has tried hard to get past the checks."""

PLACES = frozenset({"reference", "accepted", "bases", "rejected"})


def solution_complaints(target: Target) -> Iterator[Complaint]:
    """Complain about one challenge's known solutions."""
    yield from _stray_complaints(target)
    if not (target.solutions / "reference").is_dir():
        path = target.solutions / "reference"
        yield Complaint(path, "", "there is no reference, which sets the bars", "write the fastest design you can make")
    elif not (target.solutions / "reference" / "NOTES.md").is_file():
        path = target.solutions / "reference" / "NOTES.md"
        yield Complaint(path, "", "the file is missing", "say why the reference is fast, with the numbers you measured")
    if target.entry is None:
        return
    solutions, faults = survey(target.root, target.entry)
    yield from faults
    for solution in solutions:
        if solution.kind is SolutionKind.STARTER and not (solution.folder / target.entry_point).exists():
            continue  # the rule on files has complained
        yield from _intake_complaints(solution, target.entry_point)
    yield from _count_complaints(target)
    yield from _unproved_complaints(target, solutions)


def orphan_complaints(root: Path) -> Iterator[Complaint]:
    """Complain about solutions of challenges that are not there."""
    known = slugs(root)
    for folder in solution_folders(root / "reference_solutions"):
        if folder.name not in known:
            yield Complaint(folder, "", "there is no challenge of this name", "rename the folder or remove it")


def _stray_complaints(target: Target) -> Iterator[Complaint]:
    for folder in solution_folders(target.solutions):
        if folder.name not in PLACES:
            advice = "move it into accepted or rejected"
            yield Complaint(
                folder, "", "solutions are reference, accepted, rejected or their bases, and nothing else", advice
            )
    sound = [target.solutions / "reference", *solution_folders(target.solutions / "accepted")]
    for folder in sound:
        if (folder / EXPECT_FILE).exists():
            path = folder / EXPECT_FILE
            yield Complaint(
                path, "", "a sound solution passes, whatever this says", "remove it, or reject the solution"
            )


def _intake_complaints(solution: KnownSolution, entry_point: str) -> Iterator[Complaint]:
    with tempfile.TemporaryDirectory(prefix="takehome-lint-") as scratch:
        try:
            with laid_out(solution) as folder:
                take_in(folder, entry_point, Path(scratch) / "submission")
        except CatalogueFault as fault:
            yield from fault.complaints
        except IntakeRefused as refused:
            problem, _, advice = str(refused).partition("; ")
            yield Complaint(solution.folder, "", f"it would not be taken in: {problem}", advice)


def _count_complaints(target: Target) -> Iterator[Complaint]:
    for place, needed, advice in (
        ("accepted", ACCEPTED_NEEDED, "add other sound designs, so that the bars fit the task and not one design"),
        ("rejected", REJECTED_NEEDED, "add wrong, slow and cheating ones, each with the check or bar that catches it"),
    ):
        found = len(solution_folders(target.solutions / place))
        if found < needed:
            path = target.solutions / place
            yield Complaint(path, "", f"{found} of at least {needed} solutions", advice, Severity.WARNING)


def _unproved_complaints(target: Target, solutions: tuple[KnownSolution, ...]) -> Iterator[Complaint]:
    assert target.entry is not None
    rejected = [solution for solution in solutions if solution.kind is SolutionKind.REJECTED]
    if not rejected:
        return  # the rule on their number has complained
    proved = {id_ for solution in rejected for id_ in solution.expectation.fails}
    for item in target.entry.challenge.items:
        if item.id not in proved:
            path = target.solutions / "rejected"
            problem = "no rejected solution is caught by this, so nobody knows that it can fail"
            yield Complaint(path, item.id, problem, "add a solution that only this catches", Severity.WARNING)
