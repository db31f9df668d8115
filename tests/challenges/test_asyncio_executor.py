"""The asyncio executor's own grading code: its oracle, how it hears hostile lines, its clock, and its SPEC.md."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harness.sandbox.roles import State, Stats
from harness.unforeseen import Unforeseen
from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import, driver_beside, importing_from

FOLDER = CHALLENGES / "asyncio-executor"
SPEC = (FOLDER / "SPEC.md").read_text(encoding="utf-8")
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def grading() -> Iterator[Import]:
    with importing_from(FOLDER / "grading") as import_:
        yield import_


@pytest.fixture(scope="module")
def driver() -> ModuleType:
    return driver_beside("asyncio-executor", SOLUTIONS / "asyncio-executor" / "reference")


class FakeFlight:
    """Calls that never land."""

    def start(self, function: str, *args: object) -> int:
        return 1

    def wait(self, timeout_sec: float) -> list[Any]:
        return []


@pytest.fixture
def stage(grading: Import, tmp_path: Path) -> Iterator[Any]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "meet"))
        listener.listen()
        listener.setblocking(False)
        stage = grading("stage").Stage(listener, "meet", FakeFlight(), lambda: Stats(State.RUNNING, processes=7))
        yield stage
        stage.close()


def guest(tmp_path: Path, **hello: object) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(tmp_path / "meet"))
    if hello:
        connection.sendall(json.dumps(hello).encode() + b"\n")
    return connection


# ---- the oracle


@pytest.fixture(scope="module")
def puzzle(grading: Import) -> Any:
    return grading("oracle").Puzzle(Unforeseen(1))


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 7, 100, 1_023])
def test_the_oracle_jumps_to_where_the_driver_walks(puzzle: Any, driver: ModuleType, rounds: int) -> None:
    for number in range(3):
        value = puzzle.value(Unforeseen(number))
        assert puzzle.worked(value, rounds) == driver.jobs.work(value, puzzle.modulus, rounds)


def test_a_modulus_is_another_each_time_and_has_all_its_bits(grading: Import) -> None:
    moduli = [grading("oracle").Puzzle(Unforeseen(number)).modulus for number in range(3)]
    assert len(set(moduli)) == 3
    assert {modulus.bit_length() for modulus in moduli} == {2 * grading("oracle").PRIME_BITS}


def test_a_mix_is_as_large_as_told_and_replays(grading: Import, puzzle: Any) -> None:
    workload = grading("workload")
    jobs, results = workload.mix(Random(1), puzzle, workload.CRASH_JOBS)
    assert (jobs, results) == workload.mix(Random(1), puzzle, workload.CRASH_JOBS)
    assert jobs != workload.mix(Random(2), puzzle, workload.CRASH_JOBS)[0]
    kinds = [kind for kind, _, _ in jobs]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    told = re.search(
        r"is (\d+) `io` jobs of (\d+) ms, (\d+) `blocking` jobs of (\d+) ms, (\d+) `cpu` jobs .*?, (\d+) `nested` jobs "
        r"of three jobs each.*?(\d+) `crash` jobs",
        SPEC,
        re.DOTALL,
    )
    assert told is not None
    assert list(map(int, told.groups())) == [
        counts["io"],
        round(workload.IO_WAIT_SEC * 1000),
        counts["blocking"],
        round(workload.BLOCKING_WAIT_SEC * 1000),
        counts["cpu"],
        counts["nested"],
        counts["crash"],
    ]


def test_a_mix_knows_its_results(grading: Import, puzzle: Any, driver: ModuleType) -> None:
    for (kind, name, args), result in zip(*grading("workload").mix(Random(3), puzzle), strict=True):
        if kind == "nested":
            of_cpu, calls = args
            assert result == sum(driver.jobs.work(*each) if of_cpu == "cpu" else each[0] for each in calls)
        else:
            assert result == (driver.jobs.work(*args) if name == "work" else args[0])


# ---- meeting jobs


def test_a_guest_is_here_from_its_hello_to_its_bye(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path, name="io-1", pid=5, thread=6, var="x") as connection:
        stage.until(lambda: "io-1" in stage.guests, "it should have arrived", 5)
        found = stage.guests["io-1"]
        assert (found.pid, found.thread, found.var, found.here) == (5, 6, "x", True)
        found.tell("return", 3)
        assert connection.recv(100) == b'["return", 3]\n'
        connection.sendall(b'{"bye": 1}\n')
        stage.until(lambda: not found.here, "it should have left", 5)
        assert found.closed_at is None
    stage.until(lambda: found.closed_at is not None, "its connection should have closed", 5)


def test_a_killed_guest_leaves_with_its_connection(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path, name="cpu-1"):
        stage.until(lambda: "cpu-1" in stage.guests, "it should have arrived", 5)
    stage.departure("cpu-1", "it should have left", 5)


def test_jobs_that_run_at_once_are_counted_by_lane(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path, name="io-1") as first, guest(tmp_path, name="io-2"), guest(tmp_path, name="cpu-1"):
        stage.until(lambda: len(stage.guests) == 3, "they should have arrived", 5)
        assert stage.most_here == {"io": 2, "cpu": 1}
        first.sendall(b'{"bye": 1}\n')
        with guest(tmp_path, name="io-3"):
            stage.until(lambda: "io-3" in stage.guests, "it should have arrived", 5)
    assert stage.most_here["io"] == 2, "what made room was said before, and counts first"


def test_a_job_is_known_by_the_name_that_was_drawn_for_it(stage: Any, tmp_path: Path) -> None:
    place, drawn = stage.invited("io-1")
    assert (place, "io-1" in drawn) == ("meet", False)
    with guest(tmp_path, name=drawn):
        stage.until(lambda: stage.here("io-") == ["io-1"], "it should have arrived", 5)


def test_a_job_that_says_its_number_lands(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path, name="io-1") as connection:
        stage.until(lambda: "io-1" in stage.guests, "it should have arrived", 5)
        ticket = stage.start_saying("io-1")
        command, number = json.loads(connection.recv(100))
        assert (command, stage.has_landed(ticket)) == ("say", False)
        connection.sendall(json.dumps({"said": number}).encode() + b"\n")
        assert stage.outcome(ticket, "it should have answered", 5) == number


@pytest.mark.parametrize(
    "line", [b'{"said": 5}', b'{"said": [1]}', b'{"bye": 1}\n{"did": 1}', b'{"bye": 1}\n{"bye": 1}']
)
def test_what_nobody_asked_for_is_a_failure(stage: Any, tmp_path: Path, line: bytes) -> None:
    with guest(tmp_path, name="io-1") as connection:
        connection.sendall(line + b"\n")
        with pytest.raises(AssertionError, match=r"not asked for|went on"):
            stage.settle(0.2)


# ---- at the door


class FakeLane:
    """Runs jobs in the order given, one at a time, each until it is told to end."""

    def __init__(self, *order: str) -> None:
        self.left = list(order)

    def here(self, _: str) -> list[str]:
        return self.left[:1]

    def until(self, is_so: Any, what: str) -> None:
        assert is_so(), what

    def finish(self, name: str) -> None:
        self.left.remove(name)

    def departure(self, name: str, what: str) -> None:
        assert name not in self.left, what


def test_jobs_in_their_order_pass_the_door(grading: Import) -> None:
    lane = FakeLane("io-1", "io-2", "io-3")
    grading("door").Door(lane, "ex", "io", 1, iter(())).demand_order(["io-1", "io-2", "io-3"], "a job ended")
    assert not lane.left


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (["io-2", "io-1"], "a job ended: of 2 jobs, .* number 1 ran when it was the turn of number 0"),
        (["io-9", "io-1", "io-2"], "number -1 ran"),
        (["io-1"], "every job should have run"),
    ],
)
def test_who_overtakes_or_is_lost_is_told(grading: Import, order: list[str], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        grading("door").Door(FakeLane(*order), "ex", "io", 1, iter(())).demand_order(["io-1", "io-2"], "a job ended")


# ---- the container's account


def test_processes_that_do_not_go_with_the_executor_were_not_its_own(grading: Import, stage: Any) -> None:
    accounts = grading("accounts")
    assert accounts.processes(stage) == [7]
    accounts.demand_own_processes(stage, 9, 2, "while two ran")
    accounts.demand_own_processes(stage, None, 2, "on a machine that does not tell")
    stage.until = lambda is_so, what: pytest.fail(what) if not is_so() else None
    with pytest.raises(pytest.fail.Exception, match="had 8 processes; 2 of them"):
        accounts.demand_own_processes(stage, 8, 2, "while two ran")


class FakeMix:
    """A mix that ends after so many looks at the container's processes."""

    def __init__(self, counts: list[int]) -> None:
        self.left = list(counts)
        self.looks = 0

    def start(self, function: str, *args: object) -> int:
        return 1

    def settle(self, seconds: float) -> None:
        pass

    def account(self) -> Stats:
        self.looks += 1
        return Stats(State.RUNNING, processes=self.left.pop(0))

    def has_landed(self, ticket: int) -> bool:
        return not self.left

    def outcome(self, ticket: int, what: str) -> list[object]:
        return []

    def started_at(self, ticket: int) -> float:
        return 0.0

    def landed_at(self, ticket: int) -> float:
        return 1.0


@pytest.mark.parametrize(("counts", "looks"), [([4, 9, 9], 1), ([3, 2, 4, 9], 3), ([2, 3, 2], 3)])
def test_processes_of_a_mix_are_counted_until_there_are_enough(grading: Import, counts: list[int], looks: int) -> None:
    mix = FakeMix(counts)
    assert grading("workload").mix_seconds(mix, [], [], 0.02, 4) == (1.0, counts[:looks])
    assert mix.looks == looks


def test_a_container_that_computes_on_does_not_rest(grading: Import, stage: Any) -> None:
    seconds = iter([0.0, 1.0, 2.0, 2.0])
    stage.account = lambda: Stats(State.RUNNING, cpu_sec=next(seconds))
    grading("accounts").demand_rest(stage, "it was stopped")
    seconds = iter(range(1_000))
    stage.settle = lambda: None
    with pytest.raises(AssertionError, match="it was stopped, and 6 s later"):
        grading("accounts").demand_rest(stage, "it was stopped")


def test_a_demand_is_made_on_one_launch(grading: Import) -> None:
    seen = set()
    for seed in range(60):
        made: list[tuple[int, str]] = []
        surprise = grading("surprise").Surprise(lambda side, _: made.append((number, side)))  # noqa: B023
        rng = Unforeseen(seed)
        for number in range(7):
            with surprise.around(SimpleNamespace(number=number, rng=rng, candidate="mine", reference="theirs")):
                made.append((number, "measured"))
        first = (made.index((number, "mine")) for number in range(7) if (number, "mine") in made)
        place = next(first)
        seen.add((made[place][0], made[place - 1][1] == "theirs"))
        assert [side for _, side in made].count("mine") == 1
    assert seen == {(number, first) for number in range(5) for first in (True, False)}


def test_a_job_that_runs_twice_is_a_failure(stage: Any, tmp_path: Path) -> None:
    with (
        guest(tmp_path, name="io-1"),
        guest(tmp_path, name="io-1"),
        pytest.raises(AssertionError, match="more than once"),
    ):
        stage.settle(0.2)


@pytest.mark.parametrize("line", [b"no json", b"[1]", b"3", b"\xff\xfe", b'"bye"'])
def test_what_the_driver_never_says_is_a_failure(stage: Any, tmp_path: Path, line: bytes) -> None:
    with guest(tmp_path) as connection:
        connection.sendall(line + b"\n")
        with pytest.raises(AssertionError, match="does not say"):
            stage.settle(0.2)


def test_an_endless_line_is_a_failure(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path) as connection:
        connection.setblocking(False)
        with pytest.raises(AssertionError, match="endless"):
            stage.until(lambda: said_more(connection), "it should have been stopped", 5)


def test_an_endless_talk_is_a_failure(stage: Any, tmp_path: Path) -> None:
    with guest(tmp_path, name="io-1") as connection:
        connection.setblocking(False)
        with pytest.raises(AssertionError, match="does not stop"):
            stage.until(lambda: said_more(connection, b'{"pulled": 1}\n' * 1_000), "it should have been stopped", 5)


def said_more(connection: socket.socket, what: bytes = b"x" * 16_384) -> bool:
    """Say as much as the socket takes, and never come to an end."""
    with contextlib.suppress(BlockingIOError):
        connection.send(what)
    return False


def test_patience_ends_with_the_sentence(stage: Any) -> None:
    with pytest.raises(AssertionError, match="a bell should have rung, and had not after"):
        stage.until(lambda: False, "a bell should have rung", 0.02)


@pytest.mark.parametrize(
    "answer", [None, [], 3, [3], ["value"], ["cancelled", 1], ["raised", "E"], ["odd"], {"value": 1}]
)
def test_outcomes_of_another_shape_are_failures(grading: Import, answer: object) -> None:
    with pytest.raises(AssertionError, match="shape"):
        grading("stage").shaped(answer)


def test_outcomes_are_read(grading: Import) -> None:
    for answer in (["value", None], ["cancelled"], ["raised", "E", [], "text", ["E"], []]):
        assert grading("stage").shaped(answer) is answer


# ---- the open loop


def test_calls_are_started_on_schedule_whatever_the_others_take(grading: Import) -> None:
    class Late:
        """Lands everything long after it was due."""

        def __init__(self) -> None:
            self.started = 0

        def start(self, number: int) -> int:
            self.started += 1
            return self.started

        def pump(self, seconds: float) -> None:
            pass

        def until(self, is_so: Any, what: str) -> None:
            assert is_so()

        def has_landed(self, ticket: int) -> bool:
            return True

        def landed_at(self, ticket: int) -> float:
            return 1e9

    late = Late()
    lags = grading("workload").open_loop(late, late.start, 0.0001, lambda: late.started >= 20)
    assert len(lags) == 20
    assert lags == sorted(lags, reverse=True), "each counts from when it was due"


# ---- SPEC.md


def rows(heading: str) -> list[list[str]]:
    section = SPEC.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_check_is_told() -> None:
    assert [row[0].strip("`") for row in rows("What is checked")] == [check["id"] for check in CHALLENGE["checks"]]


def test_every_bar_is_told_with_its_floor_and_thresholds(grading: Import) -> None:
    told = [
        (
            row[0].strip("`"),
            0.0 if row[2] == "none" else float(row[2].split()[0]),
            float(row[3][:-1]),
            float(row[4][:-1]),
        )
        for row in rows("What is measured")
    ]
    floors = grading("statistics_of_launches").FLOORS_SEC
    assert told == [
        (bar["id"], floors[bar["id"]] * 1000, bar["pass"], bar.get("distinction", 1.10)) for bar in CHALLENGE["bars"]
    ]


def test_limits_are_told(grading: Import) -> None:
    limits, stage = CHALLENGE["limits"], grading("stage")
    for text in (
        f"{limits['memory_mb']} MiB of memory",
        f"{limits['pids']} processes and threads",
        f"{limits['open_files']} open files",
        f"{limits['tmpfs_mb']} MiB of temp",
        f"has {stage.PATIENCE_SEC:g} s if nothing else is said",
        f"{grading('leftovers').CYCLES} executors",
        f"{grading('nesting').SUMS} nested jobs",
    ):
        assert text in SPEC, text
    roomy = grading("workload").ROOMY
    assert "io={io}, blocking={blocking}, cpu={cpu}, nested={nested}".format(**roomy) in SPEC


def test_the_interface_is_told_as_the_reference_has_it(driver: ModuleType) -> None:
    solution = driver.submission.solution
    limits = ", ".join(f"{name}={value}" for name, value in vars(solution.Limits()).items())
    assert f"`Limits({limits})`" in SPEC
    for name in ("ExecutorClosed", "WorkerCrashed", "RemoteError"):
        assert issubclass(getattr(solution, name), RuntimeError)
