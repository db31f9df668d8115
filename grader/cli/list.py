"""`takehome list`: which challenges there are."""

from rich.table import Table
from rich.text import Text

from grader.catalogue import Entry, find_root, load_catalogue
from grader.cli.console import Screen
from grader.cli.exit_code import ExitCode
from grader.cli.options import Json


def list_challenges(as_json: Json = False) -> ExitCode:
    """List the challenges."""
    screen = Screen.of_process(as_json)
    entries = load_catalogue(find_root())
    screen.document([_plain(entry) for entry in entries])
    if not as_json:
        screen.out.print(_table(entries))
    return ExitCode.PASS


def _plain(entry: Entry) -> dict[str, object]:
    challenge = entry.challenge
    return {
        "slug": entry.slug,
        "version": challenge.version,
        "title": challenge.title,
        "summary": challenge.summary,
        "area": challenge.area,
        "minutes": challenge.minutes,
        "checks": [check.id for check in challenge.checks],
        "bars": [bar.id for bar in challenge.bars],
    }


def _table(entries: tuple[Entry, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("challenge", "area", "minutes", "checks", "bars", "what to build"):
        table.add_column(heading, justify="right" if heading in {"minutes", "checks", "bars"} else "left")
    for entry in entries:
        challenge = entry.challenge
        counts = (str(challenge.minutes), str(len(challenge.checks)), str(len(challenge.bars)))
        table.add_row(*(Text(cell) for cell in (entry.slug, challenge.area, *counts, challenge.summary)))
    return table
