"""Two thousand hostile archives and folders: each is taken in or refused, and nothing is written outside the target.

The generator is seeded, so a failure repeats. `TAKEHOME_HOSTILE_CASES` makes it run longer.
"""

import gzip
import io
import os
import random
import shutil
import stat
import struct
import tarfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from grader.errors import IntakeRefused
from grader.intake import Intake, take_in
from tests.grader.intake.packing import PLAIN, as_folder, tar_header, tar_of, tarred, zipped

CASES = int(os.environ.get("TAKEHOME_HOSTILE_CASES", "2000"))
SEED = 20240607

Maker = Callable[[random.Random, Path, Path], Path]
"""Makes a hostile source at the first path; the second is a folder outside, which it may aim at."""

KINDS = (
    tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
    tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
    tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"V", b"\0", b"\xff",
)  # fmt: skip


def hostile_name(rng: random.Random, outside: Path) -> str:
    """Make a name that aims outside, collides, hides or does not fit."""
    part = rng.choice(
        ["solution.py", "SOLUTION.PY", "lib", "Lib", "..", ".", "", "a\\b", "C:", "nul", "x.", " x", "a\0b", "\x1b[2J",
         "\u202e", "\udcff", "e\u0301", "\u00e9", "x" * 255, "x" * 300, "__pycache__", ".git", "~", "-rf", "\ufb01"]
    )  # fmt: skip
    name = "/".join([part] * rng.choice([1, 1, 1, 2, 20]))
    return rng.choice(["", "", "", "../", "../../../", "/", "//", "./", f"{outside}/", "lib/../../"]) + name


def mutated(rng: random.Random, packed: bytes) -> bytes:
    """Damage an archive in one to eight places."""
    data = bytearray(packed)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[place : place + 1] = rng.randbytes(1)
            case 1:
                del data[place : place + rng.choice([1, 2, 16, 512])]
            case 2:
                data[place:place] = rng.randbytes(rng.choice([1, 4, 64]))
            case 3:
                data[place : place + 4] = struct.pack("<I", rng.choice([0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000]))
            case 4:
                source = rng.randrange(len(data) + 1)
                data[place : place + 64] = data[source : source + 64]
            case _:
                data[place:place] = data[max(0, place - 512) : place]
    return bytes(data)


def repaired(packed: bytes) -> bytes:
    """Correct the checksum of every block of a tar that looks like a header, so that damage gets past it."""
    data = bytearray(packed)
    for start in range(0, len(data) - 511, 512):
        if data[start + 257 : start + 262] == b"ustar":
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % (sum(data[start : start + 512]) & 0o777777)
    return bytes(data)


def mutated_zip(rng: random.Random, path: Path, _: Path) -> Path:
    path.write_bytes(mutated(rng, zipped(PLAIN)))
    return path


def mutated_tar(rng: random.Random, path: Path, _: Path) -> Path:
    packed = mutated(rng, tarred(PLAIN, rng.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])))
    packed = repaired(packed) if rng.random() < 0.7 else packed
    path.write_bytes(gzip.compress(packed, 1) if rng.random() < 0.3 else packed)
    return path


def mutated_gzip(rng: random.Random, path: Path, _: Path) -> Path:
    path.write_bytes(mutated(rng, gzip.compress(tarred(PLAIN))))
    return path


def hostile_tar(rng: random.Random, path: Path, outside: Path) -> Path:
    members = [(tar_header(name, size=len(content)), content) for name, content in PLAIN.items()]
    for _ in range(rng.randint(1, 4)):
        content = rng.randbytes(rng.choice([0, 3, 600]))
        link = rng.choice(["", "solution.py", str(outside), "../outside/x", "/etc/passwd"])
        header = tar_header(hostile_name(rng, outside), rng.choice(KINDS), size=len(content), link=link)
        members.insert(rng.randrange(len(members) + 1), (header, content))
    path.write_bytes(tar_of(members, rng.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])))
    return path


def hostile_zip(rng: random.Random, path: Path, outside: Path) -> Path:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in PLAIN.items():
            archive.writestr(name, content)
        for _ in range(rng.randint(1, 4)):
            name = hostile_name(rng, outside).encode("utf-8", "replace").decode()
            entry = zipfile.ZipInfo(name or "x")
            entry.external_attr = rng.choice([0, 0o100644, 0o120777, 0o040755, 0o010644, 0o177777]) << 16
            entry.compress_type = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
            archive.writestr(entry, rng.choice([b"", b"x", b"../outside/x"]))
    path.write_bytes(packed.getvalue())
    return path


def hostile_folder(rng: random.Random, path: Path, outside: Path) -> Path:
    as_folder(PLAIN, path)
    for _ in range(rng.randint(1, 4)):
        name = hostile_name(rng, outside).replace("/", "_").replace("\0", "_").replace("..", "_") or "x"
        place = Path(os.fsdecode(os.fsencode(rng.choice([path, path / "lib"])) + b"/" + os.fsencode(name)[:250]))
        if os.path.lexists(place):
            continue
        match rng.randrange(5):
            case 0:
                place.symlink_to(rng.choice([str(outside), "solution.py", "/etc", "."]))
            case 1:
                os.mkfifo(place)
            case 2:
                place.hardlink_to(path / "solution.py")
            case 3:
                place.mkdir()
            case _:
                place.write_bytes(rng.randbytes(10))
    return path


MAKERS: dict[Maker, int] = {
    mutated_zip: 6,
    mutated_tar: 6,
    mutated_gzip: 2,
    hostile_tar: 3,
    hostile_zip: 2,
    hostile_folder: 1,
}
"""Each with its share of the cases."""


def test_hostile_sources_are_taken_in_or_refused_and_stay_inside(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    outside = as_folder({"x": b"outside"}, tmp_path / "outside")
    source, target = tmp_path / "source", tmp_path / "work" / "target"
    (tmp_path / "work").mkdir()
    endings: Counter[str] = Counter()
    for number in range(CASES):
        maker = rng.choices(list(MAKERS), list(MAKERS.values()))[0]
        intake = attempt(maker(rng, source, outside), target, f"case {number}, {maker.__name__}")
        endings[f"{maker.__name__} {'refused' if intake is None else 'taken'}"] += 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "source", "work"]
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["target"]
        assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("x", b"outside")]
        remove(source)
        remove(target)
    for maker in MAKERS:
        assert endings[f"{maker.__name__} refused"] > 0, endings


def attempt(source: Path, target: Path, case: str) -> Intake | None:
    """Take a hostile source in; whatever was taken must be ordinary files, as many as counted."""
    try:
        intake = take_in(source, "solution.py", target)
    except IntakeRefused as refused:
        text = str(refused)
        assert text.isprintable(), case
        assert "; " in text, f"{case}: {text!r} does not say what to do"
        assert list(target.iterdir()) == [], case
        return None
    except Exception as error:
        raise AssertionError(f"{case} crashed intake") from error
    found = [path for path in target.rglob("*") if not stat.S_ISDIR(path.lstat().st_mode)]
    assert all(stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_nlink == 1 for path in found), case
    assert len(found) == intake.files, case
    assert sum(path.stat().st_size for path in found) == intake.bytes, case
    return intake


def remove(path: Path) -> None:
    """Remove whatever a case left at `path`."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
