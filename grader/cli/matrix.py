"""The table that `verify` prints: one row a grading, with each bar's margin in units of noise."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from grader.cli.console import Style
from grader.dead_zone import Margin
from grader.expectation_match import Agreement
from grader.report import escape
from grader.verify import Verification

STYLES = {
    Agreement.EXPECTED: Style.GOOD,
    Agreement.UNEXPECTED: Style.BAD,
    Agreement.INCONCLUSIVE: Style.DOUBT,
    Agreement.ERROR: Style.BAD,
}

MARGIN_MOST = 999.0
"""Margins beyond are all the same: far."""


def matrix(verification: Verification) -> Table:
    """Lay the rows out; a margin is positive where the solution clears the bar."""
    table = Table(title=f"{verification.challenge}: margins in units of noise", title_justify="left", box=None)
    for heading in ("solution", "run", "verdict", "as expected", "decided by"):
        table.add_column(heading)
    for zone in verification.separations:
        table.add_column(zone.bar, justify="right")
    table.add_column("time", justify="right")
    for row in verification.rows:
        margins = {margin.bar: margin for margin in row.margins}
        table.add_row(
            row.solution,
            str(row.run),
            row.verdict.value,
            Text(row.agreement.value, style=STYLES[row.agreement].value),
            Text(escape.line(", ".join(row.decided_by))),
            *(_margin(margins.get(zone.bar)) for zone in verification.separations),
            f"{row.duration_sec:.1f} s",
        )
    return table


def bar_lines(verification: Verification) -> Iterator[str]:
    """Say for each bar where the nearest known solutions lie."""
    for zone in verification.separations:
        sound = "no sound solution" if zone.slowest_sound is None else _placed(zone.slowest_sound)
        slow = "no slow solution" if zone.fastest_slow is None else _placed(zone.fastest_slow)
        yield f"{zone.bar:<20} {sound} | bar {zone.threshold:.2f} | {slow}"


def _placed(solution: tuple[str, float]) -> str:
    name, ratio = solution
    return f"{name} {ratio:.3f}"


def _margin(margin: Margin | None) -> Text:
    if margin is None:
        return Text("")
    units = max(-MARGIN_MOST, min(MARGIN_MOST, margin.units))
    return Text(f"{units:+.0f}", style=Style.BAD.value if margin.thin else "")
