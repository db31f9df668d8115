"""The Docker sandbox against a real engine: confinement, freezing, fresh starts, accounting."""

import errno
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.docker_leftovers import GRADING_LABEL
from harness.sandbox.roles import Limits, Side, State, Subject

pytestmark = pytest.mark.docker

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)

PAUSE_SEC = 0.4


def test_roles_speak_over_their_sockets(bench):
    bench.start(CANDIDATE, REFERENCE, hash_seed=77)
    assert bench.ask(CANDIDATE, "who") == "candidate"
    assert bench.ask(REFERENCE, "who") == "reference"
    assert bench.ask(CANDIDATE, "hash_seed") == "77"


def test_a_subject_is_confined(bench):
    bench.start(CANDIDATE)
    assert bench.ask(CANDIDATE, "identity") == [10001, 10001, "subject"]
    assert bench.ask(CANDIDATE, "interfaces") == ["lo"]
    status = dict(line.split(":\t", 1) for line in bench.ask(CANDIDATE, "status").splitlines() if ":\t" in line)
    assert {int(status[caps], 16) for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    mib = 1024**2
    assert bench.ask(CANDIDATE, "limits")[:3] == [[256, 256], [0, 0], [4 * mib, 4 * mib]]
    assert bench.ask(CANDIDATE, "fork_until_refused", 100) < 16
    assert not bench.ask(CANDIDATE, "exists", "/var/run/docker.sock")
    assert not bench.ask(CANDIDATE, "exists", "/grading/test_behaviour.py")


def test_a_subject_reaches_itself_and_nobody_else(bench):
    bench.start(CANDIDATE, REFERENCE)
    networks = {bench.ask(subject, "network") for subject in (CANDIDATE, REFERENCE)}
    assert len({*networks, str(Path("/proc/self/ns/net").readlink())}) == 3
    assert bench.ask(CANDIDATE, "reach", "127.0.0.1") is None
    assert bench.ask(CANDIDATE, "reach", "192.0.2.1") == errno.ENETUNREACH
    assert bench.ask(CANDIDATE, "reach", "localhost") == socket.EAI_AGAIN  # the specs say so


def test_a_subject_sees_only_its_own_environment(bench):
    bench.start(CANDIDATE)
    environment = bench.ask(CANDIDATE, "environment")
    ours = {name: value for name, value in environment.items() if name.startswith(("TAKEHOME", "PYTHON"))}
    ours.pop("PYTHONPATH")
    assert ours == {
        "TAKEHOME_SOCKET": "/sockets/0.sock",
        "TAKEHOME_SUBMISSION": "/submission",
        "TAKEHOME_DRIVER": "/driver",
        "PYTHONHASHSEED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_nothing_but_tmpfs_can_be_written(bench):
    bench.start(CANDIDATE)
    for folder in ("", "/submission", "/driver", "/sockets", "/opt/takehome", "/var/tmp", "/etc"):
        assert "Read-only file system" in bench.raw_ask(CANDIDATE, "write", f"{folder}/x", 1)["error"]


def test_tmpfs_is_small_and_holds_no_programs(bench):
    bench.start(CANDIDATE)
    bench.ask(CANDIDATE, "write", "/tmp/fits", 3 * 1024**2)
    assert "No space left" in bench.raw_ask(CANDIDATE, "write", "/tmp/more", 2 * 1024**2)["error"]
    mounts = bench.ask(CANDIDATE, "mounts").splitlines()
    [options] = [set(line.split()[3].split(",")) for line in mounts if line.split()[1] == "/tmp"]
    assert {"noexec", "nosuid", "nodev"} <= options


def test_a_flood_of_output_fills_no_disk(bench, engine):
    bench.start(CANDIDATE)
    bench.ask(CANDIDATE, "flood", 4)
    ours = engine.containers.list(filters={"label": f"{GRADING_LABEL}={bench.sandbox._mark.grading}"})
    newest, grader = ours[0], ours[-1]
    assert 0 < len(newest.logs()) <= 64 * 1024
    assert grader.attrs["HostConfig"]["LogConfig"]["Type"] == "none"


def test_the_grader_reads_source_and_hidden_checks_but_cannot_change_them(bench):
    assert bench.relay("read", "/submission/parts/notes.txt") == "deep"
    assert bench.relay("read", "/grading/test_behaviour.py") == "# secret\n"
    assert bench.relay("stat", "/submission/solution.py") == ["0o100444", 0]
    assert bench.relay("stat", "/submission/parts") == ["0o40555", 0]
    assert "10000" in bench.relay("read", "/proc/self/status")


def test_subjects_run_on_the_same_cores_and_the_grader_may_look_at_them(bench):
    bench.start(CANDIDATE, REFERENCE)
    mine = bench.ask(CANDIDATE, "cores")
    assert mine == bench.ask(REFERENCE, "cores")
    status = bench.relay("read", "/proc/self/status")
    [allowed] = [line.split()[1] for line in status.splitlines() if line.startswith("Cpus_allowed_list")]
    assert allowed in {"0", f"0-{mine[0]}", f"0,{mine[0]}"}


@pytest.mark.parametrize("waker", ["watch", "wake_by_timer"])
def test_a_paused_subject_does_nothing(bench, waker):
    bench.start(CANDIDATE)
    bench.ask(CANDIDATE, waker)
    bench.ask(CANDIDATE, "watch")
    bench.sandbox.pause([CANDIDATE])
    [before] = bench.sandbox.stats([CANDIDATE])
    time.sleep(PAUSE_SEC)
    [after] = bench.sandbox.stats([CANDIDATE])
    bench.sandbox.resume([CANDIDATE])
    assert before.state is after.state is State.PAUSED
    assert after.cpu_sec == before.cpu_sec
    assert bench.longest_gap(CANDIDATE, PAUSE_SEC) >= PAUSE_SEC
    assert bench.sandbox.stats([CANDIDATE])[0].state is State.RUNNING


def test_pausing_twice_and_resuming_the_running_changes_nothing(bench):
    bench.start(CANDIDATE)
    bench.sandbox.resume([CANDIDATE])
    bench.sandbox.pause([CANDIDATE])
    bench.sandbox.pause([CANDIDATE])
    assert bench.sandbox.stats([CANDIDATE])[0].state is State.PAUSED
    bench.sandbox.resume([CANDIDATE])
    assert bench.ask(CANDIDATE, "who") == "candidate"


def test_a_restart_begins_afresh(bench):
    bench.start(CANDIDATE)
    bench.ask(CANDIDATE, "write", "/tmp/remembered", 10)
    bench.ask(CANDIDATE, "stray", True)
    assert bench.ask(CANDIDATE, "processes") == 3
    bench.ask(CANDIDATE, "spin", 0.3)
    bench.sandbox.pause([CANDIDATE])
    bench.start(CANDIDATE, hash_seed=2)
    assert bench.ask(CANDIDATE, "hash_seed") == "2"
    assert not bench.ask(CANDIDATE, "exists", "/tmp/remembered")
    assert bench.ask(CANDIDATE, "processes") == 2
    assert bench.sandbox.stats([CANDIDATE])[0].cpu_sec < 0.3


def test_stats_tell_what_was_used(bench):
    bench.start(CANDIDATE)
    [before] = bench.sandbox.stats([CANDIDATE])
    bench.ask(CANDIDATE, "spin", 0.25)
    bench.ask(CANDIDATE, "touch", 41)  # a page that was held before may be given back meanwhile
    [after] = bench.sandbox.stats([CANDIDATE])
    assert after.state is State.RUNNING
    assert 0.25 <= after.cpu_sec - before.cpu_sec < 1.0
    assert after.memory_peak_mb - before.memory_mb >= 40
    assert after.memory_mb - before.memory_mb < 10
    assert after.throttled_sec == 0.0
    bench.ask(CANDIDATE, "eat", 20)
    assert 19 <= bench.sandbox.stats([CANDIDATE])[0].memory_mb - after.memory_mb <= 24


def test_the_engine_answers_where_its_cgroups_are_out_of_reach(bench, monkeypatch):
    monkeypatch.setattr("harness.sandbox.docker_subject.find_cgroup", lambda container: None)
    bench.start(CANDIDATE)
    bench.ask(CANDIDATE, "spin", 0.25)
    bench.ask(CANDIDATE, "eat", 20)
    [stats] = bench.sandbox.stats([CANDIDATE])
    assert stats.state is State.RUNNING
    assert 0.25 <= stats.cpu_sec < 2.0
    assert 20 <= stats.memory_mb < 60
    bench.sandbox.pause([CANDIDATE])
    assert bench.sandbox.stats([CANDIDATE])[0].state is State.PAUSED
    bench.sandbox.resume([CANDIDATE])
    bench.raw_ask(CANDIDATE, "leave", 3)
    assert _ended(bench).exit_code == 3


@pytest.mark.parametrize(("how", "exit_code", "signum"), [
    (("leave", 0), 0, None), (("leave", 7), 7, None),
    (("kill", signal.SIGKILL), None, signal.SIGKILL), (("kill", signal.SIGSEGV), None, signal.SIGSEGV),
])  # fmt: skip
def test_stats_tell_how_a_subject_ended_as_soon_as_it_did(bench, how, exit_code, signum):
    bench.start(CANDIDATE)
    assert bench.raw_ask(CANDIDATE, *how) == {"gone": True}
    time.sleep(0.002)  # the socket closes a moment before the kernel counts the process as gone
    [stats] = bench.sandbox.stats([CANDIDATE])
    assert (stats.state, stats.exit_code, stats.signal) == (State.EXITED, exit_code, signum)
    assert not stats.oom_killed


def test_threads_are_counted_beside_processes(bench):
    bench.start(CANDIDATE)
    before = bench.sandbox.stats([CANDIDATE])[0]
    bench.ask(CANDIDATE, "start_threads", 3)
    after = bench.sandbox.stats([CANDIDATE])[0]
    assert (after.processes, after.tasks) == (before.processes, before.tasks + 3)


def test_stats_that_are_read_all_the_time_see_processes_come_and_go(bench):
    bench.start(CANDIDATE)

    def count():
        counted = {bench.sandbox.stats([CANDIDATE])[0].processes for _ in range(20)}
        assert len(counted) == 1, counted
        return counted.pop()

    before = count()
    child = bench.ask(CANDIDATE, "stray", False)
    assert count() == before + 1
    bench.ask(CANDIDATE, "send", child, signal.SIGKILL)
    time.sleep(0.05)
    assert count() == before
    bench.raw_ask(CANDIDATE, "leave", 7)
    assert _ended(bench).exit_code == 7


def test_stats_tell_of_a_subject_that_ran_out_of_memory(bench):
    bench.start(CANDIDATE)
    assert bench.raw_ask(CANDIDATE, "eat", 200) == {"gone": True}
    assert bench.sandbox.stats([CANDIDATE])[0].oom_killed
    stats = _ended(bench)
    assert (stats.signal, stats.oom_killed, stats.memory_peak_mb) == (signal.SIGKILL, True, 96.0)


def test_stats_tell_of_a_child_that_ran_out_of_memory(bench):
    bench.start(CANDIDATE)
    assert bench.ask(CANDIDATE, "feed_to_death", 200) == -signal.SIGKILL
    [stats] = bench.sandbox.stats([CANDIDATE])
    assert (stats.state, stats.oom_killed) == (State.RUNNING, True)


def test_a_subject_that_ended_can_be_paused_and_resumed_without_effect(bench):
    bench.start(CANDIDATE, REFERENCE)
    bench.raw_ask(CANDIDATE, "leave", 1)
    bench.sandbox.pause([CANDIDATE, REFERENCE])
    bench.sandbox.resume([CANDIDATE, REFERENCE])
    assert _ended(bench).exit_code == 1
    assert bench.ask(REFERENCE, "who") == "reference"


@pytest.mark.parametrize("request_", ["pause", "resume", "stats"])
def test_a_subject_never_started_is_our_fault(bench, request_):
    with pytest.raises(SandboxFailed, match="never started: reference-4"):
        getattr(bench.sandbox, request_)([Subject(Side.REFERENCE, 4)])


@pytest.mark.parametrize("freezes", ["by file", "by engine"])
def test_a_hand_over_reads_who_changes_while_frozen(bench, monkeypatch, freezes):
    if freezes == "by engine":
        monkeypatch.setattr("harness.sandbox.cgroup.freezer_v1", lambda group: None)
        monkeypatch.setattr("harness.sandbox.cgroup.freezer_v2", lambda group: None)
    bench.start(CANDIDATE, REFERENCE)
    bench.sandbox.hand_over([REFERENCE], [])
    seen = bench.sandbox.hand_over([CANDIDATE], [REFERENCE], [REFERENCE, CANDIDATE])
    assert [stats.state for stats in seen] == [State.PAUSED, State.PAUSED]
    now = bench.sandbox.stats([REFERENCE, CANDIDATE])
    assert [stats.state for stats in now] == [State.RUNNING, State.PAUSED]
    assert bench.ask(REFERENCE, "who") == "reference"


def test_many_subjects_are_started_and_frozen_at_once(bench):
    subjects = [Subject(side, launch) for launch in range(5) for side in Side]
    bench.start(*subjects)
    bench.sandbox.pause(subjects)
    assert {stats.state for stats in bench.sandbox.stats(subjects)} == {State.PAUSED}
    bench.sandbox.resume(subjects)
    assert [bench.ask(subject, "who") for subject in subjects] == [subject.side.value for subject in subjects]


def test_a_real_disk_outlives_restarts_and_is_read_by_the_grader(docker_sandbox, bench_over):
    limits = Limits(memory_mb=96, pids=16, tmpfs_mb=4, disk_mb=20)
    bench = bench_over(docker_sandbox(limits=limits))
    bench.start(CANDIDATE, REFERENCE)
    bench.ask(CANDIDATE, "write", "/data/kept", 12 * 1024**2)
    bench.start(CANDIDATE, hash_seed=2)
    assert bench.ask(CANDIDATE, "exists", "/data/kept")
    assert not bench.ask(REFERENCE, "exists", "/data/kept")
    assert "File too large" in bench.raw_ask(CANDIDATE, "write", "/data/more", 21 * 1024**2)["error"]
    mounts = bench.ask(CANDIDATE, "mounts").splitlines()
    assert "tmpfs" not in next(line for line in mounts if line.split()[1] == "/data")
    assert bench.relay("stat", "/data/candidate/kept") == ["0o100644", 10001]
    with pytest.raises(AssertionError, match="Read-only"):
        bench.relay("unlink", "/data/candidate/kept")
    before = bench.sandbox.stats([CANDIDATE])[0]
    bench.relay("forget", "/data/candidate/kept")
    bench.ask(CANDIDATE, "length", "/data/kept")
    after = bench.sandbox.stats([CANDIDATE])[0]
    assert 11 < after.file_mb - before.file_mb < 15
    assert after.read_mb is None or 11 < after.read_mb - (before.read_mb or 0.0) < 15


def test_an_image_that_is_not_there_is_our_fault(docker_sandbox):
    sandbox = docker_sandbox(image="takehome:no-such-image")
    with pytest.raises(SandboxFailed, match="no-such-image"):
        sandbox.start()


def test_stop_wakes_whoever_reads(own_bench):
    ended = []
    reader = threading.Thread(target=lambda: ended.append(own_bench.stream.read(10)))
    reader.start()
    own_bench.sandbox.stop()
    reader.join(5)
    assert ended == [b""]


def test_the_log_is_what_the_grader_printed_and_how_it_ended(own_bench):
    own_bench.stream.write(b'["die", 3]\n')
    assert own_bench.stream.read(10) == b""
    deadline = time.monotonic() + 5
    while "ended" not in own_bench.sandbox.grader_log() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert own_bench.sandbox.grader_log() == "relay is up\nrelay dies\nthe grader ended with exit code 3"


def _ended(bench):
    """Wait until the engine has noticed that the candidate ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        [stats] = bench.sandbox.stats([CANDIDATE])
        if stats.state is State.EXITED:
            return stats
        time.sleep(0.01)
    raise AssertionError("it still runs")
