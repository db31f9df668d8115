"""What a hostile tar may cost: a bounded stream, and headers that are read strictly."""

import io
import tarfile
from typing import Any, Protocol, Self

from grader.errors import IntakeRefused
from grader.intake import limits

EXTENSIONS = frozenset({
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
})  # fmt: skip


class Readable(Protocol):
    """Whatever bytes can be read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Read up to `size` bytes."""


class BoundedStream(io.RawIOBase):
    """Hands on a stream's bytes up to a limit, so that nothing unpacks without end."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._left = limits.UNPACKED_BYTES

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; raises IntakeRefused past the limit."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            limit = f"{limits.UNPACKED_BYTES >> 20} MiB"
            raise IntakeRefused(f"the archive unpacks to more than {limit}; leave data and build products out")
        return data


def strict_header() -> type[tarfile.TarInfo]:
    """Make the header class for reading one archive, which counts that archive's extended headers.

    The library takes a damaged header for the end of the archive, and reads extended headers of any size.
    """
    left = limits.EXTENDED_HEADERS_BYTES

    class StrictHeader(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            try:
                return super().frombuf(buf, encoding, errors)
            except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
                raise
            except tarfile.HeaderError as error:
                raise tarfile.ReadError(f"the archive breaks off or has a damaged header: {error}") from error

        def _proc_member(self, archive: tarfile.TarFile) -> Any:
            """Bound sizes; the library documents this method as the place to override."""
            nonlocal left
            if self.size < 0:
                raise tarfile.ReadError("a member has a negative size")
            if self.type in EXTENSIONS:
                left -= self.size
                if self.size > limits.EXTENDED_HEADER_BYTES or left < 0:
                    raise IntakeRefused(
                        "the archive has oversized extended headers; pack it again with 'tar --format=ustar'"
                    )
            try:
                return super()._proc_member(archive)  # type: ignore[misc]
            except tarfile.HeaderError as error:
                raise tarfile.ReadError(f"a member's extended header is damaged: {error}") from error

    return StrictHeader
