"""Scratch folders, which say whose they are, so that the next process removes what a killed one left."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import StorageFailed
from grader.interruption import Shield
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start

PREFIX = "takehome-grading-"
OWNER_FILE = "owner.json"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards; one that a killed process left behind goes first."""
    sweep_scratch()
    with Shield() as shield:
        try:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX))
            (folder / OWNER_FILE).write_text(current_owner().to_text(), encoding="utf-8")
        except OSError as error:
            raise StorageFailed(f"no temporary folder can be made: {error}; free some disk, or set TMPDIR") from error
        try:
            with shield.lifted():
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch() -> None:
    """Remove the scratch folders of processes that are gone, as far as we may."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owner = Owner.parse((folder / OWNER_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if is_gone(owner, current_owner(), process_start):
            shutil.rmtree(folder, ignore_errors=True)
