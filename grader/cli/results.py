"""The argument of every command that reads results, and the reading."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader.errors import ResultInvalid, UsageError
from grader.result import Result
from grader.result_file import RESULT_FILE, read_result

Results = Annotated[
    list[Path], typer.Argument(metavar="A B …", help="Result files, or folders that hold a result.json.")
]


def read_results(paths: Sequence[Path]) -> list[Result]:
    """Read every result; raises UsageError for the first that is none."""
    return [read_one(path) for path in paths]


def read_one(path: Path) -> Result:
    """Read the result that `path` is or holds; raises UsageError where it is none."""
    try:
        return read_result(file_of(path))
    except ResultInvalid as fault:
        raise UsageError(str(fault)) from fault


def file_of(path: Path) -> Path:
    """Name the file of a result, given it or the folder it is in."""
    return path / RESULT_FILE if path.is_dir() else path
