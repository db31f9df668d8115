"""`takehome grade`: the whole grading of one submission."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader.catalogue import find_root, load_entry
from grader.cli.console import Screen
from grader.cli.exit_code import ExitCode, of_verdict
from grader.cli.folder import challenge_of
from grader.cli.options import ChallengeSlug, Folder, Image, Json, Seed, Venue
from grader.cli.venue import open_venue
from grader.cli.watch import watched
from grader.errors import UsageError
from grader.grading import GradingOutcome, GradingRequest, grade
from grader.report import html, junit, markdown, terminal
from grader.result import Result
from grader.result_file import RESULT_FILE, write_result, write_whole
from grader.venue import VenueChoice

BENCHMARKS_FILE = "benchmarks.json"

Out = Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Folder for result.json and benchmarks.json.")]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit XML report too.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown summary too.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser too.")]


Report = tuple[Path, Callable[[Result], str]]
"""Where to write a report besides the result, and what renders it."""


def grade_submission(  # noqa: PLR0913, PLR0917 - a command has as many parameters as options
    folder: Folder = Path(),
    challenge: ChallengeSlug = None,
    out: Out = Path(),
    seed: Seed = None,
    sandbox: Venue = VenueChoice.AUTO,
    image: Image = None,
    as_json: Json = False,
    junit_file: Junit = None,
    markdown_file: Markdown = None,
    html_file: Html = None,
) -> ExitCode:
    """Grade a solution: every check, every bar, one verdict."""
    screen = Screen.of_process(as_json)
    root = find_root()
    entry = load_entry(root, challenge_of(folder, challenge, root))
    wanted = ((junit_file, junit.render), (markdown_file, markdown.render), (html_file, html.render_one))
    reports = [(file, render) for file, render in wanted if file is not None]
    require_writable(out, *(file.parent for file, _ in reports))
    venue = open_venue(sandbox, image, screen)
    with watched(screen, entry.slug) as show:
        outcome = grade(GradingRequest(root, entry, folder, venue, seed), show)
    write_outcome(outcome, out, reports)
    screen.document(outcome.result.model_dump(mode="json"))
    if not as_json:
        screen.out.print(terminal.render(outcome.result))
    screen.note(f"{out / RESULT_FILE} holds the whole result.")
    return of_verdict(outcome.result.verdict)


def require_writable(*folders: Path) -> None:
    """Refuse a place that cannot be written now, rather than when the grading is done."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made ({error.strerror}); choose another place for results") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"{folder} cannot be written; choose another place for results")


def write_outcome(outcome: GradingOutcome, out: Path, reports: Sequence[Report] = ()) -> None:
    """Write every report that was asked for, the result last: where it is, the others are too."""
    if outcome.benchmarks:
        write_whole(out / BENCHMARKS_FILE, outcome.benchmarks)
    else:
        (out / BENCHMARKS_FILE).unlink(missing_ok=True)
    for file, render in reports:
        write_whole(file, render(outcome.result))
    write_result(outcome.result, out / RESULT_FILE)
