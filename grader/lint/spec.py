"""Rule on SPEC.md: whoever is measured is told by what.

Convention: every bar has a row in a table of SPEC.md that begins with its id. The first cell after it that holds
nothing but a ratio is the pass ratio, and the next one, if there is one, the distinction ratio:

    | bar          | what is measured      | pass | distinction |
    | ------------ | --------------------- | ---- | ----------- |
    | `hit-lookup` | looking up known keys | 3.0× | 1.1×        |
"""

# ruff: noqa: RUF001, RUF002  (the sign is meant)

import re
from collections.abc import Iterator

from grader.challenge import Bar
from grader.complaint import Complaint
from grader.lint.target import Target

RATIO = re.compile(r"[*`]*(\d+(?:\.\d+)?)\s*[×x]?[*`]*")
UNESCAPED_BAR = re.compile(r"(?<!\\)\|")


def spec_complaints(target: Target) -> Iterator[Complaint]:
    """Complain about bars that SPEC.md does not state, or states wrongly."""
    path = target.folder / "SPEC.md"
    if target.entry is None or not path.is_file():
        return
    text = path.read_text("utf-8", "replace")
    rows = [[cell.strip() for cell in UNESCAPED_BAR.split(line.strip().strip("|"))] for line in text.splitlines()]
    for bar in target.entry.challenge.bars:
        stated = [_ratios(row[1:]) for row in rows if len(row) > 1 and row[0].strip("`* ") == bar.id]
        problem = _problem(bar, stated)
        if problem:
            row = f"| `{bar.id}` | {bar.title} | {bar.pass_}× | {bar.distinction}× |"
            yield Complaint(path, bar.id, problem, f"add to a table the row {row}")


def _ratios(cells: list[str]) -> list[float]:
    return [float(found[1]) for found in map(RATIO.fullmatch, cells) if found]


def _problem(bar: Bar, stated: list[list[float]]) -> str | None:
    if not stated:
        return "no table row begins with this bar's id"
    told = [ratios for ratios in stated if ratios]
    if not told:
        return f"its row does not state the pass ratio {bar.pass_}"
    if any(ratios[0] != bar.pass_ for ratios in told):
        return f"a row of it states another pass ratio than {bar.pass_}"
    if any(ratios[1:2] not in ([], [bar.distinction]) for ratios in told):
        return f"a row of it states another distinction ratio than {bar.distinction}"
    return None
