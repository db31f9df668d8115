"""Nothing stays on the engine: not after a stop, nor after a crash, nor after the process that owned it was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError, SandboxFailed
from harness.sandbox.docker_leftovers import GRADING_LABEL, OWNER_LABEL, Mark, remove_marked, sweep
from harness.sandbox.owner import Owner
from harness.sandbox.roles import Side, Subject

pytestmark = pytest.mark.docker

REPOSITORY = Path(__file__).parents[3]

ANOTHER_GRADING = """
import atexit, os, sys
from pathlib import Path
from harness.sandbox.commands import Commands
from harness.sandbox.cores import split_cores
from harness.sandbox.docker_engine import connect, engine_cores
from harness.sandbox.docker_sandbox import DockerSandbox
from harness.sandbox.roles import Limits, Side, Staged, Subject

image, grading, *folders = sys.argv[1:]
client = connect()
commands = Commands(grader=("python3", "-c", "input()"), subject=("python3", "-c", "import time; time.sleep(600)"))
cores = split_cores(engine_cores(client), 1)
sandbox = DockerSandbox(client, image, Staged(*map(Path, folders)), Limits(memory_mb=64), cores, grading, commands)
sandbox.start()
sandbox.restart([Subject(Side.CANDIDATE, 0)], 1)
print("started", flush=True)
match sys.stdin.readline().strip():
    case "leave without stopping":
        os._exit(0)
    case "stop on the way out":
        atexit.register(sandbox.stop)
    case _:
        sandbox.stop()
"""


def start_another_grading(image, staged, grading):
    """Start a grading in a process of its own, as another command line would."""
    folders = [str(folder) for folder in (staged.submission, staged.reference, staged.driver, staged.grading)]
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_GRADING, image, grading, *folders],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert process.stdout.readline() == "started\n"
    return process


def left_by(engine, grading):
    """Count the containers and volumes of a grading; volumes by name too, for the engine makes missing ones itself."""
    filters = {"label": f"{GRADING_LABEL}={grading}"}
    volumes = engine.api.volumes(filters=filters)["Volumes"] or []
    named = engine.api.volumes(filters={"name": f"takehome-{grading}"})["Volumes"] or []
    assert len(named) == len(volumes)
    return len(engine.api.containers(all=True, filters=filters)), len(volumes)


@pytest.mark.parametrize("end", [
    lambda process: process.send_signal(signal.SIGKILL),
    lambda process: process.communicate("leave without stopping\n"),
], ids=["killed", "gone"])  # fmt: skip
def test_the_next_start_sweeps_what_a_dead_process_left(engine, image, staged, docker_sandbox, end, new_id):
    grading = new_id()
    process = start_another_grading(image, staged, grading)
    assert left_by(engine, grading) == (2, 6)
    end(process)
    _wait_for_the_end_of(process.pid)
    sandbox = docker_sandbox()
    sandbox.start()
    assert left_by(engine, grading) == (0, 0)
    assert grading in sandbox.swept.gradings
    sandbox.stop()
    process.communicate()


def test_a_grading_that_lives_is_never_swept(engine, image, staged, new_id):
    grading = new_id()
    process = start_another_grading(image, staged, grading)
    assert grading not in sweep(engine.api).gradings
    assert left_by(engine, grading) == (2, 6)
    process.communicate("stop\n")
    assert process.returncode == 0
    assert left_by(engine, grading) == (0, 0)


def test_what_a_stranger_labelled_is_left_alone(engine, new_id):
    grading = new_id()
    for number, owner in enumerate(("not an owner", Owner("other boot", "", 1, "1", time.time()).to_text())):
        engine.api.create_volume(f"takehome-{grading}-{number}", labels={GRADING_LABEL: grading, OWNER_LABEL: owner})
    try:
        assert grading not in sweep(engine.api).gradings
        assert left_by(engine, grading) == (0, 2)
    finally:
        for number in range(2):
            engine.api.remove_volume(f"takehome-{grading}-{number}")


def test_what_nobody_can_vouch_for_is_swept_once_it_is_older_than_any_grading(engine, new_id):
    grading = new_id()
    mark = Mark(grading, Owner("other boot", "", 1, "1", time.time() - 3 * 3600).to_text())
    engine.api.create_volume(f"takehome-{grading}", labels=mark.labels())
    assert grading in sweep(engine.api).gradings
    assert left_by(engine, grading) == (0, 0)


def test_a_leftover_that_is_stuck_is_told_and_stops_nobody(engine, image, new_id):
    grading = new_id()
    mark = Mark(grading, Owner("other boot", "", 1, "1", 0).to_text())
    engine.api.create_volume(f"takehome-{grading}", labels=mark.labels())
    host = engine.api.create_host_config(binds=[f"takehome-{grading}:/x"], network_mode="none")
    user = engine.api.create_container(image, ["true"], host_config=host)["Id"]
    try:
        swept = sweep(engine.api)
        assert grading not in swept.gradings
        assert any(grading in complaint for complaint in swept.stuck)
    finally:
        engine.api.remove_container(user, force=True)
    assert remove_marked(engine.api, mark) == 1


def test_stop_removes_everything_and_may_be_repeated(own_bench, engine):
    sandbox, candidate = own_bench.sandbox, Subject(Side.CANDIDATE, 0)
    grading = sandbox._mark.grading
    own_bench.start(candidate, Subject(Side.REFERENCE, 0))
    sandbox.pause([candidate])
    stops = [threading.Thread(target=sandbox.stop) for _ in range(3)]
    for stop in stops:
        stop.start()
    for stop in stops:
        stop.join()
    sandbox.stop()
    assert left_by(engine, grading) == (0, 0)
    with pytest.raises(SandboxFailed):
        sandbox.restart([candidate], 1)
    assert left_by(engine, grading) == (0, 0)


def test_stop_works_while_the_interpreter_is_on_its_way_out(engine, image, staged, new_id):
    grading = new_id()
    process = start_another_grading(image, staged, grading)
    process.communicate("stop on the way out\n")
    assert process.returncode == 0
    assert left_by(engine, grading) == (0, 0)


@pytest.mark.parametrize("delay_sec", [0.0, 0.02, 0.1, 0.3])
def test_stop_also_removes_what_a_restart_is_just_making(own_bench, engine, delay_sec):
    subjects = [Subject(side, launch) for launch in range(2) for side in Side]
    failed = []

    def restart(some):
        try:
            own_bench.sandbox.restart(some, 1)
        except HarnessError as error:
            failed.append(error)

    restarts = [threading.Thread(target=restart, args=(some,)) for some in (subjects, [Subject(Side.CANDIDATE, 9)])]
    for thread in restarts:
        thread.start()
    time.sleep(delay_sec)
    own_bench.sandbox.stop()
    assert left_by(engine, own_bench.sandbox._mark.grading) == (0, 0)
    for thread in restarts:
        thread.join()
    assert left_by(engine, own_bench.sandbox._mark.grading) == (0, 0)


def test_a_start_that_failed_is_stopped_like_any_other(docker_sandbox, engine, staged, tmp_path):
    broken = tmp_path / "solution.py"
    broken.symlink_to("/etc/passwd")
    sandbox = docker_sandbox(staged=type(staged)(tmp_path, staged.reference, staged.driver, staged.grading))
    with pytest.raises(SandboxFailed, match="neither a file nor a folder"):
        sandbox.start()
    sandbox.stop()
    assert left_by(engine, sandbox._mark.grading) == (0, 0)


def _wait_for_the_end_of(pid):
    """Wait until `pid` is dead, reaped or not."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError("it still runs")
