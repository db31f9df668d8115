"""A rejected solution that is another one with a fault is laid out whole, and only while it is needed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from grader.catalogue import load_entry
from grader.errors import CatalogueFault
from grader.faulty_copy import laid_out
from grader.known import KnownSolution, known_solutions, solutions_folder
from grader.scaffold import scaffold
from grader.scratch import OWNER_FILE

PATCHED = "rejected/misses-squares"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    scaffold(root, "primes")
    return root


def known(root: Path, name: str = PATCHED) -> KnownSolution:
    return next(found for found in known_solutions(root, load_entry(root, "primes")) if found.name == name)


def folder(root: Path, name: str = PATCHED) -> Path:
    return solutions_folder(root, "primes") / name


def texts(at: Path) -> dict[str, str]:
    return {str(path.relative_to(at)): path.read_text() for path in at.rglob("*") if path.is_file()}


def test_a_whole_solution_is_given_as_it_is(root: Path) -> None:
    with laid_out(known(root, "rejected/slow-loops")) as found:
        assert found == folder(root, "rejected/slow-loops")


def test_a_patched_one_is_its_base_with_the_fault(root: Path) -> None:
    before = texts(solutions_folder(root, "primes"))
    with laid_out(known(root)) as found:
        assert set(texts(found)) == {"solution.py"}
        assert (found.parent / OWNER_FILE).exists(), "whoever comes after a killed process knows what to remove"
        sound = (folder(root, "accepted/whole-sieve") / "solution.py").read_text()
        assert (found / "solution.py").read_text() == sound.replace("isqrt(limit - 1) + 1", "isqrt(limit - 1)")
    assert not found.exists()
    assert texts(solutions_folder(root, "primes")) == before


def test_files_beside_the_patch_are_added(root: Path) -> None:
    (folder(root) / "more").mkdir()
    (folder(root) / "more" / "conftest.py").write_text("planted = True\n")
    with laid_out(known(root)) as found:
        assert set(texts(found)) == {"solution.py", "more/conftest.py"}
    (folder(root) / "solution.py").write_text("from more import conftest\n")
    with laid_out(known(root)) as found:
        assert (found / "solution.py").read_text() == "from more import conftest\n"


def test_the_fault_is_found_where_its_lines_have_moved_to(root: Path) -> None:
    path = folder(root, "accepted/whole-sieve") / "solution.py"
    path.write_text("# a line above\n" * 20 + path.read_text())
    with laid_out(known(root)) as found:
        assert "isqrt(limit - 1))" in (found / "solution.py").read_text()


def test_a_patch_that_does_not_fit_is_a_fault_of_the_challenge(root: Path) -> None:
    path = folder(root, "accepted/whole-sieve") / "solution.py"
    path.write_text(path.read_text().replace("marks[0] = marks[1] = 0", "marks[:2] = bytes(2)"))
    with (
        pytest.raises(CatalogueFault, match=r"fault\.patch: it does not fit whole-sieve: patch failed"),
        laid_out(known(root)),
    ):
        pass


def test_a_work_tree_around_the_copy_changes_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with laid_out(known(root)) as found:
        assert found.is_relative_to(tmp_path)
        assert "isqrt(limit - 1))" in (found / "solution.py").read_text()


def test_a_patch_cannot_write_outside_of_the_copy(root: Path, tmp_path: Path) -> None:
    new = "--- /dev/null\n+++ b/../../escaped.py\n@@ -0,0 +1 @@\n+planted = True\n"
    (folder(root) / "fault.patch").write_text(new)
    with pytest.raises(CatalogueFault, match="does not fit"), laid_out(known(root)):
        pass


@pytest.mark.parametrize(
    ("based_on", "told"),
    [
        ("accepted/half-sieve", "there is no solution 'accepted/half-sieve'"),
        ("../primes/reference", "there is no solution"),
        ("accepted/..", "there is no solution"),
        ("starter", "there is no solution"),
        (PATCHED, "is a patch itself"),
    ],
)
def test_what_a_fault_is_put_into_is_there_and_whole(root: Path, based_on: str, told: str) -> None:
    path = folder(root) / "expect.toml"
    path.write_text(path.read_text().replace("accepted/whole-sieve", based_on))
    with pytest.raises(CatalogueFault, match=told):
        known(root)


def test_a_patch_and_what_it_is_for_come_together(root: Path) -> None:
    (folder(root) / "fault.patch").unlink()
    with pytest.raises(CatalogueFault, match=r"fault\.patch: the file is missing"):
        known(root)
    whole = folder(root, "rejected/slow-loops")
    shutil.copyfile(folder(root, "accepted/whole-sieve") / "solution.py", folder(root) / "fault.patch")
    (whole / "fault.patch").write_text("")
    with pytest.raises(CatalogueFault, match="nothing says what it is for; set based_on"):
        known(root)
