"""Read the driver's answers, which are hostile, and what they say of the submission."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from exactness import shown

from harness.outcome import Finished, Outcome, describe
from harness.sandbox.roles import Stats

STAYS_SEC = 0.3
"""How long a file is watched that has just been written."""

AT_ONCE, AT_ONCE_BYTES = 400, 16 * 2**20
"""How much is decoded in one call."""

Labelled = TypeVar("Labelled", bound=tuple[object, bytes])


class Subject(Protocol):
    """What a check needs of a subject."""

    @property
    def disk(self) -> Path:
        """Its disk, seen from outside."""

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        """Call a function of the driver; whatever the subject does is an outcome."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver and give its answer."""

    def stats(self) -> Stats:
        """Read its accounting."""

    def restart(self) -> None:
        """Start it in a new process."""


def gave(answer: object, what: str) -> object:
    """Give what a function of the submission answered; an AssertionError says what it raised instead."""
    which, text = raised(answer) or ("", "")
    assert not which, f"{what}: it raised {_named(which, text)}"
    assert isinstance(answer, list)
    return answer[1]


def demand_raised(answer: object, which: str, what: str) -> None:
    """Demand that a function of the submission raised an error of a kind: `format`, `key` or `missing`."""
    found = raised(answer)
    name = {"format": "FormatError", "key": "KeyError", "missing": "FileNotFoundError"}[which]
    assert found is not None, f"{what}: it must raise {name}, and gave {shown(_given(answer))}"
    assert found[0] == which, f"{what}: it must raise {name}, and raised {_named(*found)}"


def raised(answer: object) -> tuple[str, str] | None:
    """Tell which kind of error a function raised and its text; `None` if it gave something."""
    assert isinstance(answer, list), "there is no answer to read"
    if len(answer) == 2 and answer[0] == "gave":
        return None
    assert len(answer) == 3, "there is no answer to read"
    assert answer[0] == "raised", "there is no answer to read"
    return str(answer[1]), str(answer[2])[:200]


def survived(outcome: Outcome, what: str) -> object:
    """Give a call's answer; an AssertionError says how the subject ended."""
    assert isinstance(outcome, Finished), f"{what}: the process {describe(outcome)}"
    return outcome.value


def items(answer: object, count: int, what: str) -> Sequence[object]:
    """Give a list of answers, one for each item."""
    assert isinstance(answer, list), f"{what}: there is no answer to read"
    assert len(answer) == count, f"{what}: there are {len(answer)} answers for {count}"
    return answer


def portions(blobs: Iterable[Labelled], most_bytes: int = AT_ONCE_BYTES) -> Iterator[list[Labelled]]:
    """Divide what is sent, bytes with anything that belongs to them, into portions that the wire takes."""
    portion: list[Labelled] = []
    size = 0
    for each in blobs:
        if portion and (len(portion) == AT_ONCE or size + len(each[1]) > most_bytes):
            yield portion
            portion, size = [], 0
        portion.append(each)
        size += len(each[1])
    if portion:
        yield portion


def demand_nothing_beside(subject: Subject, names: set[str]) -> None:
    """Demand that the disk holds nothing but these files: what is kept elsewhere is not in the format.

    Folders count, for their names hold something too, and so do extended attributes.
    """
    wanted = {"files", *(f"files/{name}" for name in names)}
    found = {path.relative_to(subject.disk).as_posix(): path for path in subject.disk.rglob("*")}
    beside = sorted(name for name, path in found.items() if name not in wanted or _attributes(path))
    assert not beside, (
        f"something is kept beside the data, in {shown(beside[:3])}: all of it must be in what you are asked to write"
    )


def _attributes(path: Path) -> list[str]:
    """Name what whoever wrote a file attached to it."""
    try:
        return [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user.")]
    except OSError:  # no such file system has any
        return []


def read_mb(before: Stats, after: Stats) -> float | None:
    """Say how much came from the disk between two looks, also what has left memory since; `None` where nobody counts.

    Where the kernel does not count it, those pages of files are told that are still in memory.
    """
    kept = None if before.file_mb is None or after.file_mb is None else after.file_mb - before.file_mb
    if after.read_mb is None:
        return kept
    return max(after.read_mb - (before.read_mb or 0.0), kept or 0.0)


def file_size(subject: Subject, name: str) -> int:
    """Give a file's size, seen from outside; a link has no size of its own."""
    path = subject.disk / "files" / name
    assert not path.is_symlink(), f"there is a link instead of a file at the path that was asked for ({name})"
    assert path.is_file(), f"there is no file at the path that was asked for ({name})"
    return path.stat().st_size


def content(subject: Subject, name: str) -> bytes:
    """Give what is in a file, seen from outside."""
    file_size(subject, name)
    return (subject.disk / "files" / name).read_bytes()


def place(subject: Subject, name: str, data: bytes) -> None:
    """Have a file hold these bytes, which is looked at from outside."""
    subject.value("put", name, data)
    assert content(subject, name) == data, "the file does not hold what was put there"


def demand_complete(subject: Subject, name: str, what: str) -> None:
    """Demand that a file which has just been written, seen from outside, stays as it is."""
    path = subject.disk / "files" / name
    size, digest = file_size(subject, name), _digest(path)
    time.sleep(STAYS_SEC)
    assert (file_size(subject, name), _digest(path)) == (size, digest), (
        f"{what}: {STAYS_SEC:g} s after the function that writes the file returned, it has changed; "
        "it must be complete by then"
    )


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _given(answer: object) -> object:
    return answer[1] if isinstance(answer, list) and len(answer) > 1 else answer


def _named(which: str, text: str) -> str:
    return {"format": "FormatError", "key": "KeyError", "missing": "FileNotFoundError"}.get(which, "") + (
        f" ({text})" if which != "other" else text
    )
