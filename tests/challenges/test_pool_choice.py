"""Hold the pool challenge's own code against what it must be: oracles, plan rules, replies, predictions, the server."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.outcome import Finished, TimedOut
from harness.sandbox.roles import State, Stats
from harness.unforeseen import Unforeseen
from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import, importing_from

HOME = CHALLENGES / "pool-choice"
SOUND = [SOLUTIONS / "pool-choice" / name for name in ("reference", "accepted/executors", "accepted/event-loop")]


@pytest.fixture(scope="module")
def grading() -> Iterator[Import]:
    with importing_from(HOME / "grading") as import_:
        yield import_


@pytest.fixture(scope="module")
def functions() -> Iterator[ModuleType]:
    """Import the public workloads, whose functions the driver has too."""
    with importing_from(HOME / "starter") as import_:
        yield import_("workloads")


# ---- the oracle


@pytest.mark.parametrize("rounds", [0, 1, 2, 1000])
def test_squarings_are_found_without_squaring(grading: Import, functions: ModuleType, rounds: int) -> None:
    rng = Random(rounds)
    for _ in range(20):
        made = grading("numbers_oracle").squaring(rng, rounds)
        assert functions.squarings(made.item) == made.answer
        x = rng.randrange(made.p * made.q)
        assert functions.squarings([x, made.p * made.q, rounds]) == grading("numbers_oracle").squared(
            x, made.p, made.q, rounds
        )


def test_factors_of_a_modulus_take_longer_to_find_than_what_they_save(grading: Import) -> None:
    """Pollard's rho takes about sqrt(p) steps, each dearer than a squaring; a batch is some ten million of those."""
    made = grading("numbers_oracle").squaring(Random(3), 1)
    assert min(made.p, made.q) ** 0.5 > 50 * 10_000_000


def test_mixing_agrees(grading: Import, functions: ModuleType) -> None:
    for number in (0, 1, 2**32 - 1, 123456789):
        assert grading("numbers_oracle").mixed(number) == functions.mixed(number)


def test_native_functions_agree(grading: Import, functions: ModuleType) -> None:
    oracle, rng = grading("numbers_oracle"), Random(2)
    data, big = rng.randbytes(5000), np.random.default_rng(1).random(5000)
    assert oracle.compressed(data) == functions.compressed(data)
    assert oracle.part_of_array(big, 10, 4000, 7) == functions.part_of_array((big, 10, 4000, 7))


def test_driver_and_starter_have_the_same_public_workloads() -> None:
    driver = _definitions(HOME / "driver/computing.py") | _definitions(HOME / "driver/workloads.py")
    starter = _definitions(HOME / "starter/workloads.py")
    shared = set(starter) - {"main"}
    assert {"PUBLIC", "KINDS", "Workload", "squarings", "processes"} <= shared
    in_driver = {name: driver.get(name, "").replace("    demand_unforked()\n", "") for name in shared}
    assert in_driver == {name: starter[name] for name in shared}


def _definitions(path: Path) -> dict[str, str]:
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = ast.unparse(node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = ast.unparse(node.value)
    return found


# ---- the driver, and what it hands to a submission

SERVED = """
import multiprocessing
import driver
from driver import functions
from looking import look

print(look(None))
for function in {each.__module__: each for each in functions.FUNCTIONS.values()}.values():
    with multiprocessing.Pool(1) as pool:
        print(pool.apply(look, [function]))
for name, function in functions.FUNCTIONS.items():
    names = (function.__name__, function.__qualname__, function.__code__.co_name)
    print(name, function.__module__, *names, function.__doc__)
held = [functions.FUNCTIONS["aloof"](number) for number in range(3)]
kept = [driver.results_kept()]
held.clear()
print(*kept, driver.results_kept())
print(functions.FUNCTIONS["asked_or_raise"].__code__.co_names)
print(*(functions.FUNCTIONS[name](item) for name, item in
    [("squarings", [5, 77, 3]), ("logged", [5, 77, 3]), ("naps", 0), ("raising", ["fine", 4]), ("whereabouts", 0)]))
"""

LOOKING = """
import sys

def look(function):
    return sorted({"solution", "driver", "driver.forks"} & set(sys.modules))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Load the driver twice, each in a process of its own, and give what was printed there."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "looking.py").write_text(LOOKING)
    environment = {"PYTHONPATH": f"{SOUND[0]}:{HOME}:{folder}", "TMPDIR": str(folder)}
    command = [sys.executable, "-B", "-c", SERVED]
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        for _ in range(2)
    ]
    return [run.stdout.splitlines() for run in runs]


def test_spawned_processes_find_functions_without_the_submission(served: list[list[str]]) -> None:
    for here, *spawned in served:
        assert here == "['driver', 'driver.forks', 'solution']"
        assert spawned[:4] == ["[]"] * 4, "one of each module"


def test_nothing_about_a_function_says_that_it_is_the_graders(served: list[list[str]], grading: Import) -> None:
    first, second = ([line.split() for line in lines[5:-3]] for lines in served)
    known = {name for name, *_ in first} | {path.stem for path in (HOME / "driver").iterdir()} | {"driver"}
    assert len(first) == len(second) == 24
    for (name, *words, documented), (again, *others, _) in zip(first, second, strict=True):
        assert name == again
        assert documented == "None"
        assert not {*words, *others} & known
        assert not {*words} & {*others}, "drawn anew at each start"
        assert len(set(words[1:])) == 1
    assert "asked" not in served[0][-2]


def test_results_are_counted_while_somebody_holds_them(served: list[list[str]]) -> None:
    assert [lines[-3] for lines in served] == ["3 0", "3 0"]


def test_copied_functions_do_what_the_originals_do(served: list[list[str]], functions: ModuleType) -> None:
    squared = functions.squarings([5, 77, 3])
    for lines in served:
        assert lines[-1] == f"{squared} {squared} 0 4 processes", "nobody has called run() here"


# ---- plans


def _profile(grading: Import, **facts: Any) -> Any:
    usual = {"tasks": 100, "wall_sec": 0.1, "cpu_sec": 0.1, "slowest_sec": 0.15}
    return grading("profiles").Profile(**{**usual, **facts})


RIGHT = [
    ({}, ("processes", 2, 1)),
    ({}, ("processes", 2, 50)),
    ({"cpu_sec": 0.005}, ("threads", 16, 1)),
    ({"cpu_sec": 0.005}, ("threads", 64, 1)),
    ({"tasks": 1}, ("inline", 1, 1)),
    ({"cores": 1}, ("inline", 1, 1)),
    ({"results_pickle": False}, ("threads", 2, 1)),
    ({"results_pickle": False}, ("inline", 1, 100)),
    ({"wall_sec": 0.01, "cpu_sec": 0.01, "gil_free": 1.0, "argument_bytes": 10**6}, ("threads", 2, 1)),
    ({"tasks": 0}, ("inline", 1, 1)),
    ({"cores": 24, "tasks": 32}, ("processes", 24, 1)),
    ({"cores": 100, "tasks": 40}, ("processes", 40, 1)),
    ({"cores": 100}, ("processes", 64, 1)),
    ({"cores": 100, "may_die": True}, ("processes", 64, 1)),
]

BROKEN = [
    ("rule 1", {}, ("processes", 3, 1)),
    ("rule 1", {}, ("processes", 0, 1)),
    ("rule 1", {"cores": 100}, ("processes", 65, 1)),
    ("rule 8", {"cores": 24, "tasks": 32}, ("processes", 16, 1)),
    ("rule 1", {"cpu_sec": 0.005}, ("threads", 65, 1)),
    ("rule 1", {}, ("inline", 2, 1)),
    ("rule 1", {"tasks": 1, "may_die": True}, ("processes", 2, 1)),
    ("rule 2", {}, ("processes", 2, 100)),
    ("rule 2", {}, ("processes", 2, 0)),
    ("rule 3", {"may_die": True}, ("inline", 1, 1)),
    ("rule 3", {"arguments_pickle": False}, ("processes", 2, 1)),
    ("rule 4", {"slowest_sec": 1.0}, ("processes", 2, 2)),
    ("rule 5", {"wall_sec": 1e-6, "cpu_sec": 1e-6, "slowest_sec": 1e-6}, ("threads", 2, 1)),
    ("rule 5", {"tasks": 1}, ("threads", 1, 1)),
    ("rule 6", {"cpu_sec": 0.005}, ("threads", 15, 1)),
    ("rule 6", {"cpu_sec": 0.005}, ("processes", 2, 1)),
    ("rule 7", {"cores": 1}, ("threads", 2, 1)),
    ("rule 7", {"wall_sec": 0.0001, "cpu_sec": 0.0001, "slowest_sec": 0.0001}, ("processes", 2, 1)),
    ("rule 8", {}, ("inline", 1, 1)),
    ("rule 8", {}, ("processes", 1, 1)),
    ("rule 9", {"wall_sec": 0.01, "cpu_sec": 0.01, "gil_free": 1.0, "argument_bytes": 10**6}, ("inline", 1, 1)),
]


@pytest.mark.parametrize(("facts", "plan"), RIGHT)
def test_right_plans_break_no_rule(grading: Import, facts: dict[str, Any], plan: tuple[str, int, int]) -> None:
    rules = grading("plan_rules")
    assert rules.broken_rule(_profile(grading, **facts), rules.Plan(*plan)) is None


@pytest.mark.parametrize(("rule", "facts", "plan"), BROKEN)
def test_wrong_plans_break_a_rule(
    grading: Import, rule: str, facts: dict[str, Any], plan: tuple[str, int, int]
) -> None:
    rules = grading("plan_rules")
    assert rules.broken_rule(_profile(grading, **facts), rules.Plan(*plan)).startswith(rule)


@pytest.mark.parametrize("reply", [None, [], ["plan", "inline", True, 1], ["plan", "fork", 1, 1], ["plan", [], 1, 1]])
def test_what_is_no_plan_is_told(grading: Import, reply: object) -> None:
    assert isinstance(grading("plan_rules").read_plan(reply), str)


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
@pytest.mark.parametrize("seed", range(20))
def test_sound_plans_keep_the_rules(grading: Import, folder: Path, seed: int) -> None:
    rules = grading("plan_rules")
    with importing_from(folder) as import_:
        solution = import_("solution")
        for profile in rules.profiles(Random(seed)):
            plan = solution.plan(solution.Profile(**profile.wire))
            read = rules.read_plan(["plan", plan.kind, plan.workers, plan.chunk_size])
            assert rules.broken_rule(profile, read) is None, profile


def test_every_clear_case_is_drawn(grading: Import) -> None:
    """A plan that is wrong everywhere must meet each of the rules for kinds."""
    rules = grading("plan_rules")
    met = set()
    for profile in rules.profiles(Random(3)):
        workers = max(1, min(profile.tasks, 2))
        plans = [rules.Plan("inline", 1, 1), rules.Plan("threads", workers, 1), rules.Plan("processes", 1, 1)]
        met |= {str(rules.broken_rule(profile, plan))[:6] for plan in plans}
    assert {f"rule {number}" for number in (3, 5, 6, 7, 8, 9)} <= met


# ---- replies


@pytest.mark.parametrize(
    "reply",
    [
        *(None, [], ["list"], ["list", 3], ["list", [3]], ["list", [[]]], {"a": 1}),
        *(["not a list", "tuple"], ["not new", "the batch's own list"], ["changed", "the batch's list"]),
    ],
)
def test_replies_of_the_wrong_shape_are_the_submissions_fault(grading: Import, reply: object) -> None:
    replies = grading("replies")
    with pytest.raises(AssertionError):
        replies.demand_entries(reply, [replies.Result(1)], "a title")
    with pytest.raises(AssertionError):
        replies.demand_numbers(reply, [1], "a title")


def _complaint(grading: Import, kind: str, args: tuple[object, ...], entry: list[object]) -> str | None:
    complaint: str | None = getattr(grading("replies"), kind)(*args).complaint(entry)
    return complaint


@pytest.mark.parametrize(
    ("kind", "args", "right", "wrong"),
    [
        ("Result", (5,), ["result", 5], ["result", 6]),
        ("Result", (1,), ["result", 1], ["result", True]),
        ("Result", (1,), ["result", 1], ["failed", "ValueError", [], ""]),
        ("Raises", ("KeyError", (3,), "3"), ["failed", "KeyError", [3], "3"], ["failed", "KeyError", [4], "4"]),
        ("Raises", ("KeyError", (3,), "3"), ["failed", "KeyError", [3], "3"], ["failed", "KeyError", [], "3"]),
        ("Raises", ("KeyError", (3,), "3"), ["failed", "KeyError", [3], "3"], ["died", "3"]),
        ("Raises", ("A", (), "x", False), ["failed", "B", ["?"], "A: x"], ["failed", "B", [], "x"]),
        ("Died", (), ["died", "now"], ["failed", "ValueError", [], ""]),
        ("ResultOrDeath", (5,), ["result", 5], ["result", 6]),
        ("ResultOrDeath", (5,), ["died", "soon after"], ["failed", "ValueError", [], ""]),
        ("FailsSomehow", ("result",), ["failed", "B", [], ""], ["died", ""]),
        ("FailsSomehow", ("result",), ["failed", "B", [], ""], ["failed without an exception", "str"]),
        ("EitherWay", ("B: 1",), ["failed", "C", [], ""], ["died", ""]),
        ("EitherWay", ("B: 1",), ["exception as a result", "B: 1"], ["exception as a result", "C: 1"]),
        ("RunsIn", (("threads", "inline"),), ["result", "inline"], ["result", "processes"]),
        ("RunsIn", (("inline",),), ["result", "inline"], ["result", "threads"]),
        ("RunsIn", (("inline",),), ["result", "inline"], ["failed", "ValueError", [], ""]),
        ("SpecialResult", ("handle", 3), ["handle", 3], ["handle", 4]),
    ],
)
def test_entries_are_held_against_what_they_should_be(
    grading: Import, kind: str, args: tuple[object, ...], right: list[object], wrong: list[object]
) -> None:
    assert _complaint(grading, kind, args, right) is None
    assert _complaint(grading, kind, args, wrong)


def test_a_failure_is_explained_by_the_first_entry_that_is_no_result(grading: Import) -> None:
    told = grading("replies").first_failure
    assert told(Finished(["list", [["result", 1], ["died", "code 0"]]])) == "; item 1 of 2 came to ['died', 'code 0']"
    hostile = ([], ["list"], ["list", 3], ["list", [3, [], ["result", 1]]], {"list": []}, b"")
    assert {told(Finished(reply)) for reply in hostile} == {""}
    assert told(TimedOut(1.0)) == ""


def test_packed_numbers_are_compared(grading: Import) -> None:
    demand = grading("replies").demand_numbers
    demand(array("Q", [1, 2]).tobytes(), [1, 2], "a title")
    for wrong in ([1, 3], [1], [1, 2, 3], []):
        with pytest.raises(AssertionError, match="a title"):
            demand(array("Q", wrong).tobytes(), [1, 2], "a title")


# ---- predictions

RIGHT_SECONDS = {"inline": 1.0, "threads": 0.5, "processes": 0.7}


def _score(grading: Import, winner: str, threads: float, processes: float, seconds: dict[str, float]) -> Any:
    predicting = grading("predicting")
    return predicting.score({"a": predicting.Prediction(winner, threads, processes)}, {"a": seconds})


def test_predictions_are_scored(grading: Import) -> None:
    assert _score(grading, "threads", 2.0, 1.4, RIGHT_SECONDS) == grading("predicting").Score(1, 2, ())
    assert _score(grading, "threads", 3.9, 0.8, RIGHT_SECONDS).ratios == 2
    assert _score(grading, "threads", 4.1, 0.7, RIGHT_SECONDS).ratios == 0
    assert _score(grading, "inline", 2.0, 1.4, RIGHT_SECONDS) == grading("predicting").Score(0, 2, ("a",))
    assert _score(grading, "processes", 2.0, 1.4, {**RIGHT_SECONDS, "processes": 0.59}).winners == 1
    slow = {"inline": 1.0, "threads": 100.0, "processes": 1.0}
    assert _score(grading, "inline", 0.04, 1.0, slow).ratios == 2
    assert _score(grading, "inline", 0.06, 1.0, slow).ratios == 1


@pytest.mark.parametrize(
    "text",
    ["", "[pure-python", "x" * 100_000, "[pure-python]\nwinner = 3", '[pure-python]\nwinner = "threads"\nthreads = nan']
    + [
        f'[pure-python]\nwinner = "inline"\nthreads = {value}\nprocesses = 1.0'
        for value in ("true", "-1", "inf", "'1'")
    ],
)
def test_bad_prediction_files_are_told(grading: Import, tmp_path: Path, text: str) -> None:
    (tmp_path / "predictions.toml").write_text(text)
    with pytest.raises(AssertionError):
        grading("predicting").read_predictions(tmp_path)


def test_the_starters_file_can_be_read_and_is_wrong(grading: Import) -> None:
    predicting = grading("predicting")
    read = predicting.read_predictions(HOME / "starter")
    measured = {name: {"inline": 1.0, "threads": 0.5, "processes": 0.6} for name in predicting.WORKLOADS}
    assert predicting.score(read, measured).winners < predicting.WINNERS_NEEDED


# ---- the planted server


def _ask(backend: Any, purpose: int, key: int) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(5)
    connection.connect(backend.path)
    connection.sendall(purpose.to_bytes(8, "little") + key.to_bytes(8, "little"))
    return connection


def test_the_server_holds_and_releases(grading: Import, tmp_path: Path) -> None:
    module = grading("backend")
    with module.planted(tmp_path / "s", Random(1), lambda key: None if key < 2 else 0.0) as backend:
        held = [_ask(backend, module.GATE, key) for key in (0, 1)]
        with _ask(backend, module.GATE, 2) as free:
            assert int.from_bytes(free.recv(8), "little") == backend.token(2)
        assert backend.until(lambda backend: sorted(backend.waiting()) == [0, 1], 5)
        assert backend.most_at_once >= 2
        backend.release(1)
        assert int.from_bytes(held[1].recv(8), "little") == backend.token(1) != backend.token(0)
        held[0].close()  # as when its process is killed
        assert backend.until(lambda backend: backend.waiting() == [], 5)
        held[1].close()
        assert backend.starts() == {0: 1, 1: 1, 2: 1}


def test_the_server_counts_lifelines(grading: Import, tmp_path: Path) -> None:
    module = grading("backend")
    with module.planted(tmp_path / "s", Random(1)) as backend:
        lines = [_ask(backend, module.LIFELINE, key) for key in range(3)]
        assert backend.until(lambda backend: backend.lifelines == 3, 5)
        lines.pop().close()
        assert backend.until(lambda backend: backend.lifelines == 2, 5)
        assert not backend.until(lambda backend: backend.lifelines == 0, 0.05)
        for line in lines:
            line.close()
        assert backend.until(lambda backend: backend.lifelines == 0, 5)
        assert backend.lifelines_ever == 3


def test_the_server_survives_nonsense(grading: Import, tmp_path: Path) -> None:
    module = grading("backend")
    with module.planted(tmp_path / "s", Random(1)) as backend:
        for nonsense in (b"", b"x", b"x" * 1000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(backend.path)
                connection.sendall(nonsense)
        with _ask(backend, module.GATE, 7) as connection:
            assert len(connection.recv(8)) == 8


def test_the_server_makes_whoever_asks_again_wait_again(grading: Import, tmp_path: Path) -> None:
    """A caller that asks, hangs up and comes back when the answer is due would wait with nobody counting it."""
    module, delay_sec = grading("backend"), 0.3
    with module.planted(tmp_path / "s", Random(1), lambda _: delay_sec) as backend:
        _ask(backend, module.GATE, 7).close()
        assert backend.until(lambda backend: backend.starts() == {7: 1} and not backend.waiting(), 5)
        time.sleep(delay_sec / 2)
        began = time.perf_counter()
        with _ask(backend, module.GATE, 7) as connection:
            assert len(connection.recv(8)) == 8
        assert time.perf_counter() - began > 0.9 * delay_sec
        assert backend.starts() == {7: 2}


def test_answers_of_the_server_come_from_a_stream_of_their_own(grading: Import, tmp_path: Path) -> None:
    """What else is drawn while it serves, the salts of its items say, changes none of its answers."""
    module, tokens = grading("backend"), []
    for salts in (0, 40):
        rng = Unforeseen(1)
        with module.planted(tmp_path / "s", rng) as backend:
            for _ in range(salts):
                rng.getrandbits(60)
            tokens.append([backend.token(key) for key in range(5)])
    assert tokens[0] == tokens[1]


@pytest.mark.parametrize(
    ("starts", "most", "complaint"),
    [
        ({0: 1, 1: 1}, 1, None),
        ({0: 1}, 1, "never run"),
        ({0: 1, 1: 2}, 1, "run 2 times"),
        ({0: 1, 1: 3}, 3, None),
        ({0: 1, 1: 4}, 3, "run 4 times"),
    ],
)
def test_starts_are_counted(grading: Import, starts: dict[int, int], most: int, complaint: str | None) -> None:
    with nullcontext() if complaint is None else pytest.raises(AssertionError, match=complaint):
        grading("starts").demand_started(starts, range(2), "a title", most, "a reason")


# ---- what bars time


def test_a_batch_tells_nothing_of_which_answers_are_looked_at(grading: Import) -> None:
    """The places are drawn from another stream than what is sent, and afterwards."""
    workload = grading("workload")
    made = workload.compression(Unforeseen(1))
    other = replace(made, rng=Unforeseen(2))
    assert made.question == other.question
    assert [made._checked, made._checked] == [made._checked] * 2
    assert len({tuple(replace(made, rng=Unforeseen(seed))._checked) for seed in range(20)}) > 10


def _turn(grading: Import, wall_sec: float, cpu_sec: float = 1.0) -> Any:
    return grading("turns").Turn(wall_sec, cpu_sec, before_mb=None, peak_mb=None, reply=b"")


def test_batches_are_compared_one_by_one(grading: Import) -> None:
    made = grading("turns").Turns(
        [_turn(grading, sec) for sec in (2.0, 8.0)], [_turn(grading, sec) for sec in (1.0, 1.0)]
    )
    mine, theirs = made.wall()
    assert (mine, theirs) == (pytest.approx(4.0), 1.0)


def test_cores_are_used_in_all_turns(grading: Import) -> None:
    bars = grading("test_bars")
    assert bars._idle([_turn(grading, 1.0, 2.0)] * 2, useful_sec=9.0) == bars.IDLE_LEAST + bars.IDLE_ADDED
    one_core = [_turn(grading, 1.0, 2.0), _turn(grading, 2.0, 2.0)]
    assert bars._idle(one_core, useful_sec=9.0) == pytest.approx(2 - 4 / 3 + bars.IDLE_ADDED)
    assert bars._idle(one_core, useful_sec=1.0) == pytest.approx(2 - 2 / 3 + bars.IDLE_ADDED), "the rest is no work"


class _Told:
    """A subject whose accounting says what it is told."""

    def __init__(self, *stats: Stats) -> None:
        self._stats = list(stats)
        self.called: list[str] = []

    def stats(self) -> Stats:
        return self._stats.pop(0) if len(self._stats) > 1 else self._stats[0]

    def value(self, function: str, *_: object) -> object:
        self.called.append(function)
        return 0


def _stats(processes: int | None, tasks: int | None) -> Stats:
    return Stats(State.RUNNING, processes=processes, tasks=tasks)


def test_what_a_run_started_is_waited_for(grading: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = grading("counting")
    monkeypatch.setattr(counting, "ENDED_SEC", 0.3)
    before = counting.Census(2, 3)
    counting.demand_ended(_Told(_stats(5, 9), _stats(3, 5), _stats(3, 4)), before, "a title")
    counting.demand_ended(_Told(_stats(None, None)), before, "a title")
    for left in (_stats(4, 4), _stats(3, 5), _stats(None, 5)):
        subject = _Told(left)
        with pytest.raises(AssertionError, match=r"a title: 0\.3 s after run"):
            counting.demand_ended(subject, before, "a title")
        assert "reap" in subject.called, "what has ended and nobody has asked after is not there any more"
    with pytest.raises(AssertionError):
        counting.demand_ended(_Told(_stats(2, 4)), before, "a title", stay=0)


def test_the_spec_says_how_often_memory_is_looked_at(grading: Import) -> None:
    assert grading("leftovers").MEMORY_RUNS == 3
    assert "three times one after the other, the container" in (HOME / "SPEC.md").read_text("utf-8")
    assert grading("leftovers").LIBRARY_THREADS == 2
    assert "(a library that it imports may, two threads)" in (HOME / "SPEC.md").read_text("utf-8")
