"""The kernel's accounting files, as both versions of cgroups and the engine write them."""

from dataclasses import asdict
from pathlib import Path

import pytest

from harness.sandbox.account import Account, account_of_engine, account_v1, account_v2, keyed, number
from harness.sandbox.cgroup import Cgroup, find_cgroup

MIB = 1024**2
CONTAINER = "0f4c1f82247f" * 5 + "0123"

V1 = {
    "cpuacct/cpuacct.usage": "1250000000\n",
    "cpu/cpu.stat": "nr_periods 10\nnr_throttled 2\nthrottled_time 30000000\nwait_sum 5\n",
    "memory/memory.usage_in_bytes": f"{100 * MIB}\n",
    "memory/memory.max_usage_in_bytes": f"{160 * MIB}\n",
    "memory/memory.stat": f"inactive_file 7\ntotal_inactive_file {20 * MIB}\ntotal_active_file {10 * MIB}\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "freezer/freezer.state": "FROZEN\n",
    "freezer/cgroup.procs": "100\n101\n",
    "freezer/tasks": "100\n101\n102\n103\n104\n",
    "blkio/blkio.throttle.io_service_bytes_recursive": (
        f"254:0 Read {5 * MIB}\n254:0 Write 77\n254:0 Total 99\n8:0 Read {2 * MIB}\nTotal 123\n"
    ),
}
V2 = {
    "cpu.stat": "usage_usec 1250000\nuser_usec 1000000\nsystem_usec 250000\nnr_periods 10\nthrottled_usec 30000\n",
    "memory.current": f"{100 * MIB}\n",
    "memory.peak": f"{160 * MIB}\n",
    "memory.stat": f"anon {60 * MIB}\ninactive_file {20 * MIB}\nactive_file {10 * MIB}\n",
    "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n",
    "cgroup.events": "populated 1\nfrozen 1\n",
    "cgroup.procs": "100\n101\n",
    "cgroup.threads": "100\n101\n102\n103\n104\n",
    "io.stat": f"254:0 rbytes={5 * MIB} wbytes=77 rios=9 wios=1 dbytes=0 dios=0\n8:0 rbytes={2 * MIB} wbytes=0\n",
}
BOTH = Account(1.25, 70.0, 160.0, 0.03, oom_kills=1, frozen=True, processes=2, file_mb=30.0, tasks=5, read_mb=7.0)


@pytest.mark.parametrize(("read", "files"), [(account_v1, V1), (account_v2, V2)], ids=["v1", "v2"])
def test_both_versions_say_the_same(read, files):
    assert read(files) == BOTH


@pytest.mark.parametrize(("read", "files"), [(account_v1, V1), (account_v2, V2)], ids=["v1", "v2"])
def test_what_is_missing_is_none_and_harms_nothing_else(read, files):
    for name in files:
        account = asdict(read({other: text for other, text in files.items() if other != name}))
        changed = {key: account[key] for key, value in asdict(BOTH).items() if account[key] != value}
        assert set(changed.values()) == ({100.0, None} if name.endswith("memory.stat") else {None})
        assert len(changed) == (2 if name.endswith(("cpu.stat", "memory.stat")) and name != "cpu/cpu.stat" else 1)
    assert read({}) == Account()


@pytest.mark.parametrize(("read", "change", "frozen"), [
    (account_v1, V1 | {"freezer/freezer.state": "THAWED\n"}, False),
    (account_v1, V1 | {"freezer/freezer.state": "FREEZING\n"}, False),
    (account_v2, V2 | {"cgroup.events": "populated 1\nfrozen 0\n"}, False),
], ids=["thawed", "freezing", "v2 thawed"])  # fmt: skip
def test_only_what_is_wholly_frozen_is_frozen(read, change, frozen):
    assert read(change).frozen is frozen


def test_what_nobody_counts_was_not_read():
    assert account_v1({"blkio/blkio.throttle.io_service_bytes_recursive": "Total 0\n"}).read_mb is None
    assert account_v2({"io.stat": ""}).read_mb == 0.0


def test_memory_is_never_below_nothing():
    files = V2 | {"memory.current": "4096\n"}
    assert account_v2(files).memory_mb == 0.0


def test_the_engines_answer_is_read_for_both_versions():
    cpu = {"cpu_usage": {"total_usage": 1250000000}, "throttling_data": {"throttled_time": 30000000}}
    v1 = {"usage": 100 * MIB, "max_usage": 160 * MIB,
          "stats": {"total_inactive_file": 20 * MIB, "total_active_file": 10 * MIB, "inactive_file": 1}}  # fmt: skip
    v2 = {"usage": 100 * MIB, "stats": {"inactive_file": 20 * MIB, "active_file": 10 * MIB}}
    assert account_of_engine({"cpu_stats": cpu, "memory_stats": v1}) == Account(1.25, 70.0, 160.0, 0.03, file_mb=30.0)
    assert account_of_engine({"cpu_stats": cpu, "memory_stats": v2}) == Account(1.25, 70.0, None, 0.03, file_mb=30.0)


def test_the_engines_answer_for_what_has_ended_is_nothing():
    ended = {"cpu_stats": {"cpu_usage": {"total_usage": 0}, "throttling_data": {}}, "memory_stats": {}}
    assert account_of_engine(ended) == Account(cpu_sec=0.0)
    assert account_of_engine({}) == Account()


def test_numbers_are_read_and_anything_else_is_not():
    assert number("12\n") == 12
    assert [number(text) for text in (None, "", "max\n", "-1", "1 2")] == [None] * 5
    assert keyed("a 1\nb max\nc\nd 1 2\n\ne 5") == {"a": 1, "e": 5}


@pytest.mark.parametrize("place", [f"docker/{CONTAINER}", f"system.slice/docker-{CONTAINER}.scope"])
@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)], ids=["v1", "v2"])
def test_a_group_is_found_wherever_the_engine_puts_it(tmp_path, place, version, files):
    for name, text in files.items():
        path = tmp_path / Path(name).parent / place / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    group = find_cgroup(CONTAINER, tmp_path)
    assert group.version == version
    assert group.read() == BOTH
    assert find_cgroup("0" * 64, tmp_path) is None


def test_a_group_that_is_gone_says_nothing(tmp_path):
    assert Cgroup(2, {"cpu.stat": tmp_path / "cpu.stat"}).read() is None
