"""The folders of one grading, in a scratch folder of this process: submission, reference, driver, grading."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.catalogue import Entry
from grader.challenge import grading_folder
from grader.complaint import Complaint
from grader.errors import CatalogueFault, StorageFailed
from grader.intake import Intake, take_in
from grader.interruption import Shield
from grader.known import solutions_folder
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start
from harness.sandbox.roles import Staged

PREFIX = "takehome-grading-"
OWNER_FILE = "owner.json"
LITTER = shutil.ignore_patterns("__pycache__", ".*")


@dataclass(frozen=True)
class Stage:
    """What was staged, and what taking the submission in said of it."""

    staged: Staged
    intake: Intake


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


def stage(root: Path, entry: Entry, submission: Path, scratch: Path) -> Stage:
    """Copy all that a grading needs below `scratch`; raises IntakeRefused where the submission cannot be taken."""
    intake = take_in(submission, entry.challenge.entry_point, scratch / "submission")
    reference = solutions_folder(root, entry.slug) / "reference"
    take_in(reference, entry.challenge.entry_point, scratch / "reference")
    driver = scratch / "driver"
    grading = scratch / "grading"
    try:
        _copy_driver(entry.folder, driver)
        shutil.copytree(grading_folder(entry.folder), grading, ignore=LITTER)
        shutil.copyfile(entry.folder / "challenge.toml", grading / "challenge.toml")
    except FileNotFoundError as error:
        missing = Path(error.filename)
        advice = f"`takehome lint {entry.slug}` says what else it lacks"
        raise CatalogueFault([Complaint(missing, "", "the challenge lacks this", advice)]) from error
    except (OSError, shutil.Error) as error:
        raise StorageFailed(f"cannot copy the challenge into {scratch}: {error}") from error
    return Stage(Staged(scratch / "submission", scratch / "reference", driver, grading), intake)


def _copy_driver(challenge: Path, folder: Path) -> None:
    """Copy a challenge's driver, which is a file or a package, into a new folder."""
    folder.mkdir()
    package = challenge / "driver"
    if package.is_dir():
        shutil.copytree(package, folder / "driver", ignore=LITTER)
    else:
        shutil.copyfile(challenge / "driver.py", folder / "driver.py")
