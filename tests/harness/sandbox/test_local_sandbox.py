"""The sandbox without Docker, with real processes."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.commands import Commands
from harness.sandbox.cores import split_cores
from harness.sandbox.local_sandbox import LocalSandbox
from harness.sandbox.local_user import is_root
from harness.sandbox.roles import Isolation, Limits, Side, State, Subject

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)
REPOSITORY = Path(__file__).parents[3]

PIDS = 12

ANOTHER_GRADING = """
import sys
from pathlib import Path
from harness.sandbox.commands import Commands
from harness.sandbox.cores import Cores
from harness.sandbox.local_sandbox import LocalSandbox
from harness.sandbox.roles import Limits, Side, Staged, Subject

sleeper = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], " \\
    "start_new_session=True); time.sleep(60)"
commands = Commands(grader=(sys.executable, "-c", "input()"), subject=(sys.executable, "-c", sleeper))
sandbox = LocalSandbox(Staged(*map(Path, sys.argv[1:])), Limits(), Cores((0,), (0,)), commands)
sandbox.start()
sandbox.restart([Subject(Side.CANDIDATE, 0)], 1)
print(sandbox._folder.root, flush=True)
sys.stdin.readline()
sandbox.stop()
"""


@pytest.fixture(scope="module")
def local_sandbox(staged, programs):
    """Make sandboxes whose roles run small programs, and stop them when the module is done."""
    relay, worker = programs
    commands = Commands(grader=(sys.executable, "-c", relay), subject=(sys.executable, "-c", worker))
    cores = split_cores(sorted(os.sched_getaffinity(0)), 1)
    made = []

    def make(folders=staged):
        made.append(LocalSandbox(folders, Limits(memory_mb=64, pids=PIDS, tmpfs_mb=1), cores, commands))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.stop()


@pytest.fixture(scope="module")
def local(local_sandbox, bench_over):
    """Start a sandbox that the tests of this module share."""
    return bench_over(local_sandbox())


@pytest.fixture
def own_local(local_sandbox, bench_over):
    """Start a sandbox for a test that stops it, or spoils it otherwise."""
    return bench_over(local_sandbox())


def test_roles_speak_over_their_sockets(local):
    local.start(CANDIDATE, REFERENCE, hash_seed=77)
    assert local.ask(CANDIDATE, "who") == "candidate"
    assert local.ask(REFERENCE, "who") == "reference"
    assert local.ask(CANDIDATE, "hash_seed") == "77"
    assert local.relay("read", local.sandbox._folder.solution(Side.CANDIDATE).as_posix() + "/parts/notes.txt") == "deep"
    assert local.sandbox.isolation is Isolation.NONE


def test_a_subject_is_held_to_its_limits(local):
    local.start(CANDIDATE)
    mib = 1024**2
    nofile, core, fsize, nproc, space = local.ask(CANDIDATE, "limits")
    assert (nofile, core, fsize, space) == ([256] * 2, [0] * 2, [mib] * 2, [(64 + 512) * mib] * 2)
    assert nproc[0] == nproc[1] >= PIDS
    assert local.ask(CANDIDATE, "fork_until_refused", 10 * PIDS) <= PIDS
    assert "File too large" in local.raw_ask(CANDIDATE, "write", local.ask(CANDIDATE, "scratch", "x"), 2 * mib)["error"]
    assert "Cannot allocate memory" in local.raw_ask(CANDIDATE, "eat", 600)["error"]


@pytest.mark.skipif(not is_root(), reason="only root can make users")
def test_roots_subjects_are_users_of_their_own_who_cannot_touch_ours(local):
    local.start(CANDIDATE, REFERENCE)
    uids = [local.ask(subject, "identity")[0] for subject in (CANDIDATE, REFERENCE)]
    assert 0 not in uids
    assert len(set(uids)) == 2
    assert "PermissionError" in local.raw_ask(CANDIDATE, "send", os.getpid(), 0)["error"]
    assert "PermissionError" in local.raw_ask(CANDIDATE, "send", local.ask(REFERENCE, "pid"), 0)["error"]
    assert (
        "PermissionError"
        in local.raw_ask(CANDIDATE, "write", str(local.sandbox._folder.driver / "driver.py"), 1)["error"]
    )
    status = dict(line.split(":\t", 1) for line in local.ask(CANDIDATE, "status").splitlines() if ":\t" in line)
    assert int(status["CapPrm"], 16) in {0, 2, 4}
    assert status["NoNewPrivs"] == "1"


def test_a_paused_subject_stands_still(local):
    local.start(CANDIDATE)
    local.ask(CANDIDATE, "watch")
    local.sandbox.pause([CANDIDATE])
    [before] = local.sandbox.stats([CANDIDATE])
    time.sleep(0.3)
    [after] = local.sandbox.stats([CANDIDATE])
    local.sandbox.resume([CANDIDATE])
    assert before.state is after.state is State.PAUSED
    assert after.cpu_sec == before.cpu_sec
    assert local.longest_gap(CANDIDATE, 0.3) >= 0.3


def test_a_restart_ends_whatever_the_last_start_left(local):
    local.start(CANDIDATE)
    strays = [local.ask(CANDIDATE, "stray", own_session) for own_session in (False, True)]
    local.ask(CANDIDATE, "write", local.ask(CANDIDATE, "scratch", "remembered"), 10)
    strays.append(local.ask(CANDIDATE, "pid"))
    local.sandbox.pause([CANDIDATE])
    local.start(CANDIDATE, hash_seed=2)
    assert not any(_is_alive(pid) for pid in strays)
    assert not local.ask(CANDIDATE, "exists", local.ask(CANDIDATE, "scratch", "remembered"))
    assert local.ask(CANDIDATE, "hash_seed") == "2"


def test_stats_tell_what_was_used(local):
    local.start(CANDIDATE)
    [before] = local.sandbox.stats([CANDIDATE])
    local.ask(CANDIDATE, "spin", 0.2)
    local.ask(CANDIDATE, "touch", 30)
    [after] = local.sandbox.stats([CANDIDATE])
    assert after.state is State.RUNNING
    assert 0.2 <= after.cpu_sec - before.cpu_sec < 1.0
    assert after.memory_peak_mb - before.memory_mb >= 30
    assert after.memory_mb - before.memory_mb < 10
    assert after.throttled_sec is None


@pytest.mark.parametrize(("how", "exit_code", "signum"), [
    (("leave", 0), 0, None), (("leave", 7), 7, None), (("kill", signal.SIGKILL), None, signal.SIGKILL),
])  # fmt: skip
def test_stats_tell_how_a_subject_ended(local, how, exit_code, signum):
    local.start(CANDIDATE)
    assert local.raw_ask(CANDIDATE, *how) == {"gone": True}
    deadline = time.monotonic() + 5
    while (stats := local.sandbox.stats([CANDIDATE])[0]).state is not State.EXITED and time.monotonic() < deadline:
        time.sleep(0.005)
    assert (stats.state, stats.exit_code, stats.signal) == (State.EXITED, exit_code, signum)
    local.sandbox.pause([CANDIDATE])
    local.sandbox.resume([CANDIDATE])
    assert local.sandbox.stats([CANDIDATE])[0].state is State.EXITED


@pytest.mark.parametrize("request_", ["pause", "resume", "stats"])
def test_a_subject_never_started_is_our_fault(local, request_):
    with pytest.raises(SandboxFailed, match="never started: reference-4"):
        getattr(local.sandbox, request_)([Subject(Side.REFERENCE, 4)])


def test_stop_leaves_no_process_and_no_folder(own_local):
    own_local.start(CANDIDATE, REFERENCE)
    pids = [own_local.ask(CANDIDATE, "stray", True), own_local.ask(CANDIDATE, "pid"), own_local.ask(REFERENCE, "pid")]
    root = own_local.sandbox._folder.root
    stops = [threading.Thread(target=own_local.sandbox.stop) for _ in range(3)]
    for stop in stops:
        stop.start()
    for stop in stops:
        stop.join()
    assert not any(_is_alive(pid) for pid in pids)
    assert not root.exists()
    with pytest.raises(SandboxFailed):
        own_local.sandbox.restart([CANDIDATE], 1)


def test_the_log_is_what_the_grader_printed_and_how_it_ended(own_local):
    own_local.stream.write(b'["die", 3]\n')
    assert own_local.stream.read(10) == b""
    deadline = time.monotonic() + 5
    while "ended" not in own_local.sandbox.grader_log() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert own_local.sandbox.grader_log() == "relay is up\nrelay dies\nthe grader ended with exit code 3"


def test_a_killed_owner_takes_the_roles_with_it_and_the_next_start_sweeps_the_rest(staged, local_sandbox):
    process = _another_grading(staged)
    root = Path(process.stdout.readline().strip())
    mark = f"TAKEHOME_SANDBOX={root.name}:"
    deadline = time.monotonic() + 10
    while len(_commands(mark)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(_marked(mark)) == 3
    process.kill()
    process.communicate()
    while len(_marked(mark)) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(_marked(mark)) == 1
    another = local_sandbox()
    another.start()
    another.stop()
    assert root.name in another.swept
    assert not _marked(mark)
    assert not root.exists()


def test_a_grading_that_lives_is_never_swept(staged, local_sandbox):
    process = _another_grading(staged)
    root = Path(process.stdout.readline().strip())
    another = local_sandbox()
    another.start()
    another.stop()
    assert root.name not in another.swept
    assert root.exists()
    process.communicate("stop\n")
    assert process.returncode == 0
    assert not root.exists()


def test_a_link_among_what_was_staged_is_our_fault(staged, local_sandbox, tmp_path):
    (tmp_path / "solution.py").symlink_to("/etc/passwd")
    before = set(Path(tempfile.gettempdir()).glob("takehome-local-*"))
    sandbox = local_sandbox(type(staged)(tmp_path, staged.reference, staged.driver, staged.grading))
    with pytest.raises(SandboxFailed, match="neither a file nor a folder"):
        sandbox.start()
    sandbox.stop()
    assert set(Path(tempfile.gettempdir()).glob("takehome-local-*")) <= before


def _another_grading(staged):
    folders = [str(folder) for folder in (staged.submission, staged.reference, staged.driver, staged.grading)]
    return subprocess.Popen(
        [sys.executable, "-c", ANOTHER_GRADING, *folders],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip


def _marked(mark):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0{mark}".encode() in b"\0" + (folder / "environ").read_bytes() and _is_alive(int(folder.name)):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _commands(mark):
    """Give the command lines of those marked: one that was forked has its parent's until it is a program of its own."""
    lines = set()
    for pid in _marked(mark):
        with contextlib.suppress(OSError):
            lines.add(Path(f"/proc/{pid}/cmdline").read_bytes())
    return lines


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
