"""What is taken in comes out the same, however it was handed in; what is refused leaves nothing behind."""

import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from grader.errors import IntakeRefused, StorageFailed
from grader.intake import Intake, limits, take_in
from tests.grader.intake.packing import PACKERS, PLAIN, Files, as_folder, gzipped, tarred, write, zipped


def contents(folder: Path) -> dict[str, bytes]:
    """Read back every file below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def taken(tmp_path: Path, files: Files, packer: str) -> Intake:
    """Take the files in, packed one way."""
    target = tmp_path / f"target-{packer}"
    if packer == "folder":
        return take_in(as_folder(files, tmp_path / "source"), "solution.py", target)
    return take_in(write(PACKERS[packer](files), tmp_path / f"source.{packer}"), "solution.py", target)


@pytest.mark.parametrize("packer", ["folder", *PACKERS])
def test_what_goes_in_comes_out(tmp_path: Path, packer: str) -> None:
    intake = taken(tmp_path, PLAIN, packer)
    assert contents(intake.folder) == PLAIN
    assert (intake.files, intake.bytes, intake.ignored) == (len(PLAIN), sum(map(len, PLAIN.values())), ())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in intake.folder.rglob("*") if path.is_file()}
    assert modes == {0o644}


@pytest.mark.parametrize("packer", ["folder", *PACKERS])
@pytest.mark.parametrize("name", ["driver.py", "driver/__init__.py", "harness/load.py"])
def test_a_module_whose_name_is_taken_is_refused(tmp_path: Path, packer: str, name: str) -> None:
    with pytest.raises(IntakeRefused, match=f"the grading's own module instead of '{name}'; give yours another name"):
        taken(tmp_path, {**PLAIN, name: b""}, packer)


def test_only_a_module_at_the_top_takes_a_name(tmp_path: Path) -> None:
    files = {**PLAIN, "parts/driver.py": b"", "drivers.py": b"", "driver/rows.csv": b""}
    assert taken(tmp_path, files, "folder").files == len(files)


def test_the_digest_is_the_same_however_it_is_packed_and_sees_every_change(tmp_path: Path) -> None:
    digests = {packer: taken(tmp_path, PLAIN, packer).digest for packer in ("folder", *PACKERS)}
    assert len(set(digests.values())) == 1
    others = [
        {**PLAIN, "solution.py": b"class HashMap:\n    pass \n"},
        {**PLAIN, "new.py": b""},
        {("notes.md" if name == "NOTES.md" else name): content for name, content in PLAIN.items()},
    ]
    for number, other in enumerate(others):
        (tmp_path / str(number)).mkdir()
        assert taken(tmp_path / str(number), other, "zip").digest not in digests.values()


def test_anybody_can_check_the_digest(tmp_path: Path) -> None:
    intake = taken(tmp_path, PLAIN, "zip")
    command = r"find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"
    printed = subprocess.run(["sh", "-c", command], cwd=intake.folder, capture_output=True, check=True)
    assert intake.digest == f"sha256:{printed.stdout.decode().split()[0]}"


@pytest.mark.parametrize("packer", ["folder", *PACKERS])
def test_litter_is_left_behind_and_told(tmp_path: Path, packer: str) -> None:
    litter = {
        ".git/config": b"x",
        ".venv/bin/python": b"x",
        "lib/__pycache__/probe.cpython-312.pyc": b"x",
        "lib/__pycache__/other.cpython-312.pyc": b"x",
        ".DS_Store": b"x",
        ".takehome.toml": b"",
        "result.json": b"{}",
    }
    intake = taken(tmp_path, {**PLAIN, **litter}, packer)
    assert contents(intake.folder) == PLAIN
    assert intake.ignored == (".DS_Store", ".git", ".takehome.toml", ".venv", "lib/__pycache__", "result.json")
    clean = tmp_path / "clean"
    clean.mkdir()
    assert intake.digest == taken(clean, PLAIN, packer).digest


def test_litter_may_be_what_a_submission_may_not(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    (source / ".venv").symlink_to("/usr")
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "link").symlink_to("/etc/passwd")
    assert take_in(source, "solution.py", tmp_path / "target").ignored == (".venv", "__pycache__")


def test_much_litter_is_counted_and_not_listed(tmp_path: Path) -> None:
    intake = taken(tmp_path, {**PLAIN, **{f"{number}.pyc": b"" for number in range(60)}}, "zip")
    assert len(intake.ignored) == 51
    assert intake.ignored[-1] == "and 10 more"


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("top", ["candidate", "solution.py", "lib"])
def test_an_archive_of_one_folder_is_unwrapped(tmp_path: Path, packer: str, top: str) -> None:
    wrapped = {f"{top}/{name}": content for name, content in PLAIN.items()}
    intake = taken(tmp_path, {**wrapped, "__MACOSX/x": b""}, packer)
    assert contents(intake.folder) == PLAIN
    assert sorted(child.name for child in intake.folder.iterdir()) == ["NOTES.md", "lib", "solution.py"]
    clean = tmp_path / "clean"
    clean.mkdir()
    assert intake.digest == taken(clean, PLAIN, packer).digest


def test_names_written_in_odd_but_harmless_ways_are_the_plain_ones(tmp_path: Path) -> None:
    odd = {f"./{name}": content for name, content in PLAIN.items()}
    assert taken(tmp_path, odd, "tar").digest == taken(tmp_path, PLAIN, "folder").digest


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_is_read(tmp_path: Path, form: int) -> None:
    long = {**PLAIN, f"{'a' * 90}/{'b' * 90}.py": b"x"}
    target = tmp_path / "target"
    take_in(write(tarred(long, form), tmp_path / "source.tar"), "solution.py", target)
    assert contents(target) == long


def test_an_archive_s_kind_is_in_its_content_not_its_name(tmp_path: Path) -> None:
    for number, packed in enumerate((zipped(PLAIN), gzipped(PLAIN), tarred(PLAIN))):
        intake = take_in(write(packed, tmp_path / f"{number}.dat"), "solution.py", tmp_path / f"target-{number}")
        assert contents(intake.folder) == PLAIN


def test_a_real_tar_of_this_machine_is_read(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    subprocess.run(["tar", "-czf", tmp_path / "a.tar.gz", "-C", source, "."], check=True)
    assert take_in(tmp_path / "a.tar.gz", "solution.py", tmp_path / "target").files == len(PLAIN)


@pytest.mark.parametrize("packer", ["folder", *PACKERS])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"other.py": b""}, "there is no solution.py in the submission; add it"),
        ({"a/solution.py": b"", "b/x.py": b""}, "there is no solution.py"),
        ({"solution.py/x": b""}, "there is no solution.py"),
        ({"solution.py": b"\xff\xfe"}, "byte 0 of solution.py is not UTF-8; save the file as UTF-8"),
        ({"solution.py": b"", "big": bytes(limits.BYTES)} | {"more": b"x"}, "more than 20 MiB"),
        ({f"{number}.py": b"" for number in range(limits.FILES + 1)}, "more than 1,000 files"),
    ],
)
def test_refusals_say_what_to_do_and_leave_nothing(tmp_path: Path, packer: str, files: Files, message: str) -> None:
    with pytest.raises(IntakeRefused, match=message):
        taken(tmp_path, files, packer)
    assert list((tmp_path / f"target-{packer}").iterdir()) == []


@pytest.mark.parametrize("packer", ["folder", *PACKERS])
def test_the_limits_themselves_are_allowed(tmp_path: Path, packer: str) -> None:
    most = {"solution.py": bytes(limits.BYTES), **{f"{number}.py": b"" for number in range(limits.FILES - 1)}}
    intake = taken(tmp_path, most, packer)
    assert (intake.files, intake.bytes) == (limits.FILES, limits.BYTES)


def test_an_entry_point_may_lie_deeper(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    assert take_in(source, "lib/probe.py", tmp_path / "target").files == len(PLAIN)


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for source in (tmp_path / "nowhere", loop, tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(IntakeRefused, match="there is no submission at"):
            take_in(source, "solution.py", tmp_path / "target")


@pytest.mark.parametrize("content", [b"", b"x", b"print('hello')\n" * 100, b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(IntakeRefused, match=r"neither a folder nor an archive; pack it again as \.zip"):
        take_in(write(content, tmp_path / "solution.py"), "solution.py", tmp_path / "target")


def test_a_source_given_by_a_link_is_the_user_s_own_choice(tmp_path: Path) -> None:
    as_folder(PLAIN, tmp_path / "source")
    (tmp_path / "link").symlink_to("source")
    assert take_in(tmp_path / "link", "solution.py", tmp_path / "target").files == len(PLAIN)


def test_a_target_inside_the_source_is_refused(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    with pytest.raises(IntakeRefused, match="inside the submission"):
        take_in(source, "solution.py", source / "target")


def test_a_target_that_holds_something_is_our_fault_and_is_kept(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    target = as_folder({"precious": b"x"}, tmp_path / "target")
    with pytest.raises(StorageFailed, match="not empty"):
        take_in(source, "solution.py", target)
    assert contents(target) == {"precious": b"x"}


def test_a_target_that_cannot_be_made_is_our_fault(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot write into"):
        take_in(source, "solution.py", tmp_path / "file" / "target")


def test_the_source_stays_as_it_was(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    before = shutil.copytree(source, tmp_path / "before")
    take_in(source, "solution.py", tmp_path / "target")
    assert contents(source) == contents(before)
