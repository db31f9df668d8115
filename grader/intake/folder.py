"""Read a submission's folder, entry by entry, following no link and trusting nothing looked at twice.

Every entry is opened relative to its folder's descriptor without following links, and judged by the open descriptor, so
somebody who swaps files while they are read gains nothing.
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import IntakeRefused
from grader.intake import limits
from grader.intake.litter import is_litter
from grader.intake.member import Member, Skipped
from grader.intake.name import parse_name, quoted

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

TOO_MANY = "hand in a folder that holds the submission and nothing else"

KINDS = {
    stat.S_IFLNK: "a symbolic link; replace it by a copy of what it points to",
    stat.S_IFIFO: "a named pipe; remove it",
    stat.S_IFSOCK: "a socket; remove it",
    stat.S_IFCHR: "a device; remove it",
    stat.S_IFBLK: "a device; remove it",
}


class FolderReader:
    """Walks one folder, depth first, each folder's entries in order of name."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._seen = 0

    def members(self) -> Generator[Member | Skipped, None, None]:
        """Yield every file, folder and piece of litter; raises IntakeRefused at what cannot be taken."""
        with _readable(self._source.name):
            root = os.open(self._source.resolve(), OPEN_FOLDER)
        try:
            yield from self._walk(root, ())
        finally:
            os.close(root)

    def _walk(self, folder: int, above: tuple[str, ...]) -> Generator[Member | Skipped, None, None]:
        for name in self._names(folder, above):
            path = (*above, name)
            if is_litter(path):
                yield Skipped("/".join(path))
                continue
            parse_name("/".join(path))
            with _readable("/".join(path)):
                entry = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(entry.st_mode):
                yield Member(path, is_folder=True)
                yield from self._enter(folder, path)
            else:
                yield from self._file(folder, path, entry)

    def _names(self, folder: int, above: tuple[str, ...]) -> list[str]:
        names = []
        with _readable("/".join(above) or self._source.name), os.scandir(folder) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen > limits.MEMBERS:
                    raise IntakeRefused(f"there are more than {limits.MEMBERS:,} files and folders; {TOO_MANY}")
                names.append(entry.name)
        return sorted(names)

    def _enter(self, folder: int, path: tuple[str, ...]) -> Generator[Member | Skipped, None, None]:
        with _readable("/".join(path)):
            number = os.open(path[-1], OPEN_FOLDER, dir_fd=folder)
        try:
            yield from self._walk(number, path)
        finally:
            os.close(number)

    def _file(self, folder: int, path: tuple[str, ...], entry: os.stat_result) -> Generator[Member, None, None]:
        _refuse_special("/".join(path), entry)
        with _readable("/".join(path)):
            number = os.open(path[-1], OPEN_FILE, dir_fd=folder)
        try:
            _refuse_special("/".join(path), os.fstat(number))
            yield Member(path, chunks=_chunks(number, "/".join(path)))
        finally:
            os.close(number)


def _refuse_special(path: str, entry: os.stat_result) -> None:
    if not stat.S_ISREG(entry.st_mode):
        kind = KINDS.get(stat.S_IFMT(entry.st_mode), "no ordinary file; remove it")
        raise IntakeRefused(f"{quoted(path)} is {kind}")
    if entry.st_nlink > 1:
        raise IntakeRefused(f"{quoted(path)} is a hard link, one file under several names; replace it by a copy")


def _chunks(number: int, path: str) -> Iterator[bytes]:
    while True:
        with _readable(path):
            chunk = os.read(number, limits.CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn what the source's file system refuses into a refusal that names the file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "make it readable, leave it alone while it is taken in, and try again"
        raise IntakeRefused(f"cannot read {quoted(path)}: {reason}; {advice}") from error
