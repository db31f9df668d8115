"""`takehome compare`: results of several submissions side by side."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.options import Json
from grader.cli.results import Results, read_results
from grader.comparison import BarRow, Comparison, compare, letters
from grader.report import escape, wording
from grader.report.terminal import COLOURS
from grader.result import BarResult

LEAD = "bold green"


def compare_results(results: Results, as_json: Json = False) -> ExitCode:
    """Put results side by side, and say where one is measurably ahead."""
    screen = Screen.of_process(as_json)
    comparison = compare(read_results(results))
    screen.document(comparison.to_plain())
    for letter, path, result in zip(letters(), results, comparison.results, strict=False):
        screen.answer(escape.line(f"{letter}  {wording.headline(result)}  ({path})"))
    for warning in comparison.warnings:
        screen.note(warning, Style.DOUBT)
    if not as_json:
        screen.out.print(_checks(comparison))
        screen.out.print(_bars(comparison))
    for line in _summary(comparison):
        screen.answer(line)
    return ExitCode.PASS


def _table(comparison: Comparison, first: str) -> Table:
    table = Table(first, box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for letter, _ in zip(letters(), comparison.results, strict=False):
        table.add_column(letter, no_wrap=True)
    return table


def _checks(comparison: Comparison) -> Table:
    table = _table(comparison, "check")
    for row in comparison.checks:
        table.add_row(Text(row.id), *(Text(word, COLOURS.get(word, "")) for word in row.words))
    return table


def _bars(comparison: Comparison) -> Table:
    table = _table(comparison, "bar")
    for row in comparison.bars:
        table.add_row(Text(row.id), *(_cell(bar, place == row.leader) for place, bar in enumerate(row.bars)))
    return table


def _cell(bar: BarResult | None, leads: bool) -> Text:
    if bar is None or bar.ratio is None:
        word = "" if bar is None else wording.bar_word(bar)
        return Text(word, COLOURS.get(word, ""))
    word = wording.bar_word(bar)
    cell = Text(f"{wording.ratio(bar.ratio.estimate)}{'*' if leads else ' '}", LEAD if leads else "")
    return cell.append(f" {wording.interval(bar)} ", "dim").append(word, COLOURS.get(word, ""))


def _summary(comparison: Comparison) -> Iterator[str]:
    names = list(letters())
    for place, _ in enumerate(comparison.results):
        led = [row.id for row in comparison.bars if row.leader == place]
        if led:
            yield f"{names[place]} is measurably ahead on {', '.join(led)}"
    tied = [row.id for row in comparison.bars if row.leader is None and _measured(row)]
    if tied:
        yield f"nobody is ahead of all others on {', '.join(tied)}: intervals overlap, or noise is as large"
    yield "ratio: to the reference in the same grading, less is better; *: ahead of all others that were measured"


def _measured(row: BarRow) -> bool:
    return any(bar is not None and bar.ratio is not None for bar in row.bars)
