"""Pack submissions for tests: the same files as a folder, a zip and tars, and hostile members beside them."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

Files = Mapping[str, bytes]

PLAIN: Files = {
    "solution.py": b"class HashMap:\n    pass\n",
    "NOTES.md": "why it is fast: \N{GREEK SMALL LETTER ALPHA}\n".encode(),
    "lib/probe.py": b"x = 1\n",
    "lib/deep/\N{LATIN SMALL LETTER E WITH ACUTE}.py": b"",
}


def as_folder(files: Files, path: Path) -> Path:
    """Write the files below `path`."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(files: Files) -> bytes:
    """Pack the files as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Pack the files as a tar."""
    return tar_of([(tar_header(name, size=len(content)), content) for name, content in files.items()], form)


def gzipped(files: Files) -> bytes:
    """Pack the files as a compressed tar."""
    return gzip.compress(tarred(files), mtime=0)


PACKERS: Mapping[str, Callable[[Files], bytes]] = {"zip": zipped, "tar": tarred, "tar.gz": gzipped}


def tar_header(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, link: str = "") -> tarfile.TarInfo:
    """Make the header of one member, of whatever kind."""
    header = tarfile.TarInfo(name)
    header.type, header.size, header.linkname = kind, size, link
    return header


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Pack members as they are, without looking at them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form, errors="surrogateescape") as archive:
        for header, content in members:
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def write(packed: bytes, path: Path) -> Path:
    """Put an archive's bytes into a file."""
    path.write_bytes(packed)
    return path
