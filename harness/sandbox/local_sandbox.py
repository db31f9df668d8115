"""The sandbox where there is no Docker: the same roles as processes of this machine. For practice, never for a verdict.

Theory of operation: a subject is kept in bounds by resource limits and a session of its own, not kept from what judges
it: it sees this machine's files, network and processes. Every process is started by one thread that lives as long as
the sandbox, because the kernel ends a process with the *thread* that started it; so a killed command line takes the
roles with it, and what those had started is found at the next start, by the mark in its environment.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import BinaryIO, Final, cast

from harness.errors import SandboxFailed
from harness.sandbox.commands import Commands, role_commands
from harness.sandbox.cores import Cores
from harness.sandbox.doors import doors
from harness.sandbox.hand_over import in_turn
from harness.sandbox.launcher import Orders
from harness.sandbox.local_folder import MARK_VARIABLE, LocalFolder, sweep_local
from harness.sandbox.local_starter import Starter, probe_users
from harness.sandbox.local_subject import LocalSubject
from harness.sandbox.local_user import Users, give_back, is_root, take_uid
from harness.sandbox.pipes import PipedStream
from harness.sandbox.processes import tasks_of_user
from harness.sandbox.roles import Isolation, Limits, Side, Staged, Stats, Subject
from harness.sandbox.tail import Tail

ROLES: Final = role_commands(sys.executable)

ADDRESS_SPACE_EXTRA_MB: Final = 512
"""Address space is not memory: libraries, and each thread's stack and heap, reserve far more than they use."""

MIB: Final = 1024**2


class LocalSandbox:
    """One grading on this machine, without isolation."""

    isolation = Isolation.NONE

    def __init__(self, staged: Staged, limits: Limits, cores: Cores, commands: Commands = ROLES) -> None:
        self._staged = staged
        self._limits = limits
        self._cores = cores
        self._commands = commands
        self._lock = threading.RLock()
        self._starter = Starter()
        self._subjects: dict[Subject, LocalSubject] = {}
        self._uids: dict[Subject, int] = {}
        self._users = Users(own=False)
        self._folder: LocalFolder | None = None
        self._grader: subprocess.Popen[bytes] | None = None
        self._stream: PipedStream | None = None
        self._errors = Tail()
        self.swept: list[str] = []

    def start(self) -> BinaryIO:
        """Copy the staged folders and start the grader, who stays the user we are."""
        self.swept = sweep_local()
        with self._lock:
            folder = self._folder = LocalFolder.make()
            folder.fill(self._staged)
            if is_root():
                self._users = probe_users(self._starter, folder)
            orders = Orders(os.getpid(), self._cores.grader, {"core": 0})
            environment = {
                "TAKEHOME_SOCKETS": str(folder.root / "sockets"),
                "TAKEHOME_GRADING": str(folder.grading),
                "TAKEHOME_SUBMISSION": str(folder.solution(Side.CANDIDATE)),
                "TAKEHOME_DISKS": str(folder.root / "disks"),
                MARK_VARIABLE: folder.mark_value("grader"),
            }
            scratch = folder.fresh_scratch("grader", None)
            self._grader = self._starter.run(orders, self._commands.grader, environment, scratch, subprocess.PIPE)
            self._stream = PipedStream(self._grader, self._errors)
        return cast(BinaryIO, self._stream)

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Stop some, read the accounting of those to `watch`, and only then continue others."""
        return in_turn(self, pause, resume, watch)

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """End each subject's processes and start it anew."""
        with self._lock:
            for subject, door in doors(subjects).items():
                self._restart(subject, door, hash_seed)

    def pause(self, subjects: Sequence[Subject]) -> None:
        """Stop `subjects`; one that has ended stays as it is."""
        for subject in self._started(subjects):
            subject.pause()

    def resume(self, subjects: Sequence[Subject]) -> None:
        """Continue `subjects`; one that has ended stays as it is."""
        for subject in self._started(subjects):
            subject.resume()

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Add up what each subject's processes use."""
        return [subject.stats() for subject in self._started(subjects)]

    def grader_log(self) -> str:
        """Give the tail of the grader's standard error and, where it has ended, how."""
        ended = None if self._grader is None else self._grader.poll()
        ending = "" if ended is None else f"the grader ended with {_how(ended)}"
        return "\n".join(filter(None, [self._errors.text(), ending]))

    def stop(self) -> None:
        """End every process that was started here and remove the folder."""
        with self._lock:
            self._starter.close()
            for subject in self._subjects.values():
                subject.end()
            self._subjects.clear()
            if self._grader is not None:
                self._grader.kill()
                self._grader.wait()
            if self._folder is not None:
                self._folder.remove()
                self._folder = None
            if self._stream is not None:
                self._stream.close()
            while self._uids:
                give_back(self._uids.popitem()[1])

    def _restart(self, subject: Subject, door: str, hash_seed: int) -> None:
        folder = self._folder
        if folder is None:
            raise SandboxFailed("the sandbox is not running")
        if (old := self._subjects.pop(subject, None)) is not None:
            old.end()
        uid = self._uid_of(subject)
        environment = {
            "TAKEHOME_SOCKET": str(folder.sockets(subject.side) / door),
            "TAKEHOME_SUBMISSION": str(folder.solution(subject.side)),
            "TAKEHOME_DRIVER": str(folder.driver),
            "TAKEHOME_DISK": str(folder.disk(subject.side)),
            "PYTHONHASHSEED": str(hash_seed),
            MARK_VARIABLE: folder.mark_value(subject),
        }
        scratch = folder.fresh_scratch(subject, uid)
        worker = self._starter.run(self._orders(uid), self._commands.subject, environment, scratch, subprocess.DEVNULL)
        self._subjects[subject] = LocalSubject(worker, folder.mark_of(subject), uid)

    def _orders(self, uid: int | None) -> Orders:
        others = 0 if uid is not None else tasks_of_user(os.getuid())
        limits = {
            "processes": others + self._limits.pids,
            "address_space": (self._limits.memory_mb + ADDRESS_SPACE_EXTRA_MB) * MIB,
            "file_size": max(self._limits.tmpfs_mb, self._limits.shm_mb, self._limits.disk_mb) * MIB,
            "open_files": self._limits.open_files,
            "core": 0,
        }
        return Orders(os.getpid(), self._cores.subject, limits, uid, self._users.capability)

    def _uid_of(self, subject: Subject) -> int | None:
        if not self._users.own:
            return None
        if subject not in self._uids:
            self._uids[subject] = take_uid()
        return self._uids[subject]

    def _started(self, subjects: Sequence[Subject]) -> list[LocalSubject]:
        with self._lock:
            missing = [str(subject) for subject in subjects if subject not in self._subjects]
            if missing:
                raise SandboxFailed(f"never started: {', '.join(missing)}")
            return [self._subjects[subject] for subject in subjects]


def _how(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
