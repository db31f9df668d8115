"""The folders of one grading: submission, reference, driver, grading."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.catalogue import Entry
from grader.challenge import driver_path, grading_folder
from grader.complaint import Complaint
from grader.errors import CatalogueFault, StorageFailed
from grader.intake import Intake, take_in
from grader.known import solutions_folder
from harness.sandbox.roles import Staged

LITTER = shutil.ignore_patterns("__pycache__", ".*")


@dataclass(frozen=True)
class Stage:
    """What was staged, and what taking the submission in said of it."""

    staged: Staged
    intake: Intake


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
    driver = driver_path(challenge)
    if driver.is_dir():
        shutil.copytree(driver, folder / driver.name, ignore=LITTER)
    else:
        shutil.copyfile(driver, folder / driver.name)
