"""Pack a staged folder for a volume: plain files and folders only, readable by everyone, owned by root."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from harness.errors import SandboxFailed

FILE_MODE: Final = 0o444
FOLDER_MODE: Final = 0o555

IN_MEMORY_BYTES: Final = 4 * 1024**2
"""Larger archives go through a temporary file; nearly all submissions are a few kilobytes."""


@contextmanager
def packed(source: Path) -> Iterator[IO[bytes]]:
    """Give a tar archive of what `source` holds; a file is packed under its own name.

    Raises SandboxFailed for anything but files and folders: intake refuses them in submissions, so one that is left
    is a fault of ours.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as archive:
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in _contents(source):
                _add(tar, path, path.relative_to(source if source.is_dir() else source.parent).as_posix())
        archive.seek(0)
        yield archive


def _contents(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(source.rglob("*"))
    return [source]


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Write every field of the header ourselves: no owner, time or mode bit of the host gets in."""
    member = tarfile.TarInfo(name)
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise SandboxFailed(f"{path} is neither a file nor a folder and cannot be put into a sandbox")
    if path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, FOLDER_MODE
        tar.addfile(member)
        return
    with path.open("rb") as content:
        member.size, member.mode = path.stat().st_size, FILE_MODE
        tar.addfile(member, content)
