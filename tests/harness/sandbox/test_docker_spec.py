"""What a container may do, as data: candidate and reference are equal in everything but what they solve."""

from dataclasses import replace

from harness.sandbox.commands import role_commands
from harness.sandbox.cores import Cores
from harness.sandbox.docker_leftovers import GRADING_LABEL, OWNER_LABEL, Mark
from harness.sandbox.docker_spec import Setup, grader_spec, stager_spec, subject_spec
from harness.sandbox.docker_volumes import Volumes
from harness.sandbox.doors import doors
from harness.sandbox.roles import Limits, Side, Subject

SETUP = Setup(
    Volumes(Mark("g1", "me")),
    Limits(memory_mb=100, pids=20, tmpfs_mb=8, shm_mb=3, open_files=300),
    Cores((1,), (0,)),
    role_commands("python3"),
)


def spec(side, launch=0, hash_seed=5):
    subject = Subject(side, launch)
    return subject_spec(SETUP, side, doors([subject])[subject], hash_seed)


def test_the_two_sides_differ_in_their_solution_and_their_sockets_alone():
    ours, theirs = spec(Side.CANDIDATE), spec(Side.REFERENCE)
    assert ours.container == theirs.container
    assert {key for key in ours.host if ours.host[key] != theirs.host[key]} == {"mounts"}
    differing = [(a, b) for a, b in zip(ours.host["mounts"], theirs.host["mounts"], strict=True) if a != b]
    assert [(a["Target"], a["Source"], b["Source"]) for a, b in differing] == [
        ("/submission", "takehome-g1-candidate-solution", "takehome-g1-reference-solution"),
        ("/sockets", "takehome-g1-candidate-sockets", "takehome-g1-reference-sockets"),
    ]


def test_nothing_tells_which_launch_it_is():
    first, later = (spec(Side.CANDIDATE, launch) for launch in (0, 9))
    assert first == later
    assert first.container["environment"]["TAKEHOME_SOCKET"] == "/sockets/0.sock"


def test_a_subject_writes_to_no_volume_and_has_no_folder_of_the_host():
    for mount in spec(Side.CANDIDATE).host["mounts"]:
        assert mount["Type"] == "volume"
        assert mount["ReadOnly"]
        assert mount["VolumeOptions"] == {"NoCopy": True, "Labels": {GRADING_LABEL: "g1", OWNER_LABEL: "me"}}


def test_the_grader_writes_to_the_sockets_alone():
    mounts = grader_spec(SETUP).host["mounts"]
    writable = {mount["Target"] for mount in mounts if not mount["ReadOnly"]}
    assert writable == {"/sockets/candidate", "/sockets/reference"}
    assert {mount["Type"] for mount in mounts} == {"volume"}


def test_a_real_disk_is_its_own_sides_to_write_and_the_graders_to_read():
    setup = replace(SETUP, limits=replace(SETUP.limits, disk_mb=40))
    for side in Side:
        subject = subject_spec(setup, side, "0.sock", 5)
        [disk] = [mount for mount in subject.host["mounts"] if not mount["ReadOnly"]]
        assert (disk["Target"], disk["Source"]) == ("/data", f"takehome-g1-{side.value}-disk")
        assert subject.container["environment"]["TAKEHOME_DISK"] == "/data"
        assert {limit["Name"]: limit["Hard"] for limit in subject.host["ulimits"]}["fsize"] == 40 * 1024**2
    mounts = {mount["Target"]: mount for mount in grader_spec(setup).host["mounts"]}
    assert mounts["/data/candidate"]["ReadOnly"]
    assert mounts["/data/reference"]["ReadOnly"]
    stage = {mount["Target"] for mount in stager_spec(setup).host["mounts"]}
    assert {"/stage/takehome-g1-candidate-disk", "/stage/takehome-g1-reference-disk"} <= stage


def test_limits_and_cores_reach_the_container():
    subject, grader = spec(Side.CANDIDATE).host, grader_spec(SETUP).host
    assert (subject["mem_limit"], subject["memswap_limit"], subject["pids_limit"]) == (100 * 1024**2, 100 * 1024**2, 20)
    assert (subject["cpuset_cpus"], grader["cpuset_cpus"]) == ("1", "0,1")
    assert "size=8m" in subject["tmpfs"]["/tmp"]
    assert subject["shm_size"] == 3 * 1024**2
    assert {limit["Name"]: limit["Hard"] for limit in subject["ulimits"]}["nofile"] == 300


def test_every_role_has_no_network_and_no_privilege():
    for role in (spec(Side.CANDIDATE), spec(Side.REFERENCE), grader_spec(SETUP)):
        host = role.host
        assert (role.container["network_disabled"], host["network_mode"]) == (True, "none")
        assert host["cap_drop"] == ["ALL"]
        assert host["security_opt"] == ["no-new-privileges:true"]
        assert (host["read_only"], host["init"], host["ipc_mode"]) == (True, True, "private")
    assert stager_spec(SETUP).host["network_mode"] == "none"


def test_reads_are_counted_where_there_is_a_disk_and_its_device_is_known():
    for disk_mb, device, counted in ((20, "/dev/vda", True), (20, None, False), (0, "/dev/vda", False)):
        setup = replace(SETUP, limits=replace(SETUP.limits, disk_mb=disk_mb), counted_device=device)
        host = subject_spec(setup, Side.CANDIDATE, "0.sock", 5).host
        assert [each["Path"] for each in host.get("device_read_bps", ())] == (["/dev/vda"] if counted else [])
