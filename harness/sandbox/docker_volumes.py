"""The volumes of one grading: named ones, not folders of this machine, so that the engine may be anywhere."""

import io
import tarfile
from dataclasses import dataclass
from typing import Final

from docker import APIClient

from harness.sandbox.archive import packed
from harness.sandbox.docker_engine import engine_faults
from harness.sandbox.docker_leftovers import Mark
from harness.sandbox.roles import Side, Staged

GRADER_UID: Final = 10000
SUBJECT_UID: Final = 10001

SOCKETS_OPTIONS: Final = {"type": "tmpfs", "device": "tmpfs", "o": f"size=1m,nr_inodes=64,mode=0755,uid={GRADER_UID}"}
"""A folder for the sockets of one side: only the grader may write there, and there is hardly room for anything."""

STAGE: Final = "/stage"
"""Where the stager sees each volume that is to be filled, under its name."""


@dataclass(frozen=True)
class Volumes:
    """The names of one grading's volumes, and whose they are."""

    mark: Mark

    def solution(self, side: Side) -> str:
        """Where a side's solution lies."""
        return self._name(f"{side.value}-solution")

    def sockets(self, side: Side) -> str:
        """Where a side's subjects find their sockets."""
        return self._name(f"{side.value}-sockets")

    def disk(self, side: Side) -> str:
        """Where a side's subjects may write to a real disk."""
        return self._name(f"{side.value}-disk")

    @property
    def disks(self) -> tuple[str, ...]:
        """The real disks, of both sides."""
        return tuple(self.disk(side) for side in Side)

    @property
    def driver(self) -> str:
        """Where the driver lies."""
        return self._name("driver")

    @property
    def grading(self) -> str:
        """Where the trusted side of the challenge lies."""
        return self._name("grading")

    @property
    def staged(self) -> tuple[str, ...]:
        """Those that are filled before anything starts."""
        return (*(self.solution(side) for side in Side), self.driver, self.grading)

    def _name(self, what: str) -> str:
        return f"takehome-{self.mark.grading}-{what}"


def make_volumes(api: APIClient, volumes: Volumes, *, disks: bool) -> None:
    """Create all volumes of a grading, still empty."""
    labels = volumes.mark.labels()
    with engine_faults("create the volumes"):
        for name in (*volumes.staged, *(volumes.disks if disks else ())):
            api.create_volume(name, labels=labels)
        for side in Side:
            api.create_volume(volumes.sockets(side), driver="local", driver_opts=SOCKETS_OPTIONS, labels=labels)


def fill_volumes(api: APIClient, stager: str, volumes: Volumes, staged: Staged) -> None:
    """Copy the staged folders in, through a container that is never started: the engine knows no other way."""
    sources = {
        volumes.solution(Side.CANDIDATE): staged.submission,
        volumes.solution(Side.REFERENCE): staged.reference,
        volumes.driver: staged.driver,
        volumes.grading: staged.grading,
    }
    for name, source in sources.items():
        with packed(source) as archive, engine_faults(f"copy {source} into its volume"):
            api.put_archive(stager, f"{STAGE}/{name}", archive)


def give_disks(api: APIClient, stager: str, volumes: Volumes) -> None:
    """Make the real disks the subjects' own, through the same container: an archive says whose its folders are."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in volumes.disks:
            root = tarfile.TarInfo(name)
            root.type, root.mode, root.uid, root.gid = tarfile.DIRTYPE, 0o755, SUBJECT_UID, SUBJECT_UID
            tar.addfile(root)
    with engine_faults("prepare the disks"):
        api.put_archive(stager, STAGE, archive.getvalue())
