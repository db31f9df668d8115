"""Archives with what a submission must not have, and archives that lie about themselves."""

import gzip
import io
import os
import struct
import tarfile
import time
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from grader.errors import IntakeRefused
from grader.intake import limits, take_in
from tests.grader.intake.packing import PLAIN, gzipped, tar_header, tar_of, tarred, write, zipped

MEMBERS = [(tar_header(name, size=len(content)), content) for name, content in PLAIN.items()]


def refuse(tmp_path: Path, packed: bytes, told: str) -> None:
    """Take an archive in and expect it to be refused, leaving nothing."""
    with pytest.raises(IntakeRefused, match=told) as refused:
        take_in(write(packed, tmp_path / "source"), "solution.py", tmp_path / "target")
    assert str(refused.value).isprintable()
    assert list((tmp_path / "target").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (tar_header("x", tarfile.SYMTYPE, link="/etc/passwd"), "is a link; pack a copy"),
        (tar_header("x", tarfile.LNKTYPE, link="solution.py"), "is a link"),
        (tar_header("x", tarfile.CHRTYPE), "is a device or no ordinary file"),
        (tar_header("x", tarfile.BLKTYPE), "is a device"),
        (tar_header("x", tarfile.FIFOTYPE), "is a device or no ordinary file"),
        (tar_header("x", tarfile.CONTTYPE), "no ordinary file"),
        (tar_header("x", tarfile.GNUTYPE_SPARSE), "sparse"),
        (tar_header("x", b"Z"), "no ordinary file"),
        (tar_header("/x"), "absolute"),
        (tar_header("../x"), "leads out"),
        (tar_header("lib/../../x"), "leads out"),
        (tar_header("solution.py"), "is there twice; pack it once"),
        (tar_header("SOLUTION.py"), "some systems take for one"),
        (tar_header("lib"), "both a file and a folder"),
        (tar_header("solution.py/x"), "both a file and a folder"),
        (tar_header("solution.py", tarfile.DIRTYPE), "both a file and a folder"),
        (tar_header("a\\b"), "in its name"),
        (tar_header(""), "file without a name"),
        (tar_header("./."), "file without a name"),
    ],
)
def test_hostile_tar_members(tmp_path: Path, header: tarfile.TarInfo, told: str) -> None:
    refuse(tmp_path, tar_of([*MEMBERS, (header, b"")]), told)


def test_a_link_s_target_is_never_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    members = [
        (tar_header("lib", tarfile.SYMTYPE, link=str(outside)), b""),
        (tar_header("lib/x", size=1), b"x"),
    ]
    with pytest.raises(IntakeRefused):
        take_in(write(tar_of(members), tmp_path / "source"), "solution.py", tmp_path / "target")
    assert list(outside.iterdir()) == []


def zip_with(name: str, *, mode: int = 0, flags: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack the plain files and one member with whatever attributes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for plain, content in PLAIN.items():
            archive.writestr(plain, content)
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.create_system, entry.compress_type = mode << 16, 3, method
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a duplicate name is what some tests are about
            archive.writestr(entry, b"x")
        entry.flag_bits |= flags
    return packed.getvalue()


@pytest.mark.parametrize(
    ("packed", "told"),
    [
        (zip_with("x", mode=0o120777), "is a link or a device"),
        (zip_with("x", mode=0o020666), "is a link or a device"),
        (zip_with("x", mode=0o010666), "is a link or a device"),
        (zip_with("x", mode=0o040755), "is a link or a device"),
        (zip_with("x", flags=1), "is encrypted; pack it again without a password"),
        (zip_with("x", method=zipfile.ZIP_BZIP2), "unusual method"),
        (zip_with("x", method=zipfile.ZIP_LZMA), "unusual method"),
        (zip_with("/x"), "absolute"),
        (zip_with("../x"), "leads out"),
        (zip_with("solution.py"), "is there twice"),
        (zip_with("Solution.py"), "some systems take for one"),
        (zip_with("lib"), "both a file and a folder"),
        (zip_with("solution.py/"), "both a file and a folder"),
        (zip_with("a\\b"), "in its name"),
    ],
)
def test_hostile_zip_members(tmp_path: Path, packed: bytes, told: str) -> None:
    refuse(tmp_path, packed, told)


def test_a_name_that_the_library_would_cut_is_refused(tmp_path: Path) -> None:
    refuse(
        tmp_path, zip_with("solution.pyX../../x").replace(b"solution.pyX../../x", b"solution.p\0../../../x"), "cannot"
    )


@pytest.mark.parametrize("compress", [zipped, gzipped])
def test_a_bomb_is_refused_after_little_more_than_the_limit(tmp_path: Path, compress: object) -> None:
    bomb = {**PLAIN, "zeros": bytes(30 * 1024 * 1024)}
    packed = zipped(bomb) if compress is zipped else gzipped(bomb)
    assert len(packed) < 100_000
    refuse(tmp_path, packed, "more than 20 MiB")


def test_a_bomb_of_litter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 1024 * 1024)
    refuse(tmp_path, gzipped({".git/pack": bytes(2 * 1024 * 1024), **PLAIN}), "unpacks to more than 1 MiB")


def test_sizes_that_lie_are_not_believed(tmp_path: Path) -> None:
    packed = bytearray(zipped({**PLAIN, "zeros": bytes(30 * 1024 * 1024)}))
    packed = packed.replace(struct.pack("<L", 30 * 1024 * 1024), struct.pack("<L", 10))
    refuse(tmp_path, bytes(packed), "more than 20 MiB|damaged")


def test_a_crowd_is_refused_before_the_library_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 20)
    crowd = {f".git/{number}": b"" for number in range(30)}
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refuse(tmp_path, packed_by_the_real(crowd), "more than 20 entries")


def packed_by_the_real(crowd: dict[str, bytes]) -> bytes:
    """Make a zip's directory by hand: what counts here are its entries' first bytes."""
    return b"PK\x03\x04" + b"PK\x01\x02" * len(crowd)


def test_a_crowd_in_a_tar_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 20)
    refuse(tmp_path, tarred({f".git/{number}": b"" for number in range(30)}), "more than 20 entries")


def test_an_archive_too_large_to_look_at_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(limits.ARCHIVE_BYTES + 1)
    with pytest.raises(IntakeRefused, match="larger than 64 MiB"):
        take_in(source, "solution.py", tmp_path / "target")


@pytest.mark.parametrize("packed", [zipped(PLAIN), tarred(PLAIN), gzipped(PLAIN)])
def test_no_truncation_passes_for_whole(tmp_path: Path, packed: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    useful = len(packed) if packed[:2] in {b"PK", b"\x1f\x8b"} else len(packed.rstrip(b"\0"))
    for length in range(0, useful, 97):
        with pytest.raises(IntakeRefused):
            take_in(write(packed[:length], source), "solution.py", target)
        assert list(target.iterdir()) == []


def test_a_damaged_header_is_not_the_end_of_the_archive(tmp_path: Path) -> None:
    packed = bytearray(tarred(PLAIN, tarfile.USTAR_FORMAT))
    packed[2 * 512 + 3] ^= 1  # inside the second member's name
    refuse(tmp_path, bytes(packed), "damaged")


def test_a_flipped_bit_in_a_compressed_tar_is_seen(tmp_path: Path) -> None:
    packed = gzip.compress(tarred({**PLAIN, "last.txt": b"the last word"}), 0)
    refuse(tmp_path, packed.replace(b"the last word", b"the lost word"), "damaged")


def test_trailing_garbage_is_refused_or_ignored_but_never_read(tmp_path: Path) -> None:
    hidden = tarred({"hidden.py": b"x"})
    take_in(write(tarred(PLAIN) + hidden, tmp_path / "source"), "solution.py", tmp_path / "target")
    assert not (tmp_path / "target" / "hidden.py").exists()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [limits.EXTENDED_HEADER_BYTES + 1, 4 * 1024 * 1024])
def test_an_extended_header_that_is_slow_to_parse_is_refused_at_once(tmp_path: Path, kind: bytes, size: int) -> None:
    slow = (
        tar_header("x", kind, size=size).tobuf(tarfile.USTAR_FORMAT) + b"1" * size + bytes(-size % 512) + tarred(PLAIN)
    )
    began = time.monotonic()
    refuse(tmp_path, slow, "oversized extended headers; pack it again")
    assert time.monotonic() - began < 5


def test_many_extended_headers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXTENDED_HEADERS_BYTES", 2000)
    nested = tar_header("x", tarfile.XGLTYPE, size=512).tobuf(tarfile.USTAR_FORMAT) + bytes(512)
    refuse(tmp_path, nested * 5 + tarred(PLAIN), "oversized extended headers")


def test_headers_nested_without_end_are_refused(tmp_path: Path) -> None:
    nested = tar_header("x", tarfile.XHDTYPE, size=1).tobuf(tarfile.USTAR_FORMAT) + b"x" + bytes(511)
    refuse(tmp_path, nested * 5000 + tarred(PLAIN), "damaged")


@pytest.mark.parametrize("payload", [b"0 path=x\n", b"12 path", b"99999 path=x\n"])
def test_a_malformed_extended_header_is_not_the_end_of_the_archive(tmp_path: Path, payload: bytes) -> None:
    plain = tarred(PLAIN, tarfile.USTAR_FORMAT)
    header = tar_header("x", tarfile.XHDTYPE, size=len(payload)).tobuf(tarfile.USTAR_FORMAT)
    last = tar_header("last.py", size=0).tobuf(tarfile.USTAR_FORMAT)
    packed = plain[:-1024].rstrip(b"\0")
    packed += bytes(-len(packed) % 512) + header + payload + bytes(512 - len(payload)) + last + bytes(1024)
    files = None
    with suppress(IntakeRefused):
        files = take_in(write(packed, tmp_path / "source"), "solution.py", tmp_path / "target").files
    assert files in {None, len(PLAIN) + 1}


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    header = bytearray(tar_header("x").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    refuse(tmp_path, bytes(header) + tarred(PLAIN), "damaged")


def test_two_gzip_members_are_one_stream(tmp_path: Path) -> None:
    packed = tarred(PLAIN)
    both = gzip.compress(packed[:700]) + gzip.compress(packed[700:])
    assert take_in(write(both, tmp_path / "source"), "solution.py", tmp_path / "target").files == len(PLAIN)


def test_a_pipe_given_as_the_source_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "source")
    with pytest.raises(IntakeRefused, match="neither a folder nor a file"):
        take_in(tmp_path / "source", "solution.py", tmp_path / "target")
