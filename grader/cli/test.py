"""`takehome test`: the public tests, fast and in this process, so that a debugger works."""

from dataclasses import asdict
from pathlib import Path

import pytest

from grader.catalogue import find_root, load_entry
from grader.cli.console import Screen, Style
from grader.cli.exit_code import ExitCode
from grader.cli.folder import challenge_of, require_folder
from grader.cli.options import ChallengeSlug, Folder, Json
from grader.errors import GraderError, UsageError
from grader.practice import PUBLIC_TESTS, Practice, practise


def run_public_tests(folder: Folder = Path(), challenge: ChallengeSlug = None, as_json: Json = False) -> ExitCode:
    """Run the public tests of your solution."""
    screen = Screen.of_process(as_json)
    require_folder(folder)
    if challenge is not None:
        load_entry(find_root(), challenge)
    if not (folder / PUBLIC_TESTS).is_file():
        raise UsageError(_no_tests(folder, challenge))
    practice = practise(folder, quiet_stdout=as_json)
    screen.document({"ended": practice.ended.name.lower(), "tests": [asdict(found) for found in practice.tests]})
    return _exit_code(practice, screen)


def _no_tests(folder: Path, challenge: str | None) -> str:
    root = find_root()
    slug = challenge_of(folder, challenge, root)
    home = root / "challenges" / slug / "starter" / PUBLIC_TESTS
    return f"{folder} has no {PUBLIC_TESTS}; copy it from {home}, or begin with `takehome start {slug}`"


def _exit_code(practice: Practice, screen: Screen) -> ExitCode:
    match practice.ended:
        case pytest.ExitCode.OK:
            screen.note("These are the public tests only; `takehome grade` asks far more.", Style.QUIET)
            return ExitCode.PASS
        case pytest.ExitCode.TESTS_FAILED:
            return ExitCode.FAIL
        case pytest.ExitCode.INTERRUPTED if any(found.outcome == "error" for found in practice.tests):
            return ExitCode.FAIL  # a test file that cannot be imported ends the run before it began
        case pytest.ExitCode.INTERRUPTED:
            return ExitCode.INTERRUPTED
        case pytest.ExitCode.NO_TESTS_COLLECTED:
            raise UsageError(f"{PUBLIC_TESTS} holds no tests")
        case pytest.ExitCode.USAGE_ERROR:
            raise UsageError("pytest does not understand the settings in the solution's folder")
        case _:
            raise GraderError("pytest broke while it ran the public tests; what it printed says how")
