"""`takehome verify`: grade every known solution of a challenge, and say where the challenge itself is wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader.catalogue import Entry, find_root, load_catalogue, load_entry
from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.matrix import bar_lines, matrix
from grader.cli.options import Image, Json, Venue
from grader.cli.venue import open_venue
from grader.cli.watch import watched
from grader.errors import UsageError
from grader.expectation_match import Agreement
from grader.interruption import Interrupted
from grader.venue import VenueChoice
from grader.verify import RUNS_MOST, Plan, Row, Verification, carry_out, plan, summarize
from harness.control.messages import Progress

Slug = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="The challenge; by default every one.")]
Runs = Annotated[int, typer.Option("--runs", min=1, max=RUNS_MOST, help="Grade each solution so many times.")]
Quick = Annotated[bool, typer.Option("--quick", help="Run only what each expectation names.")]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="PATTERN", help="Only solutions whose name matches, such as 'rejected/*'."),
]


def verify(
    slug: Slug = None,
    runs: Runs = 1,
    quick: Quick = False,
    only: Only = None,
    sandbox: Venue = VenueChoice.DOCKER,
    image: Image = None,
    as_json: Json = False,
) -> ExitCode:
    """Grade starter, reference, accepted and rejected solutions, and compare each with what it should get."""
    screen = Screen.of_process(as_json)
    root = find_root()
    plans = _plans(root, _entries(root, slug), only, runs, quick)
    venue = open_venue(sandbox, image, screen)
    rows: list[Row] = []
    stopped: Interrupted | None = None
    try:
        with watched(screen, "verify") as show:
            for row in carry_out(
                root, venue, plans, lambda planned, step: show(_placed(plans, len(rows), planned, step))
            ):
                rows.append(row)
                screen.note(f"{row.challenge} {row.solution}: {row.verdict}, {row.agreement}")
    except Interrupted as interrupted:
        stopped = interrupted
    verifications = summarize(plans, rows)
    _tell(screen, verifications)
    if stopped is not None:
        screen.note(f"Stopped after {len(rows)} of {len(plans)} gradings.", Style.DOUBT)
        raise typer.Exit(stopped.exit_code)
    return exit_code(verifications)


def exit_code(verifications: Sequence[Verification]) -> ExitCode:
    """Say in one number how the challenges did: our own faults outrank the challenge's, and those what is undecided."""
    agreements = {row.agreement for verification in verifications for row in verification.rows}
    if Agreement.ERROR in agreements:
        return ExitCode.INFRASTRUCTURE
    if Agreement.UNEXPECTED in agreements or any(zone.faults for found in verifications for zone in found.separations):
        return ExitCode.FAIL
    return ExitCode.INCONCLUSIVE if Agreement.INCONCLUSIVE in agreements else ExitCode.PASS


def _entries(root: Path, slug: str | None) -> tuple[Entry, ...]:
    return load_catalogue(root) if slug is None else (load_entry(root, slug),)


def _plans(root: Path, entries: Sequence[Entry], only: str | None, runs: int, quick: bool) -> list[Plan]:
    plans = [planned for entry in entries for planned in plan(root, entry, only, runs, quick)]
    if not plans:
        raise UsageError(f"no known solution is called {only}" if only else "there is nothing to verify")
    return plans


def _placed(plans: Sequence[Plan], done: int, planned: Plan, step: Progress) -> Progress:
    """Place one grading's step in the whole verification."""
    run = f" #{planned.run}" if planned.run > 1 else ""
    where = f"{planned.entry.slug} {planned.solution.name}{run}: {step.id or step.text}"
    return Progress(phase=step.phase, id=where, done=done, total=len(plans), text="")


def _tell(screen: Screen, verifications: Sequence[Verification]) -> None:
    screen.document([verification.to_plain() for verification in verifications])
    for verification in verifications:
        if not screen.as_json:
            screen.out.print(matrix(verification))
        for line in bar_lines(verification):
            screen.answer(line)
        for fault in verification.faults:
            screen.answer(fault, Style.BAD)
        screen.answer(_sum(verification), Style.BAD if verification.faults else Style.GOOD)


def _sum(verification: Verification) -> str:
    expected = sum(row.agreement is Agreement.EXPECTED for row in verification.rows)
    return f"{verification.challenge}: {expected} of {len(verification.rows)} gradings as expected"
