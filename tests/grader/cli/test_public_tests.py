"""`takehome test`: the candidate's own tests, in this process, with honest exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grader.cli.test_app import TAKEHOME

RIGHT = "def total(numbers):\n    return sum(numbers)\n"


def run_tests(folder: Path, *options: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [*TAKEHOME, "test", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=60, check=False)


@pytest.fixture
def begun(root: Path) -> Path:
    """Give a folder as `takehome start` leaves it."""
    subprocess.run([*TAKEHOME, "start", "tally", "mine"], check=True, capture_output=True)
    return Path("mine").resolve()


def test_a_right_solution_passes(begun: Path) -> None:
    (begun / "solution.py").write_text(RIGHT)
    ended = run_tests(begun)
    assert ended.returncode == 0, ended.stderr
    assert "1 passed" in ended.stdout


def test_the_starter_fails(begun: Path) -> None:
    ended = run_tests(begun)
    assert ended.returncode == 1
    assert "NotImplementedError" in ended.stdout


def test_a_solution_that_cannot_be_imported_fails(begun: Path) -> None:
    (begun / "solution.py").write_text("def total(:\n")
    ended = run_tests(begun, "--json")
    assert ended.returncode == 1
    (test,) = json.loads(ended.stdout)["tests"]
    assert test["outcome"] == "error"
    assert "SyntaxError" in test["message"] or "syntax" in test["message"]


def test_as_json_only_json_is_on_standard_output(begun: Path) -> None:
    (begun / "solution.py").write_text("print('noise')\n" + RIGHT)
    (begun / "test_public.py").write_text(
        (begun / "test_public.py").read_text()
        + "\n\ndef test_wrong():\n    print('more noise')\n    assert total([]) == 1\n"
    )
    ended = run_tests(begun, "--json")
    assert ended.returncode == 1
    document = json.loads(ended.stdout)
    assert [test["outcome"] for test in document["tests"]] == ["passed", "failed"]
    assert "assert 0 == 1" in document["tests"][1]["message"]


def test_a_folder_without_tests_says_where_to_get_them(root: Path) -> None:
    folder = root / "reference_solutions" / "tally" / "reference"
    ended = run_tests(folder)
    assert ended.returncode == 2
    assert str(root / "challenges" / "tally" / "starter" / "test_public.py") in ended.stderr


def test_a_test_file_without_tests_is_a_usage_error(begun: Path) -> None:
    (begun / "test_public.py").write_text("")
    assert run_tests(begun).returncode == 2


def test_settings_of_folders_further_up_do_not_count(begun: Path) -> None:
    (begun / "solution.py").write_text(RIGHT)
    (begun.parent / "pytest.ini").write_text("[pytest]\naddopts = --frobnicate\n")
    assert run_tests(begun).returncode == 0


def test_the_candidates_own_settings_do(begun: Path) -> None:
    (begun / "solution.py").write_text(RIGHT)
    (begun / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    assert run_tests(begun).returncode == 2


def test_a_debugger_works(begun: Path) -> None:
    (begun / "solution.py").write_text("def total(numbers):\n    breakpoint()\n    return sum(numbers)\n")
    ended = run_tests(begun, stdin="p numbers\ncontinue\n")
    assert "(Pdb)" in ended.stdout
    assert "[1, 2, 3]" in ended.stdout
    assert ended.returncode == 0


SPAWNS = """
import multiprocessing
import sys

def knows_the_grader():
    return sorted(name for name in sys.modules if name.startswith("grader."))

def test_spawned():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(knows_the_grader) == ["grader.cli"]
"""
"""`multiprocessing` imports the main module in each spawned process, and the command is that module."""

COMMAND = """
from grader.cli import main

if __name__ == "__main__":
    main()
"""
"""As an installation makes it."""


def test_a_spawned_process_imports_little(begun: Path) -> None:
    (begun / "solution.py").write_text(RIGHT)
    (begun / "test_public.py").write_text(SPAWNS)
    command = begun.parent / "command.py"
    command.write_text(COMMAND)
    ended = subprocess.run(
        [sys.executable, str(command), "test", str(begun)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout
