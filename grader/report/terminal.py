"""Show a result on a terminal: the verdict first, then what it rests on, then what to do."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report import escape, wording
from grader.result import Result
from grader.verdict import Verdict

COLOURS = {
    "pass": "green",
    "distinction": "bold green",
    "fail": "bold red",
    "inconclusive": "yellow",
    "not measured": "dim",
    "skipped": "magenta",
    "error": "bold magenta",
}

BACKGROUNDS = {
    Verdict.PASS: "bold white on green",
    Verdict.FAIL: "bold white on red",
    Verdict.INCONCLUSIVE: "bold black on yellow",
    Verdict.ERROR: "bold white on magenta",
}


def render(result: Result) -> RenderableType:
    """Make what a Rich console prints; every text in it is escaped, and none is read as markup."""
    return Group(*_parts(result))


def _parts(result: Result) -> Iterator[RenderableType]:
    yield Text(f" {escape.line(wording.headline(result))} ", BACKGROUNDS[result.verdict])
    if result.decided_by:
        yield _text(wording.decided_by(result))
    for caveat in wording.caveats(result):
        yield Text(caveat, "bold yellow")
    yield _text(_about(result), "dim")
    yield from (Text(escape.block(fault), "magenta") for fault in result.faults)
    if result.checks:
        yield _checks(result)
    if result.bars:
        yield _bars(result)
        yield _text(wording.noise_floor(result), "dim")
    yield from (_text(wording.used(side), "dim") for side in result.resources)
    yield from _list(
        "For a person to look at", [f"{found.kind}: {found.text}. {found.advice}" for found in result.findings]
    )
    if result.submission.ignored:
        yield _text("left out as litter: " + ", ".join(result.submission.ignored), "dim")
    yield from _list("What to do next", wording.next_steps(result))


def _about(result: Result) -> str:
    submission = result.submission
    return (
        f"version {result.challenge.version}, {submission.files} files, {submission.digest[:19]}…, "
        f"isolation {result.isolation.value}, seed {result.seed}"
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column, "bold"), overflow="fold")
    return table


def _text(text: str, style: str = "") -> Text:
    return Text(escape.line(text), style)


def _word(word: str) -> Text:
    return Text(word, COLOURS.get(word, ""))


def _checks(result: Result) -> RenderableType:
    table = _table("check", "verdict", "property")
    for check in result.checks:
        title = check.title if check.required else f"{check.title} (optional)"
        told = _text(title)
        if message := wording.check_message(check, result.checks):
            told.append("\n" + escape.block(message), "red")
        table.add_row(_text(check.id), _word(wording.check_word(check)), told)
    return Padding(table, (1, 0, 0, 0))


def _bars(result: Result) -> RenderableType:
    table = _table("bar", "verdict", "ratio", "interval", "pass", "margin")
    for column in table.columns[1:]:
        column.no_wrap = True
    for bar in result.bars:
        name = bar.id if bar.required else f"{bar.id} (optional)"
        table.add_row(
            _text(name),
            _word(wording.bar_word(bar)),
            Text("" if bar.ratio is None else wording.ratio(bar.ratio.estimate)),
            Text(wording.interval(bar)),
            Text(wording.ratio(bar.pass_)),
            Text(wording.margin(bar)),
        )
    sure = wording.confidence(result.bars)
    legend = Text(
        "ratio: candidate over reference, less is better; "
        f"{f'interval: {sure}; ' if sure else ''}margin: in units of noise, + is the good side",
        "dim",
    )
    notes = [_text(note) for note in wording.bar_notes(result.bars)]
    return Padding(Group(table, *notes, legend), (1, 0, 0, 0))


def _list(title: str, items: list[str]) -> Iterator[RenderableType]:
    if items:
        yield Text(f"\n{title}", "bold")
        yield from (Padding(Text(f"• {escape.line(item)}"), (0, 0, 0, 2)) for item in items)
