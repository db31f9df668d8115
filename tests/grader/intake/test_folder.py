"""Folders with what a submission must not have, and folders that change while they are read."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import IntakeRefused
from grader.intake import limits, take_in
from grader.intake.folder import FolderReader
from grader.intake.member import Member
from tests.grader.intake.packing import PLAIN, as_folder


def hard_link(path: Path) -> None:
    path.parent.joinpath("first").write_text("x")
    path.hardlink_to(path.parent / "first")


def bound_socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path must be short
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
        server.close()


SPECIAL: dict[str, tuple[Callable[[Path], None], str]] = {
    "link to a file": (lambda path: path.symlink_to("/etc/passwd"), "symbolic link; replace it by a copy"),
    "link to a folder": (lambda path: path.symlink_to("/etc"), "symbolic link"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "symbolic link"),
    "link inside": (lambda path: path.symlink_to("solution.py"), "symbolic link"),
    "hard link": (hard_link, "hard link, one file under several names; replace it by a copy"),
    "pipe": (os.mkfifo, "named pipe; remove it"),
    "socket": (bound_socket, "socket; remove it"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["odd", "lib/odd", "solution.py"])
def test_special_files_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    (source / name).unlink(missing_ok=True)
    make, told = SPECIAL[kind]
    make(source / name)
    with pytest.raises(IntakeRefused, match=told):
        take_in(source, "solution.py", tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_devices_are_refused(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    try:
        os.mknod(source / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    except OSError:
        pytest.skip("this system lets nobody make a device")
    with pytest.raises(IntakeRefused, match="device; remove it"):
        take_in(source, "solution.py", tmp_path / "target")


@pytest.mark.parametrize("name", [b"\xff.py", b"a\nb.py", b"a\\b.py", b"\xe2\x80\xae.py", b"nul"])
def test_hostile_names_are_refused(tmp_path: Path, name: bytes) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_text("")
    with pytest.raises(IntakeRefused) as refused:
        take_in(source, "solution.py", tmp_path / "target")
    assert str(refused.value).isprintable()


def test_names_that_collide_are_refused(tmp_path: Path) -> None:
    source = as_folder({**PLAIN, "Lib/other.py": b""}, tmp_path / "source")
    with pytest.raises(IntakeRefused, match="some systems take for one; rename one of them"):
        take_in(source, "solution.py", tmp_path / "target")


def test_a_deep_folder_is_refused_before_it_is_walked(tmp_path: Path) -> None:
    source = as_folder({**PLAIN, "/".join("d" * 40) + "/x": b""}, tmp_path / "source")
    with pytest.raises(IntakeRefused, match="folders deep; flatten"):
        take_in(source, "solution.py", tmp_path / "target")


def test_a_flood_of_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 50)
    source = as_folder({**PLAIN, **{f"__pycache__{number}/x": b"" for number in range(50)}}, tmp_path / "source")
    with pytest.raises(IntakeRefused, match="more than 50 files and folders"):
        take_in(source, "solution.py", tmp_path / "target")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = as_folder(PLAIN, tmp_path / "source")

    def broken(_: int, __: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(IntakeRefused, match=r"cannot read 'NOTES\.md': Input/output error; make it readable"):
        take_in(source, "solution.py", tmp_path / "target")


def test_a_file_that_vanishes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    source = as_folder({"a": b"", "b": b""}, tmp_path / "source")
    members = FolderReader(source).members()
    next(members)
    (source / "b").unlink()
    with pytest.raises(IntakeRefused, match="cannot read 'b': No such file"):
        next(members)


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_what_is_swapped_for_a_link_while_it_is_read_is_not_followed(
    tmp_path: Path, swap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = as_folder({"a/x": b"mine", "b": b"mine"}, tmp_path / "source")
    secret = as_folder({"x": b"secret"}, tmp_path / "secret")
    looked = os.stat

    def swapping(name: str, **how: object) -> os.stat_result:
        seen = looked(name, **how)  # type: ignore[arg-type]
        if swap == "folder" and name == "a":
            (source / "a").rename(tmp_path / "aside")
            (source / "a").symlink_to(secret)
        if swap == "file" and name == "b":
            (source / "b").unlink()
            (source / "b").symlink_to(secret / "x")
        return seen

    monkeypatch.setattr(os, "stat", swapping)
    read: list[bytes] = []
    with pytest.raises(IntakeRefused, match="cannot read"):
        read_all(source, read)
    assert b"secret" not in read


def read_all(source: Path, read: list[bytes]) -> None:
    """Read every file of a folder, keeping what was read also when it ends in a refusal."""
    for member in FolderReader(source).members():
        assert isinstance(member, Member)
        read.extend(member.chunks)


def test_a_file_that_never_ends_is_refused_by_what_was_read(tmp_path: Path) -> None:
    source = as_folder(PLAIN, tmp_path / "source")
    with (source / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(IntakeRefused, match="more than 20 MiB"):
        take_in(source, "solution.py", tmp_path / "target")


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    source = as_folder({**PLAIN, "lib/odd": b""}, tmp_path / "source")
    before = len(os.listdir("/proc/self/fd"))
    take_in(source, "solution.py", tmp_path / "target")
    (source / "lib" / "odd").unlink()
    (source / "lib" / "odd").symlink_to("x")
    with pytest.raises(IntakeRefused):
        take_in(source, "solution.py", tmp_path / "other")
    assert len(os.listdir("/proc/self/fd")) == before
