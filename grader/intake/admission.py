"""Take a submission in, whole or not at all."""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from grader.errors import IntakeRefused
from grader.intake.archive import ArchiveReader
from grader.intake.folder import FolderReader
from grader.intake.member import Skipped
from grader.intake.name import parse_name, quoted
from grader.intake.store import Store
from harness.worker.driver import MODULE

TAKEN = frozenset({MODULE, "harness"})
"""Modules that are there already when a submission is imported, so that it would get those and not its own."""

IGNORED_SHOWN = 50
"""Most pieces of litter that are listed by name."""


@dataclass(frozen=True)
class Intake:
    r"""A submission as taken in: `folder` is ours, holds ordinary files only, and nobody else writes there.

    `digest` is the SHA-256 of the lines `sha256sum` prints for the files in order of their names' bytes, so anybody can
    check it. It does not depend on whether a folder or an archive was handed in:

        find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum

    `files` and `bytes` count what was kept; `ignored` lists the litter that was left behind.
    """

    folder: Path
    digest: str
    files: int
    bytes: int
    ignored: tuple[str, ...] = ()


def take_in(source: Path, entry_point: str, target: Path) -> Intake:
    """Copy the submission at `source`, a folder or an archive, into the empty or new folder `target`.

    An archive may hold the submission in one folder of its own, as packers do; that folder is unwrapped.
    Raises IntakeRefused, with `target` empty again, where it cannot be taken.
    """
    reader = _reader(source, target)
    store = Store(target)
    try:
        ignored: dict[str, None] = {}
        with closing(reader.members()) as members:
            for member in members:
                if isinstance(member, Skipped):
                    ignored[member.path] = None
                elif member.is_folder:
                    store.reserve(member.name, is_folder=True)
                else:
                    store.keep(member.name, member.chunks)
        top = _top(store.digests, parse_name(entry_point), unwrap=isinstance(reader, ArchiveReader))
        store.unwrap(top)
        _refuse_unreadable(target / entry_point, entry_point)
        _refuse_taken(name[len(top) :] for name in store.digests)
    except BaseException:
        store.discard()
        raise
    finally:
        store.close()
    digests = {name[len(top) :]: digest for name, digest in store.digests.items()}
    return Intake(target, digest_of(digests), len(digests), store.size_bytes, _listed(ignored))


def digest_of(digests: Mapping[tuple[str, ...], str]) -> str:
    """Combine the SHA-256 of each file, as hexadecimal, into the submission's digest."""
    lines = sorted(("/".join(name).encode(), digest.encode()) for name, digest in digests.items())
    text = b"".join(digest + b"  " + name + b"\n" for name, digest in lines)
    return "sha256:" + hashlib.sha256(text).hexdigest()


def _reader(source: Path, target: Path) -> FolderReader | ArchiveReader:
    try:
        resolved = source.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise IntakeRefused(f"there is no submission at {quoted(str(source))}; give its folder or archive") from error
    if not resolved.is_dir():
        return ArchiveReader(resolved)
    if target.resolve().is_relative_to(resolved):
        raise IntakeRefused(f"{quoted(str(target))} lies inside the submission; work in another folder")
    return FolderReader(resolved)


def _top(digests: Mapping[tuple[str, ...], str], entry: tuple[str, ...], *, unwrap: bool) -> tuple[str, ...]:
    """Find the folder that the submission lies in: the archive's only one, where the entry point is there."""
    if entry in digests:
        return ()
    tops = {name[:1] for name in digests}
    if unwrap and len(tops) == 1:
        top = tops.pop()
        if (*top, *entry) in digests:
            return top
    name = "/".join(entry)
    raise IntakeRefused(f"there is no {name} in the submission; add it, or hand in the folder that has it at its top")


def _refuse_unreadable(path: Path, entry_point: str) -> None:
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} of {entry_point} is not UTF-8"
        raise IntakeRefused(f"{problem}; save the file as UTF-8") from error


def _refuse_taken(names: Iterable[tuple[str, ...]]) -> None:
    for name in names:
        module = name[0].partition(".")[0]
        if module in TAKEN and name[-1].endswith(".py"):
            problem = f"'import {module}' would find the grading's own module instead of {quoted('/'.join(name))}"
            raise IntakeRefused(f"{problem}; give yours another name")


def _listed(ignored: Mapping[str, None]) -> tuple[str, ...]:
    names = sorted(ignored)
    more = len(names) - IGNORED_SHOWN
    return (*names[:IGNORED_SHOWN], *([f"and {more} more"] if more > 0 else []))
