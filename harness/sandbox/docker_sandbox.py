"""The real sandbox: one container for the grader, and one for each start of each subject.

Theory of operation:

  start    sweeps what dead gradings left, fills volumes through a never-started container, starts the grader
  restart  removes a subject's container and starts a new one: its processes, tmpfs and accounting begin afresh
  pause    is the cgroup freezer's, by its files or through the engine: no signal or timer of the subject's can undo it
  stats    reads the container's cgroup files where they are on this machine, and asks the engine where they are not
  stop     removes everything that carries this grading's mark, including what a restart is just making

Requests for different subjects run side by side; whoever measures sends one at a time for the same subject.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import BinaryIO, Final, TypeVar, cast

from docker import DockerClient

from harness.errors import HarnessError, SandboxFailed
from harness.sandbox.commands import Commands, role_commands
from harness.sandbox.cores import Cores
from harness.sandbox.disk_device import counted_device
from harness.sandbox.docker_engine import ENGINE_TIMEOUT_SEC, PARALLEL, engine_faults
from harness.sandbox.docker_leftovers import (
    Mark,
    Swept,
    marked_containers,
    remove_container,
    remove_marked,
    remove_together,
    sweep,
)
from harness.sandbox.docker_spec import ContainerSpec, Setup, grader_spec, stager_spec, subject_spec
from harness.sandbox.docker_stream import AttachedStream, attached
from harness.sandbox.docker_subject import DockerSubject, inspect
from harness.sandbox.docker_volumes import Volumes, fill_volumes, give_disks, make_volumes
from harness.sandbox.doors import doors
from harness.sandbox.gate import Gate
from harness.sandbox.hand_over import in_turn
from harness.sandbox.owner import current_owner
from harness.sandbox.roles import Isolation, Limits, Staged, State, Stats, Subject
from harness.sandbox.tail import Tail

T = TypeVar("T")

ATTACHED: Final = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


ROLES: Final = role_commands("python3")

REMOVAL_ROUNDS: Final = 5
"""A request that was cut off may still make a thing after we looked; a second look has always found it."""


class DockerSandbox:
    """One grading on a Docker engine. `grading_id` must be new for each and fit for a name: `[a-z0-9-]`."""

    isolation = Isolation.DOCKER

    def __init__(
        self,
        client: DockerClient,
        image: str,
        staged: Staged,
        limits: Limits,
        cores: Cores,
        grading_id: str,
        commands: Commands = ROLES,
    ) -> None:
        self._api = client.api
        self._image = image
        self._staged = staged
        self._limits = limits
        self._mark = Mark(grading_id, current_owner().to_text())
        self._volumes = Volumes(self._mark)
        self._setup = Setup(self._volumes, limits, cores, commands)
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="sandbox")
        self._lock = threading.RLock()
        self._stop_lock = threading.RLock()
        self._gate = Gate()
        self._stopped = False
        self._subjects: dict[Subject, DockerSubject] = {}
        self._grader: str | None = None
        self._stream: AttachedStream | None = None
        self._errors = Tail()
        self.swept = Swept((), ())

    def start(self) -> BinaryIO:
        """Prepare the volumes and start the grader."""
        self.swept = sweep(self._api)
        if self._limits.disk_mb:
            self._setup = replace(self._setup, counted_device=counted_device(self._api))
        with self._gate.passing():
            disks = bool(self._limits.disk_mb)
            make_volumes(self._api, self._volumes, disks=disks)
            stager = self._create(stager_spec(self._setup))
            fill_volumes(self._api, stager, self._volumes, self._staged)
            if disks:
                give_disks(self._api, stager, self._volumes)
            remove_container(self._api, stager)
            return self._start_grader()

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Freeze some, thaw others and read: one after the other, or side by side where the engine has to do it."""
        if all(subject.is_frozen_by_file for subject in self._started([*pause, *resume])):
            return in_turn(self, pause, resume, watch)
        found: dict[Subject, Stats] = {}

        def half(pause: Sequence[Subject], resume: Sequence[Subject]) -> None:
            watched = [subject for subject in watch if subject in {*pause, *resume}]
            found.update(zip(watched, in_turn(self, pause, resume, watched), strict=True))

        self._for_each(lambda act: act(), [partial(half, pause, ()), partial(half, (), resume)])
        others = [subject for subject in watch if subject not in found]
        found.update(zip(others, self.stats(others), strict=True))
        return [found[subject] for subject in watch]

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """Replace each subject's container by a new one."""
        named = doors(subjects)
        self._for_each(lambda subject: self._restart(subject, named[subject], hash_seed), subjects)

    def pause(self, subjects: Sequence[Subject]) -> None:
        """Freeze `subjects`; one that has ended stays as it is."""
        self._for_each(DockerSubject.pause, self._started(subjects))

    def resume(self, subjects: Sequence[Subject]) -> None:
        """Thaw `subjects`; one that has ended stays as it is."""
        self._for_each(DockerSubject.resume, self._started(subjects))

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of each subject; of one that has ended, as it was last read."""
        return [subject.stats() for subject in self._started(subjects)]

    def grader_log(self) -> str:
        """Give the tail of the grader's standard error and, where it has ended, how."""
        return "\n".join(filter(None, [self._errors.text(), self._grader_ending()]))

    def stop(self) -> None:
        """Remove everything that carries this grading's mark; where that fails, a second call tries again."""
        with self._stop_lock:
            if self._stopped:
                return
            self._gate.close(ENGINE_TIMEOUT_SEC)
            if self._stream is not None:
                self._stream.close()
            self._pool.shutdown(wait=True, cancel_futures=True)
            for _ in range(REMOVAL_ROUNDS):
                remove_together(self._api, marked_containers(self._api, self._mark))
                if not remove_marked(self._api, self._mark):
                    break
            for subject in self._subjects.values():
                subject.close()
            self._subjects.clear()
            self._grader = None
            self._stopped = True

    def _start_grader(self) -> BinaryIO:
        grader = self._grader = self._create(grader_spec(self._setup))
        with engine_faults("start the grader"):
            self._stream = attached(self._api.attach_socket(grader, params=ATTACHED), self._errors)
            self._api.start(grader)
        return cast(BinaryIO, self._stream)

    def _restart(self, subject: Subject, door: str, hash_seed: int) -> None:
        with self._lock:
            old = self._subjects.pop(subject, None)
        with self._gate.passing():
            if old is not None:
                old.remove()
            container = self._create(subject_spec(self._setup, subject.side, door, hash_seed))
            with engine_faults(f"start {subject}"):
                self._api.start(container)
            started = DockerSubject(self._api, str(subject), container, self._limits.memory_mb)
        with self._lock:
            self._subjects[subject] = started

    def _create(self, spec: ContainerSpec) -> str:
        """Create a container. The engine would make a volume that is missing, so this must not overlap with `stop`."""
        with engine_faults("create a container"):
            host = self._api.create_host_config(**spec.host)
            labels = self._mark.labels()
            made = self._api.create_container(self._image, labels=labels, host_config=host, **spec.container)
        return str(made["Id"])

    def _started(self, subjects: Sequence[Subject]) -> list[DockerSubject]:
        with self._lock:
            missing = [str(subject) for subject in subjects if subject not in self._subjects]
            if missing:
                raise SandboxFailed(f"never started: {', '.join(missing)}")
            return [self._subjects[subject] for subject in subjects]

    def _for_each(self, action: Callable[[T], None], items: Sequence[T]) -> None:
        """Do it for all at once, and wait for all also when one fails: nothing goes on behind an error."""
        if len(items) == 1:
            action(items[0])
            return
        try:
            futures = [self._pool.submit(action, item) for item in items]
        except RuntimeError as error:
            raise SandboxFailed("the sandbox is being stopped") from error
        wait(futures)
        for future in futures:
            future.result()

    def _grader_ending(self) -> str:
        if self._grader is None:
            return ""
        try:
            with engine_faults("inspect the grader"):
                ending = inspect(self._api, self._grader).stats()
        except HarnessError as error:
            return str(error)
        if ending.state is not State.EXITED:
            return ""
        how = f"signal {ending.signal}" if ending.signal is not None else f"exit code {ending.exit_code}"
        return f"the grader ended with {how}" + (", out of memory" if ending.oom_killed else "")
