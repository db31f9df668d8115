"""`takehome bench`: where a solution stands at each bar, before handing it in."""

from pathlib import Path

from grader.bar_verdict import BarVerdict
from grader.catalogue import find_root, load_entry
from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.folder import challenge_of
from grader.cli.options import ChallengeSlug, Folder, Image, Json, Seed, Venue
from grader.cli.venue import open_venue
from grader.cli.watch import watched
from grader.errors import UsageError
from grader.grading import GradingRequest, grade
from grader.report import escape
from grader.result import BarResult, Result
from grader.venue import VenueChoice

STYLES = {
    BarVerdict.PASS: Style.GOOD,
    BarVerdict.FAIL: Style.BAD,
    BarVerdict.INCONCLUSIVE: Style.DOUBT,
    BarVerdict.NOT_MEASURED: Style.DOUBT,
    BarVerdict.ERROR: Style.BAD,
}


def bench(
    folder: Folder = Path(),
    challenge: ChallengeSlug = None,
    seed: Seed = None,
    sandbox: Venue = VenueChoice.AUTO,
    image: Image = None,
    as_json: Json = False,
) -> ExitCode:
    """Measure a solution at every bar, without checking its behaviour. Says where it stands; it is no verdict."""
    screen = Screen.of_process(as_json)
    root = find_root()
    entry = load_entry(root, challenge_of(folder, challenge, root))
    bars = tuple(bar.id for bar in entry.challenge.bars)
    if not bars:
        raise UsageError(f"{entry.slug} has no bars; `takehome test` and `takehome grade` are what there is to run")
    venue = open_venue(sandbox, image, screen)
    with watched(screen, entry.slug) as show:
        result = grade(GradingRequest(root, entry, folder, venue, seed, selected=bars), show).result
    screen.document({"challenge": entry.slug, "bars": [_plain(bar) for bar in result.bars], "faults": result.faults})
    for fault in result.faults:
        screen.note(escape.line(fault), Style.BAD)
    for bar in result.bars:
        screen.answer(standing(bar), STYLES[bar.verdict])
    return _exit_code(result)


def standing(bar: BarResult) -> str:
    """Say in one line where a solution stands at a bar."""
    if bar.ratio is None:
        return f"{bar.id:<20} {bar.verdict.value.replace('_', ' ')}: {escape.line(bar.message or bar.reason)}"
    ratio = bar.ratio
    figures = f"{ratio.estimate:6.3f} x the reference ({ratio.low:.3f} to {ratio.high:.3f}), bar {bar.pass_:.2f}"
    return f"{bar.id:<20} {figures}: {_words(bar)}"


def _words(bar: BarResult) -> str:
    assert bar.ratio is not None
    match bar.verdict:
        case BarVerdict.PASS if bar.distinguished:
            return "pass with distinction"
        case BarVerdict.PASS:
            return f"pass; distinction is at {bar.distinction:.2f}"
        case BarVerdict.FAIL:
            return f"over the bar by a factor of {bar.ratio.estimate / bar.pass_:.2f}"
        case _:
            return f"{bar.verdict.value}: {bar.reason}"


def _plain(bar: BarResult) -> dict[str, object]:
    return bar.model_dump(mode="json", exclude={"launches", "candidate", "reference"})


def _exit_code(result: Result) -> ExitCode:
    """Say by the bars alone how it went, as a script before handing in would want to know."""
    said = {bar.verdict for bar in result.bars if bar.required}
    if result.faults or not result.bars or any(bar.verdict is BarVerdict.ERROR for bar in result.bars):
        return ExitCode.INFRASTRUCTURE
    if BarVerdict.FAIL in said:
        return ExitCode.FAIL
    if said & {BarVerdict.INCONCLUSIVE, BarVerdict.NOT_MEASURED}:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASS
