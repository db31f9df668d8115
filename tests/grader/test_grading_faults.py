"""Killing each role, the engine connection and the command in the middle of a grading: clear words, and nothing left.

The submission graded here sleeps in its first call, so that there is a middle to hit.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from docker import DockerClient

from grader.scratch import PREFIX
from harness.sandbox.docker_leftovers import OWNER_LABEL
from harness.sandbox.owner import Owner
from tests.grader.tally import SLUG, solution, write_tally

pytestmark = pytest.mark.docker

T = TypeVar("T")

ENGINE_SOCKET = Path("/var/run/docker.sock")

NAPPING = """
import time


def total(numbers):
    time.sleep(50 if numbers else 0)
    return sum(numbers)
"""

UNTIL_LIMIT_SEC = 40.0
"""Starting three containers on a machine that is busy with other tests."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str) -> Path:
    """Give a root whose challenge waits long enough for a nap."""
    folder = write_tally(tmp_path / "root")
    toml = folder / "challenges" / SLUG / "challenge.toml"
    toml.write_text(toml.read_text().replace("call_timeout_sec = 5.0", "call_timeout_sec = 60.0"))
    napping = solution(folder, "reference").with_name("napping")
    napping.mkdir()
    (napping / "solution.py").write_text(NAPPING)
    monkeypatch.setenv("TAKEHOME_ROOT", str(folder))
    monkeypatch.setenv("TAKEHOME_IMAGE", image)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return folder


class Grading:
    """One `takehome` in a process of its own, and what it has on the engine."""

    def __init__(self, engine: DockerClient, root: Path, **environment: str) -> None:
        self._engine = engine
        self.out = root / "out"
        command = [sys.executable, "-m", "grader.cli", "grade", str(solution(root, "napping")), "-o", str(self.out)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )

    def container(self, role: str) -> Any:
        """Wait for a running container of this grading whose command ends in `role`."""
        return until(
            lambda: next((found for found in self.containers() if found.attrs["Config"]["Cmd"][-1] == role), None)
        )

    def containers(self) -> list[Any]:
        """List the running containers of this grading."""
        return [found for found in self._marked(all=False) if found.attrs["State"]["Running"]]

    def leftovers(self) -> list[str]:
        """Name every container and volume of this grading."""
        volumes = self._engine.api.volumes(filters={"label": OWNER_LABEL})["Volumes"] or []
        mine = [volume["Name"] for volume in volumes if self._owns(volume["Labels"])]
        return [*mine, *(found.name for found in self._marked(all=True))]

    def ended(self) -> tuple[int, str]:
        """Wait for the end; give the exit code and what was said on standard error."""
        _, err = self.process.communicate(timeout=UNTIL_LIMIT_SEC)
        return self.process.returncode, err

    def result(self) -> dict[str, Any]:
        """Read the result file."""
        result: dict[str, Any] = json.loads((self.out / "result.json").read_text())
        return result

    def _marked(self, *, all: bool) -> list[Any]:  # noqa: A002 - the engine's own word
        listed = self._engine.containers.list(all=all, filters={"label": OWNER_LABEL}, ignore_removed=True)
        return [found for found in listed if self._owns(found.labels)]

    def _owns(self, labels: dict[str, str]) -> bool:
        return Owner.parse(labels[OWNER_LABEL]).pid == self.process.pid


def until(look: Callable[[], T | None]) -> T:
    """Look again and again until there is something."""
    deadline = time.monotonic() + UNTIL_LIMIT_SEC
    while (found := look()) is None:
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        time.sleep(0.05)
    return found


GRADER = "grader.session"
SUBJECT = "harness.worker"


@pytest.fixture
def napping(engine: DockerClient, root: Path) -> Iterator[Grading]:
    """Begin a grading and wait until the submission sleeps; afterwards nothing of it may be left."""
    grading = Grading(engine, root)
    try:
        grading.container(SUBJECT)
        yield grading
    finally:
        if grading.process.poll() is None:
            grading.process.terminate()
            grading.process.communicate(timeout=UNTIL_LIMIT_SEC)


def scratch_folders(root: Path) -> list[str]:
    return [path.name for path in root.parent.glob(f"{PREFIX}*")]


def test_a_grader_that_is_killed_is_an_error_of_ours_with_a_result(napping: Grading, root: Path) -> None:
    napping.container(GRADER).kill()
    code, err = napping.ended()
    assert code == 3
    assert "Traceback" not in err
    result = napping.result()
    assert result["verdict"] == "error"
    assert any("grader ended" in fault for fault in result["faults"])
    assert napping.leftovers() == []
    assert scratch_folders(root) == []


def test_a_submission_that_somebody_killed_through_the_engine_is_an_error_of_ours(napping: Grading) -> None:
    napping.container(SUBJECT).kill()
    code, err = napping.ended()
    assert code == 3
    assert "Traceback" not in err
    result = napping.result()
    assert result["verdict"] == "error"
    assert "somebody told the engine to kill candidate-0" in json.dumps(result)
    assert napping.leftovers() == []


def test_a_container_that_somebody_removed_is_no_traceback(napping: Grading) -> None:
    napping.container(GRADER).remove(force=True)
    code, err = napping.ended()
    assert code == 3
    assert "Traceback" not in err
    assert napping.result()["verdict"] == "error"
    assert napping.leftovers() == []


@pytest.mark.parametrize(("signum", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_command_and_leaves_nothing(
    napping: Grading, root: Path, signum: signal.Signals, exit_code: int
) -> None:
    os.kill(napping.process.pid, signum)
    code, err = napping.ended()
    assert code == exit_code
    assert "Traceback" not in err
    assert napping.leftovers() == []
    assert scratch_folders(root) == []
    assert not (napping.out / "result.json").exists()


def test_a_second_ctrl_c_does_not_cut_the_clean_up_short(napping: Grading, root: Path) -> None:
    for _ in range(5):
        os.kill(napping.process.pid, signal.SIGINT)
        time.sleep(0.05)
    code, err = napping.ended()
    assert code == 130
    assert err.count("Stopping") == 1
    assert napping.leftovers() == []
    assert scratch_folders(root) == []


def test_what_a_killed_command_leaves_is_swept_by_the_next_grading_which_works(
    napping: Grading, engine: DockerClient, root: Path
) -> None:
    napping.process.kill()
    napping.process.communicate(timeout=UNTIL_LIMIT_SEC)
    assert napping.leftovers() != []
    assert scratch_folders(root) != []
    command = [sys.executable, "-m", "grader.cli", "grade", str(solution(root, "rejected/forgetful")), "--json"]
    ended = subprocess.run([*command, "-o", str(root / "out")], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stderr
    assert json.loads(ended.stdout)["decided_by"] == ["adds-up"]
    assert napping.leftovers() == []
    assert scratch_folders(root) == []


class Proxy:
    """A Docker engine's socket at another path, with a plug to pull."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection and take no new one."""
        self.path.unlink()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(str(ENGINE_SOCKET))
                self._open += [client, engine]
                for source, target in ((client, engine), (engine, client)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.mark.skipif(not ENGINE_SOCKET.is_socket(), reason="the engine is not at the default socket")
def test_an_engine_that_is_lost_is_an_error_of_ours_and_the_next_grading_sweeps(
    engine: DockerClient, root: Path, tmp_path: Path
) -> None:
    proxy = Proxy(tmp_path / "engine.sock")
    grading = Grading(engine, root, DOCKER_HOST=f"unix://{proxy.path}")
    grading.container(SUBJECT)
    proxy.cut()
    code, err = grading.ended()
    assert code == 3
    assert "Traceback" not in err
    assert grading.result()["verdict"] == "error"
    assert grading.leftovers() != []
    command = [sys.executable, "-m", "grader.cli", "grade", str(solution(root, "rejected/forgetful")), "--json"]
    ended = subprocess.run(
        [*command, "-o", str(root / "next")], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert grading.leftovers() == []
