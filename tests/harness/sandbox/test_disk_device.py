"""Which device has to be given a limit, so that what a container reads from it is counted."""

import os
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.disk_device import counted_device, device_under


class Engine:
    """Answers what an engine says of itself."""

    def __init__(self, **info: str) -> None:
        self._info = info

    def info(self) -> dict[str, Any]:
        return dict(self._info)


def devices(at: Path, number: int, partition: bool) -> Path:
    """Lay out what the kernel tells of the device with this number: a disk, or a partition of it."""
    folder = at / "devices/vda" / ("vda1" if partition else "")
    folder.mkdir(parents=True)
    if partition:
        (folder / "partition").touch()
    (at / "dev/block").mkdir(parents=True)
    (at / "dev/block" / f"{os.major(number)}:{os.minor(number)}").symlink_to(folder)
    return at


@pytest.mark.parametrize("partition", [False, True])
def test_a_partition_is_counted_by_its_disk(tmp_path, monkeypatch, partition):
    monkeypatch.setattr(Path, "is_block_device", lambda path: path.name == "vda")
    sys = devices(tmp_path, tmp_path.stat().st_dev, partition)
    assert device_under(tmp_path, sys, Path("/dev")) == "/dev/vda"


def test_a_folder_on_no_disk_or_nowhere_has_no_device(tmp_path):
    assert device_under(tmp_path, tmp_path, Path("/dev")) is None
    assert device_under(tmp_path / "absent", Path("/sys"), Path("/dev")) is None


def test_a_file_in_place_of_a_device_is_none(tmp_path):
    sys = devices(tmp_path, tmp_path.stat().st_dev, partition=False)
    (tmp_path / "vda").touch()
    assert device_under(tmp_path, sys, tmp_path) is None


def test_the_second_version_counts_without(tmp_path):
    assert counted_device(Engine(CgroupVersion="2", DockerRootDir=str(tmp_path))) is None
