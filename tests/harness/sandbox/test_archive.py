"""What goes into a volume: files and folders, with nothing of the host in their headers."""

import os
import tarfile

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.archive import IN_MEMORY_BYTES, packed


def members(source):
    with packed(source) as archive, tarfile.open(fileobj=archive) as tar:
        return {member.name: (member, tar.extractfile(member).read() if member.isfile() else None) for member in tar}


def test_a_folder_is_packed_whole(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.py").write_text("x = 1\n")
    (tmp_path / "ä.txt").write_bytes(b"\xff")
    found = members(tmp_path)
    assert {name: content for name, (_, content) in found.items()} == {
        "a": None, "a/b": None, "a/b/c.py": b"x = 1\n", "ä.txt": b"\xff",
    }  # fmt: skip


def test_no_owner_time_or_mode_of_the_host_gets_in(tmp_path):
    (tmp_path / "run").write_text("")
    (tmp_path / "run").chmod(0o6777)
    (tmp_path / "closed").mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(tmp_path / "run", 1234, 1234)
    found = {name: member for name, (member, _) in members(tmp_path).items()}
    assert (found["run"].mode, found["closed"].mode) == (0o444, 0o555)
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in found.values()} == {(0, 0, "", 0)}


def test_a_file_is_packed_under_its_name(tmp_path):
    (tmp_path / "driver.py").write_text("pass")
    assert members(tmp_path / "driver.py")["driver.py"][1] == b"pass"


def test_a_large_folder_is_packed_too(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * (IN_MEMORY_BYTES + 1))
    assert len(members(tmp_path)["big"][1]) == IN_MEMORY_BYTES + 1


@pytest.mark.parametrize("make", [
    lambda path: path.symlink_to("/etc/passwd"),
    lambda path: path.symlink_to("/etc"),
    lambda path: path.symlink_to("nowhere"),
    os.mkfifo,
], ids=["link to a file", "link to a folder", "link to nothing", "pipe"])  # fmt: skip
def test_anything_else_is_refused(tmp_path, make):
    make(tmp_path / "odd")
    with pytest.raises(SandboxFailed, match="neither a file nor a folder"), packed(tmp_path):
        pass
