"""Find the block device that the engine's volumes lie on, so that what a container reads from it is counted.

The first version of control groups counts a container's reads only where it limits them (since Linux 6.10). So the
device is given a limit that no device reaches. The second version counts in any case.
"""

import os
from pathlib import Path
from typing import Final

from docker import APIClient

from harness.sandbox.docker_engine import engine_faults

UNREACHED_BYTES_A_SEC: Final = 100 * 10**9
"""Several times what the fastest disks read."""


def counted_device(api: APIClient, sys: Path = Path("/sys"), dev: Path = Path("/dev")) -> str | None:
    """Name the device whose reads have to be limited to be counted; `None` where none has to be, or it is not known."""
    with engine_faults("ask where the engine keeps its volumes"):
        info = api.info()
    if str(info.get("CgroupVersion", "1")) != "1":
        return None
    return device_under(Path(str(info.get("DockerRootDir", ""))), sys, dev)


def device_under(folder: Path, sys: Path, dev: Path) -> str | None:
    """Name the whole device under a folder of this machine; `None` where it is not a block device's."""
    try:
        number = folder.stat().st_dev
        found = (sys / "dev/block" / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return None
    device = dev / (found.parent if (found / "partition").exists() else found).name
    return str(device) if device.is_block_device() else None
