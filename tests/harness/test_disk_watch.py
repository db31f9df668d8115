"""What a subject may keep on its disk, looked at from outside."""

import os
from types import SimpleNamespace

import pytest

from harness import disk_watch
from harness.disk_watch import MAX_ENTRIES, MIB, DiskWatch, held
from harness.errors import DiskNearlyFull


def write(path, mebibytes):
    path.write_bytes(os.urandom(mebibytes * MIB))


def test_all_folders_count_together(tmp_path):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    write(tmp_path / "one", 1)
    write(tmp_path / "deep" / "deeper" / "two", 1)
    assert held(tmp_path, 3) is None
    assert held(tmp_path, 1) == "keeps more than its 1 MiB on its disk"


def test_a_sparse_file_counts_for_what_it_takes(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(100 * MIB)
    assert held(tmp_path, 1) is None


def test_links_lead_nowhere(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    write(outside / "big", 3)
    (inside / "link").symlink_to(outside, target_is_directory=True)
    (inside / "loop").symlink_to(inside, target_is_directory=True)
    assert held(inside, 1) is None


def test_too_many_files_are_not_counted_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_watch, "MAX_ENTRIES", 5)
    for number in range(6):
        (tmp_path / str(number)).touch()
    assert "more than 5 files" in held(tmp_path, 100)
    assert MAX_ENTRIES > 1000


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_refused(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert "mode 0755" in held(tmp_path, 100)


def test_it_looks_only_now_and_then_and_not_without_a_limit(tmp_path):
    write(tmp_path / "big", 2)
    watch = DiskWatch(tmp_path, limit_mb=1)
    assert watch.complaint() is not None
    assert watch.complaint() is None
    assert DiskWatch(tmp_path / "missing", limit_mb=0).complaint() is None


def test_a_disk_that_anyone_fills_is_our_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=10, f_frsize=4096))
    with pytest.raises(DiskNearlyFull, match="free some"):
        DiskWatch(tmp_path, limit_mb=1).complaint()
