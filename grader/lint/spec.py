"""Rule on SPEC.md: whoever is measured is told by what.

Convention: every bar has a row in a table of SPEC.md, with its id in one cell and, in the cells after it, the pass ratio and
then, if it is told, the distinction ratio, such as

    | bar          | what is measured      | pass | distinction |
    | ------------ | --------------------- | ---- | ----------- |
    | `hit-lookup` | looking up known keys | 3.0× | 1.1×        |
"""

import re
from collections.abc import Iterator

from grader.challenge import Bar
from grader.complaint import Complaint
from grader.lint.target import Target

RATIO = re.compile(r"[*`]*(\d+(?:\.\d+)?)\s*[×x]?[*`]*")  # noqa: RUF001
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
            row = f"| `{bar.id}` | {bar.title} | {bar.pass_}× | {bar.distinction}× |"  # noqa: RUF001
            yield Complaint(path, bar.id, problem, f"add to a table the row {row}")


def _ratios(cells: list[str]) -> list[float]:
    return [float(found[1]) for found in map(RATIO.fullmatch, cells) if found]


def _problem(bar: Bar, stated: list[list[float]]) -> str | None:
    if not stated:
        return "no table row begins with this bar's id"
    if len(stated) > 1:
        return "several table rows begin with this bar's id"
    ratios = stated[0]
    if not ratios or ratios[0] != bar.pass_:
        return f"its row does not state the pass ratio {bar.pass_}"
    if len(ratios) > 1 and ratios[1] != bar.distinction:
        return f"its row states another distinction ratio than {bar.distinction}"
    return None
