"""A grading's folder on this machine: copies of what was staged, the sockets, and who owns it all.

takehome-local-…/
  owner                            which process made it: a later start removes the folder once that is gone
  candidate/ reference/ driver/ grading/
  sockets/candidate/ sockets/reference/
  disks/candidate/ disks/reference/
  scratch/<role>/                  where a role may write; emptied when it is started again
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import SandboxFailed
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start
from harness.sandbox.processes import all_processes, carries, kill_all
from harness.sandbox.roles import Side, Staged

PREFIX: Final = "takehome-local-"

SOCKET_PATH_CHARS: Final = 103
"""The longest path that a Unix socket may have on macOS; Linux takes four more."""

LONGEST_BELOW: Final = "/takehome-local-12345678/sockets/candidate/99.sock"

SHORT_FOLDER: Final = Path("/tmp")
"""Where to go when the usual temporary folder has too long a name for sockets."""

OWNER_FILE: Final = "owner"
MARK_VARIABLE: Final = "TAKEHOME_SANDBOX"

OPEN_FOLDER: Final = 0o755
SHARED_FOLDER: Final = 0o1777
CLOSED_FOLDER: Final = 0o700
FILE_MODE: Final = 0o644


@dataclass(frozen=True)
class LocalFolder:
    """The folder of one grading."""

    root: Path

    @classmethod
    def make(cls) -> "LocalFolder":
        """Make an empty one, which from now on is this process's."""
        folder = cls(Path(tempfile.mkdtemp(prefix=PREFIX, dir=_temporary_folder())))
        (folder.root / OWNER_FILE).write_text(current_owner().to_text(), "utf-8")
        folder.root.chmod(OPEN_FOLDER)
        return folder

    def fill(self, staged: Staged) -> None:
        """Copy in what was staged; subjects that are users of their own cannot enter `grading`."""
        for side in Side:
            self.sockets(side).mkdir(parents=True, mode=OPEN_FOLDER)
            self.disk(side).mkdir(parents=True)
            self.disk(side).chmod(SHARED_FOLDER)
        (self.root / "scratch").mkdir(mode=OPEN_FOLDER)
        _copy(staged.submission, self.solution(Side.CANDIDATE))
        _copy(staged.reference, self.solution(Side.REFERENCE))
        _copy(staged.driver, self.driver)
        _copy(staged.grading, self.grading)
        self.grading.chmod(CLOSED_FOLDER)

    @property
    def mark(self) -> str:
        """How the variable begins that every process of this grading has in its environment."""
        return f"{MARK_VARIABLE}={self.root.name}:"

    def mark_value(self, role: object) -> str:
        """Give what that variable says, for one role."""
        return f"{self.root.name}:{role}:"

    def mark_of(self, role: object) -> str:
        """Give the whole of that variable, for one role."""
        return f"{MARK_VARIABLE}={self.mark_value(role)}"

    @property
    def driver(self) -> Path:
        """The folder in which the driver lies."""
        return self.root / "driver"

    @property
    def grading(self) -> Path:
        """The trusted side of the challenge."""
        return self.root / "grading"

    def solution(self, side: Side) -> Path:
        """Name the folder of a side's solution."""
        return self.root / side.value

    def sockets(self, side: Side) -> Path:
        """Name the folder of a side's sockets."""
        return self.root / "sockets" / side.value

    def disk(self, side: Side) -> Path:
        """Name the folder in which a side's subjects, each perhaps a user of its own, write to a real disk."""
        return self.root / "disks" / side.value

    def fresh_scratch(self, role: object, uid: int | None) -> Path:
        """Empty a role's scratch folder, and give it to its user."""
        scratch = self.root / "scratch" / str(role)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=CLOSED_FOLDER)
        if uid is not None:
            os.chown(scratch, uid, uid)
        return scratch

    def remove(self) -> None:
        """End whatever still carries the mark, and remove the folder."""
        kill_all(lambda: [process for process in all_processes() if carries(process.pid, self.mark)])
        shutil.rmtree(self.root, ignore_errors=True)


def sweep_local() -> list[str]:
    """Remove what gradings of this user whose process is gone left behind, processes first."""
    here, swept = current_owner(), []
    for root in sorted(_temporary_folder().glob(f"{PREFIX}*")):
        if _is_abandoned(root, here):
            LocalFolder(root).remove()
            swept.append(root.name)
    return swept


def _temporary_folder() -> Path:
    usual = tempfile.gettempdir()
    return Path(usual) if len(usual + LONGEST_BELOW) <= SOCKET_PATH_CHARS else SHORT_FOLDER


def _is_abandoned(root: Path, here: Owner) -> bool:
    try:
        if root.is_symlink() or root.stat().st_uid != os.getuid():
            return False
        return is_gone(Owner.parse((root / OWNER_FILE).read_text("utf-8")), here, process_start)
    except (OSError, ValueError):
        return False


def _copy(source: Path, target: Path) -> None:
    """Copy plain files and folders, readable by everyone; a link that is left is a fault of ours."""
    if source.is_file():
        target.mkdir(mode=OPEN_FOLDER)
        _copy_file(source, target / source.name)
        return
    target.mkdir(mode=OPEN_FOLDER)
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise SandboxFailed(f"{path} is neither a file nor a folder and cannot be put into a sandbox")
        if path.is_dir():
            copy.mkdir(mode=OPEN_FOLDER)
        else:
            _copy_file(path, copy)


def _copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(FILE_MODE)
