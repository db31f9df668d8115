"""Whether a subject keeps to its share of a real disk, as the grader sees it from the read-only side of the volume.

Theory of operation: the kernel bounds each file (RLIMIT_FSIZE); nothing that works on every engine bounds their sum. So
the sum is looked at every `LOOK_EVERY_SEC` while a subject works, and one that holds too much is stopped. A file that
is deleted and still open is in no folder: against that, and against whatever else fills this machine's disk, the
grading ends as our fault while there is still room to say so.
"""

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.errors import DiskNearlyFull

LOOK_EVERY_SEC: Final = 0.25
"""At the gigabyte a second that a fast disk takes, a subject is stopped a few hundred megabytes beyond its share."""

MAX_ENTRIES: Final = 10_000
"""Files and folders looked at: a subject with more of them is stopped too, for counting them would disturb."""

RESERVE_MB: Final = 1024
"""Room that is left to everyone else on this machine's disk."""

MIB: Final = 1024**2
BLOCK_BYTES: Final = 512


@dataclass
class DiskWatch:
    """A folder that a subject writes to and may hold `limit_mb` in; a limit of 0 means there is no such folder."""

    folder: Path
    limit_mb: int
    _looked_at: float = field(default=-LOOK_EVERY_SEC)

    def complaint(self) -> str | None:
        """Say what is wrong with the folder, if it is time to look again; raises DiskNearlyFull."""
        now = time.monotonic()
        if not self.limit_mb or now - self._looked_at < LOOK_EVERY_SEC:
            return None
        self._looked_at = now
        system = os.statvfs(self.folder)
        if system.f_bavail * system.f_frsize < RESERVE_MB * MIB:
            raise DiskNearlyFull(f"less than {RESERVE_MB} MiB are free on the disk that subjects write to: free some")
        return held(self.folder, self.limit_mb)


def held(folder: Path, limit_mb: int) -> str | None:
    """Say in what respect `folder` holds too much: more than `limit_mb`, too many entries, or what can't be seen."""
    blocks = entries = 0
    folders = [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    if entries > MAX_ENTRIES:
                        return f"keeps more than {MAX_ENTRIES:,} files and folders on its disk"
                    about = entry.stat(follow_symlinks=False)
                    blocks += about.st_blocks
                    if stat.S_ISDIR(about.st_mode):
                        folders.append(entry.path)
        except FileNotFoundError:
            continue  # it was deleted meanwhile
        except PermissionError:
            return "keeps a folder on its disk that others may not read (make folders with mode 0755)"
    return f"keeps more than its {limit_mb} MiB on its disk" if blocks * BLOCK_BYTES > limit_mb * MIB else None
