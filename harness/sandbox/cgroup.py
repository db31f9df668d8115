"""Find a container's control group on this machine and read its files: under a millisecond, and no engine asked."""

from pathlib import Path
from typing import Final

from harness.sandbox.account import V1_FILES, V2_FILES, Account, account_v1, account_v2
from harness.sandbox.freezer import Freezer, freezer_v1, freezer_v2
from harness.sandbox.kernel_file import KernelFile

ROOT: Final = Path("/sys/fs/cgroup")

REMEMBERED: Final = frozenset({"cgroup.procs", "tasks"})
"""Files that, kept open, the first version of control groups answers as they were, for a second after each read."""

PLACES: Final = ("docker/{id}", "system.slice/docker-{id}.scope")
"""Where the engine's two cgroup drivers, cgroupfs and systemd, put a container."""


class Cgroup:
    """One container's control group: where each of its files is, in the kernel's first or second version of them.

    `freezer` is `None` where this process may read the group but not freeze it.
    """

    def __init__(self, version: int, files: dict[str, Path], freezer: Freezer | None = None) -> None:
        self.version = version
        self.files = files
        self.freezer = freezer
        self._open = {name: KernelFile(path, kept=path.name not in REMEMBERED) for name, path in files.items()}

    def read(self) -> Account | None:
        """Read the numbers now; `None` once the container has ended and its group is gone."""
        texts = {name: text for name, file in self._open.items() if (text := file.read()) is not None}
        if not texts:
            return None
        return account_v1(texts) if self.version == 1 else account_v2(texts)

    def close(self) -> None:
        """Close its files."""
        for file in self._open.values():
            file.close()
        if self.freezer is not None:
            self.freezer.close()


def find_cgroup(container: str, root: Path = ROOT) -> Cgroup | None:
    """Find a running container's group by its full id; `None` where the engine is elsewhere or set up otherwise."""
    for place in PLACES:
        inside = place.format(id=container)
        if (root / inside / "cgroup.procs").exists():
            group = root / inside
            return Cgroup(2, {name: group / name for name in V2_FILES}, freezer_v2(group))
        if (root / "memory" / inside).is_dir():
            files = {name: root / Path(name).parent / inside / Path(name).name for name in V1_FILES}
            return Cgroup(1, files, freezer_v1(root / "freezer" / inside))
    return None
