"""Real workers: each a process of its own, started as the sandbox starts it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness
from harness.channel import Channel

START_SEC = 30.0
"""How long a worker may take to connect on a busy machine."""


@dataclass
class Worker:
    """A worker's process and the channel to it."""

    process: subprocess.Popen[bytes]
    channel: Channel


StartWorker = Callable[..., Worker]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers from the text of a driver and a submission; all have ended when the test has."""
    workers: list[Worker] = []

    def start(driver: str | None, solution: str = "", **environment: str) -> Worker:
        folder = tmp_path / str(len(workers))
        (folder / "submission").mkdir(parents=True)
        (folder / "submission" / "solution.py").write_text(solution)
        if driver is not None:
            (folder / "driver.py").write_text(driver)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "worker.sock"))
            listener.listen(1)
            listener.settimeout(START_SEC)
            process = spawn(folder, environment)
            workers.append(Worker(process, Channel(listener.accept()[0])))
        return workers[-1]

    yield start
    for worker in workers:
        worker.channel.close()
        worker.process.kill()
        worker.process.wait()


def spawn(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker that will connect to `folder`/worker.sock."""
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-m", "harness.worker"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(harness.__file__).parent.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "TAKEHOME_SOCKET": str(folder / "worker.sock"),
            "TAKEHOME_SUBMISSION": str(folder / "submission"),
            "TAKEHOME_DRIVER": str(folder),
            **environment,
        },
    )
