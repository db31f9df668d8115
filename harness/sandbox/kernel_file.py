"""A file of the kernel's that is read or written again and again: opened once, because opening costs the most."""

import errno
import os
from pathlib import Path
from typing import Final

GONE: Final = frozenset({errno.ENOENT, errno.ENODEV})
"""What reading and writing a control group's files comes to once its last process has ended and it is removed."""

READ_BYTES: Final = 64 * 1024
"""More than the longest of them: the ids of four thousand processes."""


class KernelFile:
    """One file, of which each read and write is whole and from its beginning. Not for two threads at once.

    What is not `kept` open is opened for each read.
    """

    def __init__(self, path: Path, flags: int = os.O_RDONLY, *, kept: bool = True) -> None:
        self.path = path
        self._flags = flags
        self._kept = kept
        self._fd: int | None = None

    def read(self) -> str | None:
        """Read it; `None` once it is gone."""
        try:
            return os.pread(self._opened(), READ_BYTES, 0).decode("ascii", "replace")
        except OSError as error:
            _demand_gone(error)
            return None
        finally:
            if not self._kept:
                self.close()

    def write(self, text: str) -> str | None:
        """Write and return `text`; `None` once it is gone."""
        try:
            os.pwrite(self._opened(), text.encode("ascii"), 0)
        except OSError as error:
            _demand_gone(error)
            return None
        return text

    def close(self) -> None:
        """Close it; the next use opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        if self._fd is None:
            self._fd = os.open(self.path, self._flags | os.O_CLOEXEC)
        return self._fd


def _demand_gone(error: OSError) -> None:
    if error.errno not in GONE:
        raise error
