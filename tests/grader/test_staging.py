"""The folders of one grading: what is copied, and that nothing of them stays."""

from pathlib import Path

import pytest

from grader.catalogue import load_entry
from grader.errors import CatalogueFault, IntakeRefused
from grader.scratch import scratch_folder
from grader.staging import stage
from tests.grader.tally import SLUG, solution, write_tally

pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tally(tmp_path / "root")


def test_all_four_folders_are_staged_and_litter_is_not(root: Path) -> None:
    grading = root / "challenges" / SLUG / "grading"
    (grading / "__pycache__").mkdir()
    (grading / "__pycache__" / "model.pyc").write_bytes(b"")
    with scratch_folder() as scratch:
        staged = stage(root, load_entry(root, SLUG), solution(root, "rejected/slow"), scratch).staged
        assert "TIMES" in (staged.driver / "driver.py").read_text()
        assert sorted(path.name for path in staged.grading.iterdir()) == [
            "challenge.toml",
            "test_bars.py",
            "test_behaviour.py",
            "workload.py",
        ]
        assert "range(8)" in (staged.submission / "solution.py").read_text()
        assert "range(8)" not in (staged.reference / "solution.py").read_text()


def test_a_submission_with_a_link_is_refused(root: Path) -> None:
    (solution(root, "reference") / "link.py").symlink_to("/etc/passwd")
    with scratch_folder() as scratch, pytest.raises(IntakeRefused, match=r"link\.py"):
        stage(root, load_entry(root, SLUG), solution(root, "reference"), scratch)


def test_a_driver_may_be_a_package(root: Path) -> None:
    package = root / "challenges" / SLUG / "driver"
    (package / "__pycache__").mkdir(parents=True)
    (root / "challenges" / SLUG / "driver.py").rename(package / "__init__.py")
    (package / "parts.py").write_text("PARTS = 1\n")
    with scratch_folder() as scratch:
        staged = stage(root, load_entry(root, SLUG), solution(root, "reference"), scratch).staged
        assert sorted(path.name for path in (staged.driver / "driver").iterdir()) == ["__init__.py", "parts.py"]


@pytest.mark.parametrize("missing", ["driver.py", "grading"])
def test_a_challenge_that_lacks_a_part_is_told_by_its_name(root: Path, missing: str) -> None:
    path = root / "challenges" / SLUG / missing
    path.rename(path.with_name("elsewhere"))
    with scratch_folder() as scratch, pytest.raises(CatalogueFault, match=missing):
        stage(root, load_entry(root, SLUG), solution(root, "reference"), scratch)
