"""Rules on which files a challenge must have, and that its Python can be read."""

import ast
from collections.abc import Iterator
from pathlib import Path

from grader.challenge import driver_path
from grader.complaint import Complaint
from grader.lint.target import Target

NEEDED = {
    "SPEC.md": "say what the candidate is asked to build",
    "GUIDE.md": "give the interviewer a rubric, questions, and how to read the numbers",
    "starter/test_public.py": "give the candidate tests to begin with",
    "starter/NOTES.md": "ask the candidate for the reasons behind the design",
    "grading/test_behaviour.py": "write a function test_<id> for each check",
}
NEEDED_FOR_BARS = {"grading/test_bars.py": "write a function test_<id> for each bar"}


def file_complaints(target: Target) -> Iterator[Complaint]:
    """Complain about missing and empty files, and about Python that is none."""
    needed = {
        **NEEDED,
        str(driver_module(target.folder).relative_to(target.folder)): "adapt the submission's API to the wire",
        f"starter/{target.entry_point}": "give the candidate the API to fill in",
    }
    if target.entry is None or target.entry.challenge.bars:
        needed |= NEEDED_FOR_BARS
    for name, advice in needed.items():
        path = target.folder / name
        if not path.is_file():
            yield Complaint(path, "", "the file is missing", f"{advice}, or copy it from `takehome new`")
        elif not path.read_bytes().strip():
            yield Complaint(path, "", "the file is empty", advice)
    for path in sorted(target.folder.rglob("*.py")):
        syntax = parse(path)
        if isinstance(syntax, Complaint):
            yield syntax


def driver_module(challenge: Path) -> Path:
    """Name the file whose public functions can be called: of a driver that is a package, its own module."""
    driver = driver_path(challenge)
    return driver / "__init__.py" if driver.is_dir() else driver


def parse(path: Path) -> ast.Module | Complaint:
    """Read a Python file as a syntax tree, without running it."""
    try:
        return ast.parse(path.read_bytes(), filename=path.name)
    except SyntaxError as error:
        line = f"line {error.lineno}" if error.lineno else ""
        return Complaint(path, line, f"this is not Python: {error.msg}", "correct the syntax")
    except (ValueError, OSError, RecursionError) as error:
        return Complaint(path, "", f"this cannot be read as Python: {error}", "save it as UTF-8 text")
