"""Lay a known solution out as the folder that is graded: as it is, or its base with its fault put in."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.complaint import Complaint
from grader.errors import CatalogueFault, StorageFailed, UsageError
from grader.known import EXPECT_FILE, PATCH_FILE, KnownSolution
from grader.scratch import scratch_folder

PATCH_TIMEOUT_SEC = 30.0


@contextmanager
def laid_out(solution: KnownSolution) -> Iterator[Path]:
    """Give the folder to grade, which is not to be written to; a copy that had to be made is gone afterwards.

    Files that lie beside a patch are added to the copy, or take a file's place in it. Raises CatalogueFault where the
    patch does not fit its base.
    """
    if solution.base is None:
        yield solution.folder
        return
    with scratch_folder() as scratch:
        copy = scratch / solution.folder.name
        _copy(solution, solution.base, copy)
        _apply(solution.folder / PATCH_FILE, solution.base, copy)
        _copy(solution, solution.folder, copy)
        yield copy


def _copy(solution: KnownSolution, source: Path, target: Path) -> None:
    not_handed_in = shutil.ignore_patterns("__pycache__", EXPECT_FILE, PATCH_FILE)
    try:
        shutil.copytree(source, target, ignore=not_handed_in, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise StorageFailed(f"{solution.name} cannot be laid out: {error}") from error


def _apply(patch: Path, base: Path, folder: Path) -> None:
    """Apply a patch by git, which insists on every line of context, wherever the lines have moved to."""
    command = ["git", "apply", "--whitespace=nowarn", str(patch.resolve())]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)  # inside a work tree, it would look for paths there
    try:
        applied = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATCH_TIMEOUT_SEC, check=False
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, and it is what applies patches; install it") from error
    if applied.returncode:
        told = applied.stderr.strip().removeprefix("error: ").partition("\n")[0]
        problem = f"it does not fit {base.name}: {told}"
        raise CatalogueFault([Complaint(patch, "", problem, "put the fault into a copy of that one again")])
