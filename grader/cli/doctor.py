"""`takehome doctor`: what this machine lacks, and what to do about it."""

from dataclasses import asdict

from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.options import Image, Json
from grader.doctor import Diagnosis, Health, diagnose, take_readings
from grader.report import escape
from grader.venue import default_image

STYLES = {Health.OK: Style.GOOD, Health.RISK: Style.DOUBT, Health.MISSING: Style.BAD}


def doctor(image: Image = None, as_json: Json = False) -> ExitCode:
    """Look for what a grading needs; exit code 3 where something is missing, 0 where there are only risks."""
    screen = Screen.of_process(as_json)
    with screen.err.status("looking at this machine"):
        found = diagnose(take_readings(image or default_image()))
    screen.document([asdict(diagnosis) for diagnosis in found])
    for diagnosis in found:
        screen.answer(_line(diagnosis), STYLES[diagnosis.health])
    return ExitCode.INFRASTRUCTURE if any(one.health is Health.MISSING for one in found) else ExitCode.PASS


def _line(diagnosis: Diagnosis) -> str:
    advice = f"; {diagnosis.advice}" if diagnosis.advice else ""
    return f"{diagnosis.health:<8} {diagnosis.name:<13} {escape.line(diagnosis.found)}{advice}"
