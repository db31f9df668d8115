"""The folder of ours that a submission is written into, and the count and digest of what went in."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.errors import IntakeRefused, StorageFailed
from grader.intake import limits
from grader.intake.name import folded, quoted

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Store:
    """Writes files below one empty folder, by descriptor, and refuses what is too many, too much or not one name."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._taken: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}
        self.digests: dict[tuple[str, ...], str] = {}
        self.size_bytes = 0
        self._root = self._open_root()

    def _open_root(self) -> int:
        with _disk(self._target):
            self._target.mkdir(parents=True, exist_ok=True)
            root = os.open(self._target, OPEN_FOLDER)
            if os.listdir(root):
                os.close(root)
                raise StorageFailed(f"{self._target} is not empty, so nothing can be taken in there")
            return root

    def keep(self, name: tuple[str, ...], chunks: Iterable[bytes]) -> None:
        """Write one file from its chunks; raises IntakeRefused where it breaks a limit or collides."""
        self.reserve(name, is_folder=False)
        if len(self.digests) >= limits.FILES:
            raise IntakeRefused(f"there are more than {limits.FILES:,} files; hand in only what the challenge asks for")
        with _disk(self._target):
            number = self._create(name)
        digest = hashlib.sha256()
        with os.fdopen(number, "wb", buffering=0) as file:
            for chunk in chunks:
                self._count(len(chunk))
                digest.update(chunk)
                with _disk(self._target):
                    _write_all(file.fileno(), chunk)
            with _disk(self._target):
                os.fchmod(file.fileno(), 0o644)
        self.digests[name] = digest.hexdigest()

    def reserve(self, name: tuple[str, ...], *, is_folder: bool) -> None:
        """Take a name and its parents; raises IntakeRefused where another file or folder has it already."""
        if not (name or is_folder):
            raise IntakeRefused("there is a file without a name; pack it again under a name of its own")
        for depth in range(1, len(name) + 1):
            path, folder = name[:depth], is_folder or depth < len(name)
            first, first_is_folder = self._taken.setdefault(folded(path), (path, folder))
            if first != path:
                both = f"{quoted('/'.join(first))} and {quoted('/'.join(path))}"
                raise IntakeRefused(f"{both} are names that some systems take for one; rename one of them")
            if first_is_folder != folder:
                raise IntakeRefused(f"{quoted('/'.join(path))} is both a file and a folder; rename one of them")
        if not is_folder and name in self.digests:
            raise IntakeRefused(f"{quoted('/'.join(name))} is there twice; pack it once")

    def _count(self, more: int) -> None:
        self.size_bytes += more
        if self.size_bytes > limits.BYTES:
            limit = f"{limits.BYTES >> 20} MiB"
            raise IntakeRefused(f"the files hold more than {limit} together; leave data and build products out")

    def _create(self, name: tuple[str, ...]) -> int:
        folder = os.dup(self._root)
        try:
            for part in name[:-1]:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=folder)
                deeper = os.open(part, OPEN_FOLDER, dir_fd=folder)
                os.close(folder)
                folder = deeper
            return os.open(name[-1], CREATE, 0o644, dir_fd=folder)
        finally:
            os.close(folder)

    def unwrap(self, top: tuple[str, ...]) -> None:
        """Move what is in the folder `top` up to where `top` is; nothing else may be there. No names mean no change."""
        if not top:
            return
        aside = f".{secrets.token_hex(8)}"  # `top` may hold something called `top`
        with _disk(self._target):
            self._target.joinpath(*top).rename(self._target / aside)
            for child in (self._target / aside).iterdir():
                child.rename(self._target / child.name)
            (self._target / aside).rmdir()

    def close(self) -> None:
        """Let go of the folder; what is in it stays."""
        os.close(self._root)

    def discard(self) -> None:
        """Remove what was written, after a refusal."""
        for child in self._target.iterdir():
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child, ignore_errors=True)
            else:
                child.unlink(missing_ok=True)


def _write_all(number: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(number, rest) :]


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    """Turn what our own disk refuses into an error of ours; what the source refuses is not caught here."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageFailed(f"cannot write into {target}: {reason}; free the disk or choose another place") from error
