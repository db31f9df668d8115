"""Read a submission's archive, member by member, believing no size, name or type it declares.

The libraries parse hostile bytes here. Whatever they raise at those means a damaged archive, so it becomes a refusal.
"""

import gzip
import mmap
import os
import stat
import tarfile
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from grader.errors import GraderError, IntakeRefused
from grader.intake import limits
from grader.intake.litter import is_litter
from grader.intake.member import Member, Skipped
from grader.intake.name import parse_name, quoted
from grader.intake.tar_header import BoundedStream, Readable, strict_header

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_MAGIC = b"\x1f\x8b"
TAR_MAGIC, TAR_MAGIC_OFFSET = b"ustar", 257
ZIP_ENTRY = b"PK\x01\x02"
"""Begins each entry of a zip's directory, which the library reads whole into memory."""

ZIP_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The two that every packer writes, and whose output can be taken in portions however far it expands."""

ENCRYPTED = 0x1

PACK_AGAIN = "pack it again as .zip, .tar or .tar.gz, or hand in the folder itself"


class ArchiveReader:
    """Reads one archive; its kind is told from its content, not from its name."""

    def __init__(self, source: Path) -> None:
        self._source = source

    def members(self) -> Generator[Member | Skipped, None, None]:
        """Yield every file, folder and piece of litter; raises IntakeRefused at what cannot be taken."""
        with self._parsing(), self._opened() as file:
            head = file.read(TAR_MAGIC_OFFSET + len(TAR_MAGIC))
            file.seek(0)
            if head.startswith(ZIP_MAGIC):
                yield from self._zip(file)
            elif head.startswith(GZIP_MAGIC):
                yield from self._tar(gzip.GzipFile(fileobj=file))
            elif head[TAR_MAGIC_OFFSET:] == TAR_MAGIC or self._source.suffix == ".tar":
                yield from self._tar(file)
            else:
                raise IntakeRefused(f"{quoted(self._source.name)} is neither a folder nor an archive; {PACK_AGAIN}")

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        number = os.open(self._source.resolve(), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            entry = os.fstat(number)
            if not stat.S_ISREG(entry.st_mode):
                raise IntakeRefused(f"{quoted(self._source.name)} is neither a folder nor a file; {PACK_AGAIN}")
            if entry.st_size > limits.ARCHIVE_BYTES:
                limit = f"{limits.ARCHIVE_BYTES >> 20} MiB"
                raise IntakeRefused(f"the archive is larger than {limit}; leave data and build products out")
            yield file

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        try:
            yield
        except GraderError:
            raise
        except Exception as error:
            name, reason = quoted(self._source.name), quoted(str(error) or type(error).__name__)
            raise IntakeRefused(f"{name} is damaged or cannot be read ({reason}); {PACK_AGAIN}") from error

    def _zip(self, file: BinaryIO) -> Generator[Member | Skipped, None, None]:
        _refuse_crowd(file)
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                name = parse_name(entry.orig_filename)
                litter = _litter(name)
                if litter:
                    yield litter
                    continue
                _refuse_zip_entry(entry)
                if entry.is_dir():
                    yield Member(name, is_folder=True)
                else:
                    with archive.open(entry) as content:
                        yield Member(name, chunks=self._chunks(content))

    def _tar(self, file: Readable) -> Generator[Member | Skipped, None, None]:
        stream = BoundedStream(file)
        with tarfile.open(
            fileobj=stream, mode="r|", tarinfo=strict_header(), encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for seen, entry in enumerate(archive, start=1):
                _refuse_more_than(seen)
                name = parse_name(entry.name)
                litter = _litter(name)
                if litter:
                    yield litter
                    continue
                _refuse_tar_entry(entry)
                if entry.isdir():
                    yield Member(name, is_folder=True)
                else:
                    content = archive.extractfile(entry)
                    assert content is not None
                    yield Member(name, chunks=self._chunks(content))
        while stream.read(limits.CHUNK_BYTES):  # a compressed tar's checksum comes last
            pass

    def _chunks(self, content: IO[bytes]) -> Iterator[bytes]:
        with self._parsing():
            while chunk := content.read(limits.CHUNK_BYTES):
                yield chunk


def _litter(name: tuple[str, ...]) -> Skipped | None:
    """Find the outermost piece of litter that a path lies in, so that a whole cache is one line of the report."""
    for depth in range(1, len(name) + 1):
        if is_litter(name[:depth]):
            return Skipped("/".join(name[:depth]))
    return None


def _refuse_crowd(file: BinaryIO) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        seen, place = 0, content.find(ZIP_ENTRY)
        while place >= 0:
            seen += 1
            _refuse_more_than(seen)
            place = content.find(ZIP_ENTRY, place + 1)


def _refuse_more_than(seen: int) -> None:
    if seen > limits.MEMBERS:
        raise IntakeRefused(
            f"the archive has more than {limits.MEMBERS:,} entries; pack the submission and nothing else"
        )


def _refuse_zip_entry(entry: zipfile.ZipInfo) -> None:
    name = quoted(entry.orig_filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG}:
        raise IntakeRefused(f"{name} is a link or a device, not a file; {PACK_AGAIN} without it")
    if entry.flag_bits & ENCRYPTED:
        raise IntakeRefused(f"{name} is encrypted; pack it again without a password")
    if entry.compress_type not in ZIP_METHODS:
        raise IntakeRefused(f"{name} is compressed by an unusual method; pack it again with 'deflate'")


def _refuse_tar_entry(entry: tarfile.TarInfo) -> None:
    name = quoted(entry.name)
    if entry.issym() or entry.islnk():
        raise IntakeRefused(
            f"{name} is a link; pack a copy of what it points to (tar --dereference --hard-dereference)"
        )
    if entry.issparse():
        raise IntakeRefused(f"{name} is stored as a sparse file; pack it again without --sparse")
    if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE} or entry.size < 0:
        raise IntakeRefused(f"{name} is a device or no ordinary file; {PACK_AGAIN} without it")
