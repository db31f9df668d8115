"""`takehome regrade`: the same files, the same challenge and the same seed once more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader.catalogue import find_root, load_entry
from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode, of_verdict
from grader.cli.grade import Out, require_writable, write_outcome
from grader.cli.options import Image, Json, Venue
from grader.cli.results import file_of, read_one
from grader.cli.venue import open_venue
from grader.cli.watch import watched
from grader.errors import UsageError
from grader.grading import GradingRequest, grade
from grader.intake import take_in
from grader.replay import Difference, differences, require_same_challenge, require_same_files
from grader.report import escape, terminal
from grader.result import Result
from grader.result_file import RESULT_FILE
from grader.scratch import scratch_folder
from grader.venue import VenueChoice

Before = Annotated[Path, typer.Argument(metavar="RESULT", help="The result to replay: a file, or the folder it is in.")]
Submission = Annotated[Path, typer.Argument(metavar="DIR", help="The folder or archive that was graded.")]


def regrade(
    before: Before,
    submission: Submission,
    out: Out = Path(),
    sandbox: Venue = VenueChoice.AUTO,
    image: Image = None,
    as_json: Json = False,
) -> ExitCode:
    """Replay a grading from its result, and say whether the verdict is the same."""
    screen = Screen.of_process(as_json)
    result = read_one(before)
    root = find_root()
    entry = load_entry(root, result.challenge.slug)
    require_same_challenge(result, entry.challenge)
    with scratch_folder() as scratch:
        require_same_files(result, take_in(submission, entry.challenge.entry_point, scratch / "submission").digest)
    _require_another_place(before, out)
    require_writable(out)
    venue = open_venue(sandbox, image, screen)
    if result.image_digest != venue.image_digest:
        screen.note("the image is another one than then: other versions of packages may move a ratio", Style.DOUBT)
    with watched(screen, entry.slug) as show:
        outcome = grade(GradingRequest(root, entry, submission, venue, result.seed, tuple(result.selected)), show)
    write_outcome(outcome, out)
    changed = differences(result, outcome.result)
    screen.document(_document(result, outcome.result, changed))
    if not as_json:
        screen.out.print(terminal.render(outcome.result))
    _say_what_changed(screen, result, outcome.result, changed)
    return of_verdict(outcome.result.verdict)


def _require_another_place(before: Path, out: Path) -> None:
    held = file_of(before)
    if held.resolve() == (out / RESULT_FILE).resolve():
        raise UsageError(f"{held} would be replaced; choose another place for the new result with --out")


def _document(before: Result, after: Result, changed: Sequence[Difference]) -> dict[str, object]:
    return {
        "before": before.verdict.value,
        "after": after.verdict.value,
        "differences": [vars(found) for found in changed],
        "result": after.model_dump(mode="json"),
    }


def _say_what_changed(screen: Screen, before: Result, after: Result, changed: Sequence[Difference]) -> None:
    same = before.verdict is after.verdict
    said = f"the verdict is the same: {after.verdict.value}"
    if not same:
        said = f"the verdict was {before.verdict.value} and is {after.verdict.value} now"
    screen.answer(said, Style.GOOD if same else Style.BAD)
    for found in changed:
        screen.answer(escape.line(f"{found.id}: {found.before} then, {found.after} now"))
