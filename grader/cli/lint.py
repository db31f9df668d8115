"""`takehome lint`: everything wrong with a challenge, at once."""

from collections.abc import Sequence
from typing import Annotated

import typer

from grader.catalogue import find_root, slugs
from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.options import Json
from grader.complaint import Complaint, Severity
from grader.lint import lint
from grader.report import escape

Slug = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="The challenge; by default every one.")]

STYLES = {Severity.FAULT: Style.BAD, Severity.WARNING: Style.DOUBT}


def lint_challenges(slug: Slug = None, as_json: Json = False) -> ExitCode:
    """Complain about everything wrong with one challenge, or with all of them."""
    screen = Screen.of_process(as_json)
    root = find_root()
    complaints = lint(root, slug)
    screen.document([complaint.to_plain() for complaint in complaints])
    for complaint in complaints:
        screen.answer(escape.line(str(complaint)), STYLES[complaint.severity])
    screen.answer(_sum(slugs(root) if slug is None else [slug], complaints))
    return ExitCode.FAIL if any(one.severity is Severity.FAULT for one in complaints) else ExitCode.PASS


def _sum(linted: Sequence[str], complaints: Sequence[Complaint]) -> str:
    faults = sum(complaint.severity is Severity.FAULT for complaint in complaints)
    return f"{', '.join(linted)}: {faults} faults, {len(complaints) - faults} warnings"
