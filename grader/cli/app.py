"""The command `takehome`: every command registered, every error turned into one sentence and an exit code."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from grader.cli.bench import bench
from grader.cli.compare import compare_results
from grader.cli.console import Screen, Style
from grader.cli.doctor import doctor
from grader.cli.exit_code import ExitCode, of_error
from grader.cli.grade import grade_submission
from grader.cli.lint import lint_challenges
from grader.cli.list import list_challenges
from grader.cli.new import new_challenge
from grader.cli.regrade import regrade
from grader.cli.report import report
from grader.cli.start import start
from grader.cli.test import run_public_tests
from grader.cli.verify import verify
from grader.errors import GraderError
from grader.interruption import Interrupted
from grader.report import escape
from harness.errors import HarnessError

BROKEN_PIPE = 141
"""What a shell reports for SIGPIPE: whoever read our output has gone, which says nothing of a submission."""

ROW_CHARS = 2_000
"""Longest row of an error message: a path, a name of a submission's and what to do about it."""

app = typer.Typer(
    name="takehome",
    help="Senior-engineer take-home challenges, graded against a reference measured side by side.",
    epilog="Exit codes: 0 pass, 1 the submission (or the challenge) fails, 2 usage, 3 infrastructure, 4 inconclusive, "
    "130 interrupted (143 by SIGTERM, 129 by SIGHUP).",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name, _command, _panel in (
    ("list", list_challenges, "Candidates"),
    ("start", start, "Candidates"),
    ("test", run_public_tests, "Candidates"),
    ("bench", bench, "Candidates"),
    ("doctor", doctor, "Candidates"),
    ("grade", grade_submission, "Everyone"),
    ("compare", compare_results, "Interviewers"),
    ("report", report, "Interviewers"),
    ("regrade", regrade, "Interviewers"),
    ("new", new_challenge, "Authors of challenges"),
    ("lint", lint_challenges, "Authors of challenges"),
    ("verify", verify, "Authors of challenges"),
):
    app.command(_name, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run the command that the process was started with."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; no error leaves a traceback on the screen."""
    as_json = "--json" in arguments
    try:
        code = app(list(arguments) or ["--help"], standalone_mode=False, prog_name="takehome")
        return int(code or 0) if arguments else ExitCode.USAGE
    except typer.TyperException as error:
        return _complain(f"{error.format_message()} See `takehome --help`.", ExitCode.USAGE, as_json)
    except (GraderError, HarnessError) as error:
        return _complain(str(error), of_error(error), as_json)
    except Interrupted as stopped:
        return _complain(f"stopped by {stopped}", stopped.exit_code, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("stopped", ExitCode.INTERRUPTED, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last resort: even a bug of ours is one sentence and exit code 3
        sentence = (
            f"takehome itself broke ({type(error).__name__}: {error}), which is a bug of ours; {_saved_traceback()}"
        )
        return _complain(sentence, ExitCode.INFRASTRUCTURE, as_json)


def _complain(sentence: str, exit_code: int, as_json: bool) -> int:
    screen = Screen.of_process(as_json)
    harmless = "\n".join(escape.line(row, ROW_CHARS) for row in sentence.splitlines())
    screen.note(f"takehome: {harmless}", Style.BAD)
    screen.document({"error": {"exit_code": int(exit_code), "message": sentence}})
    return int(exit_code)


def _saved_traceback() -> str:
    """Keep the traceback of the exception being handled, and say where."""
    try:
        number, path = tempfile.mkstemp(prefix="takehome-", suffix=".traceback.txt")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(sys.argv, file)
            file.write("\n" + traceback.format_exc())
    except OSError as error:
        return f"its traceback could not be saved ({error.strerror})"
    return f"its traceback is in {path}"
