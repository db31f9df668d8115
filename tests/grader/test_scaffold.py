"""A new challenge lints, its solutions are what they say, and nothing that is there is touched."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from grader.catalogue import load_entry
from grader.complaint import Severity
from grader.errors import ScaffoldRefused, StorageFailed
from grader.faulty_copy import laid_out
from grader.known import known_solutions
from grader.lint import lint
from grader.scaffold import scaffold


def test_a_new_challenge_has_no_fault(tmp_path: Path) -> None:
    made = scaffold(tmp_path, "big-primes")
    assert [str(found) for found in lint(tmp_path) if found.severity is Severity.FAULT] == []
    assert load_entry(tmp_path, "big-primes").challenge.title == "Big primes"
    assert len(known_solutions(tmp_path, load_entry(tmp_path, "big-primes"))) == 7
    assert all(path.is_file() for path in made.files)
    assert sorted(made.files) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_no_placeholder_is_left_and_all_code_parses(tmp_path: Path) -> None:
    for path in scaffold(tmp_path, "a" * 64).files:
        text = path.read_text("utf-8")
        assert "$" not in text
        assert text.endswith("\n")
        if path.suffix == ".py":
            ast.parse(text)
        if path.suffix == ".toml":
            tomllib.loads(text)


def test_what_was_written_keeps_the_house_style(tmp_path: Path) -> None:
    scaffold(tmp_path, "a" * 64)
    config = Path(__file__).resolve().parents[2] / "pyproject.toml"
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check"], ["format", "--check"]):
        ran = subprocess.run(
            [*ruff, *command, "--no-cache", "--config", config, tmp_path], capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stdout.decode()


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a solution's folder."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def test_sound_solutions_pass_the_public_tests_and_the_starter_does_not(tmp_path: Path) -> None:
    made = scaffold(tmp_path, "primes")
    public = (made.challenge / "starter" / "test_public.py").read_text()
    pytest_here = ("-m", "pytest", "-q", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider", "test_public.py")
    for folder in (made.solutions / "reference", *(made.solutions / "accepted").iterdir()):
        (folder / "test_public.py").write_text(public)
        ran = run(folder, *pytest_here)
        assert ran.returncode == 0, ran.stdout
    assert "2 failed" in run(made.challenge / "starter", *pytest_here).stdout


def test_the_solutions_count_as_the_oracle_or_not_as_they_claim(tmp_path: Path) -> None:
    made = scaffold(tmp_path, "primes")
    (made.challenge / "grading" / "conftest.py").unlink(missing_ok=True)
    for solution in known_solutions(tmp_path, load_entry(tmp_path, "primes"))[1:]:
        script = (
            f"import sys; sys.path.insert(0, {str(made.challenge / 'grading')!r})\n"
            "from workload import is_right; from solution import count_primes\n"
            "limits = [*range(300), 4999, 994_010, 4_999_999]\n"
            "print(all(is_right(limit, count_primes(limit)) for limit in limits))"
        )
        with laid_out(solution) as folder:
            ran = run(folder, "-c", script)
        wrong = {"edges", "agreement"} <= set(solution.expectation.fails)
        assert ran.stdout.strip() == str(not wrong), f"{solution.name}: {ran.stderr}"


@pytest.mark.parametrize("slug", ["", "Primes", "../x", "a b", "a/b", "-x", "a" * 65])
def test_a_name_that_is_no_slug_is_refused(tmp_path: Path, slug: str) -> None:
    with pytest.raises(ScaffoldRefused, match="lower-case words joined by hyphens"):
        scaffold(tmp_path, slug)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["challenges/primes", "reference_solutions/primes"])
def test_what_is_there_is_not_touched(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir(parents=True)
    with pytest.raises(ScaffoldRefused, match="exists already"):
        scaffold(tmp_path, "primes")
    assert [path.name for path in tmp_path.rglob("*")] == [*taken.split("/")]


def test_a_disk_that_refuses_leaves_nothing_half(tmp_path: Path) -> None:
    (tmp_path / "reference_solutions").write_text("")
    with pytest.raises(StorageFailed, match="nothing was kept"):
        scaffold(tmp_path, "primes")
    assert [path.name for path in (tmp_path / "challenges").iterdir()] == []
