"""Hold the oracle of the hash map's replays against Python's own dict, and the reference against the oracle."""

from __future__ import annotations

from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.outcome import Crashed, Finished, Outcome, TimedOut
from tests.challenges.loading import Import, driver_beside

DICT_AS_SOLUTION = """
from reprlib import recursive_repr


class HashMap(dict):
    __hash__ = None

    def copy(self):
        return HashMap(self)

    @recursive_repr("HashMap({...})")
    def __repr__(self):
        return "HashMap({" + ", ".join(f"{k!r}: {v!r}" for k, v in self.items()) + "})"
"""


@pytest.fixture(scope="module")
def dict_driver(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Load the driver beside a map that is a dict."""
    folder = tmp_path_factory.mktemp("dict")
    (folder / "solution.py").write_text(DICT_AS_SOLUTION)
    return driver_beside("hashmap", folder)


@pytest.fixture(params=["dict", "reference"])
def driver(request: pytest.FixtureRequest, dict_driver: ModuleType, reference_driver: ModuleType) -> ModuleType:
    return {"dict": dict_driver, "reference": reference_driver}[request.param]


class InProcess:
    """A submission in this process, through the real driver; remembers how often it was asked."""

    def __init__(self, driver: ModuleType) -> None:
        self.driver = driver
        self.calls = 0

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        self.calls += 1
        return Finished(getattr(self.driver, function)(*args))


SCRIPTS = (
    ("scripts", "model_scripts"),
    ("scripts", "pattern_scripts"),
    ("semantics", "key_scripts"),
    ("semantics", "key_error_scripts"),
    ("semantics", "unhashable_scripts"),
    ("semantics", "iteration_scripts"),
    ("semantics", "independence_scripts"),
    ("semantics", "equality_scripts"),
    ("semantics", "repr_scripts"),
    ("misbehaving", "raising_scripts"),
    ("misbehaving", "unmoved_scripts"),
)


@pytest.mark.parametrize(("module", "name"), SCRIPTS, ids=[name for _, name in SCRIPTS])
def test_scripts_are_right(grading: Import, driver: ModuleType, module: str, name: str) -> None:
    demand = grading("replaying").demand
    listed = list(getattr(grading(module), name)())
    assert listed
    for script in listed:
        demand(InProcess(driver), script.name, script.specs, script.operations)


def test_random_sequences_are_right(grading: Import, driver: ModuleType) -> None:
    worlds = grading("worlds")
    model = grading("model").Model

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(worlds.WORLDS).flatmap(lambda world: st.tuples(st.just(world), worlds.sequences(world))))
    def agree(drawn: tuple[Any, list[Any]]) -> None:
        world, operations = drawn
        assert driver.replay(list(world.specs), operations) == model(list(world.specs)).replay(operations)

    agree()


def test_long_runs_are_right(grading: Import, driver: ModuleType) -> None:
    world, operations = grading("worlds").long_run(Random(1), 500, 6_000)
    assert len(operations) > 6_000
    assert driver.replay(list(world.specs), operations) == grading("model").Model(list(world.specs)).replay(operations)


def test_intrusions_are_survived_by_the_reference(grading: Import, reference_driver: ModuleType) -> None:
    misbehaving = grading("misbehaving")
    listed = list(misbehaving.intrusions())
    assert len(listed) > 1_000
    for intrusion in listed[::7]:
        misbehaving.demand_whole(InProcess(reference_driver), "", intrusion)


class Answering:
    """A submission that gives answers made beforehand."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers

    def call(self, _function: str, *_args: object, timeout_sec: float | None = None) -> Outcome:
        return Finished(self.answers)


@pytest.mark.parametrize(("skipped", "is_right"), [(True, True), (False, False)])
def test_who_asks_a_stored_key_again_may_fail_and_do_nothing(grading: Import, skipped: bool, is_right: bool) -> None:
    misbehaving, model = grading("misbehaving"), grading("model").Model
    script = list(misbehaving.unmoved_scripts())[-1]
    at = next(at for at, operation in enumerate(script.operations) if operation[0] == "del")
    others = [*script.operations[:at], *script.operations[at + 1 :]]
    answers = model(script.specs).replay(others if skipped else script.operations)
    answers[at:at] = [["raised", "Refusal"]]
    submission = Answering(answers if skipped else [*answers[: at + 1], *answers[at + 2 :]])
    if is_right:
        misbehaving.demand_unmoved(submission, "title", script.specs, script.operations)
    else:
        with pytest.raises(AssertionError, match="raises what that hash does, and changes the map"):
            misbehaving.demand_unmoved(submission, "title", script.specs, script.operations)


class TestIdentities:
    """Which descriptions are one key is decided without building the keys."""

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (["plain", 1], ["plain", 1.0], True),
            (["plain", 1], ["plain", True], True),
            (["plain", 0.0], ["plain", -0.0], True),
            (["plain", 2**70], ["plain", float(2**70)], True),
            (["plain", -1], ["plain", -2], False),
            (["plain", "a"], ["plain", b"a"], False),
            (["nan"], ["nan"], False),
            (["tuple", [["plain", 1]]], ["tuple", [["plain", 1.0]]], True),
            (["tuple", [["nan"]]], ["tuple", [["nan"]]], False),
            (["object", 5, 1], ["object", 5, 1], True),
            (["object", 5, 1], ["object", 5, 2], False),
            (["object", 5, 1], ["object", 6, 1], False),
            (["object", -1, 1], ["object", -2, 1], True),
            (["object", 5, None], ["object", 5, None], True),
            (["object", 5, None], ["object", 6, None], False),
            (["object", 5, 1], ["plain", 5], False),
        ],
    )
    def test_are_those_of_the_objects(
        self, grading: Import, dict_driver: ModuleType, one: list[Any], other: list[Any], same: bool
    ) -> None:
        first, second = grading("model").identities([one, other])
        assert (first == second) is same
        answers = dict_driver.replay([one, other], [["set", 0, 0, 1], ["in", 0, 1]])
        assert answers == [["gave", None], ["gave", same]]

    def test_unhashable(self, grading: Import) -> None:
        assert grading("model").identities([["unhashable", "list"]]) == [None]


class Broken(InProcess):
    """A map that forgets: `in` answers wrongly once there are more than `limit` entries."""

    def __init__(self, driver: ModuleType, limit: int) -> None:
        super().__init__(driver)
        self.limit = limit

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        outcome = super().call(function, *args)
        assert isinstance(outcome, Finished)
        assert isinstance(outcome.value, list)
        held: set[int] = set()
        operations: Any = args[1]
        for position, (name, _, *rest) in enumerate(operations):
            if name == "set":
                held.add(rest[0])
            elif name == "in" and len(held) > self.limit:
                outcome.value[position] = ["gave", "no idea"]
        return outcome


class TestMistakes:
    """What goes wrong is found, cut short and told."""

    def operations(self) -> tuple[list[Any], list[Any]]:
        specs = [["plain", key] for key in range(40)]
        operations: list[Any] = []
        for key in range(40):
            operations += [["set", 0, key, key], ["len", 0], ["get", 0, key], ["in", 0, key], ["items", 0]]
        return specs, operations

    def test_is_found_at_the_first_wrong_answer(self, grading: Import, reference_driver: ModuleType) -> None:
        specs, operations = self.operations()
        mistake = grading("replaying").find_mistake(Broken(reference_driver, 3), specs, operations)
        assert mistake.operations == operations[:19]
        assert mistake.answer == ["gave", "no idea"]

    def test_is_shrunk_to_the_fewest_operations(self, grading: Import, reference_driver: ModuleType) -> None:
        replaying = grading("replaying")
        broken = Broken(reference_driver, 3)
        shrunk = replaying.shrink(broken, replaying.find_mistake(broken, *self.operations()))
        assert [operation[0] for operation in shrunk.operations] == ["set", "set", "set", "set", "in"]
        assert broken.calls <= replaying.SHRINK_TRIES + 1

    def test_is_told_without_the_right_answer(self, grading: Import, reference_driver: ModuleType) -> None:
        specs, operations = self.operations()
        with pytest.raises(AssertionError) as failed:
            grading("replaying").demand_shrinking(Broken(reference_driver, 0), "keys get lost", specs, operations)
        assert (
            str(failed.value)
            == "keys get lost: `0 in m` gave 'no idea', which is wrong; it comes at the end of `m[0] = 0; 0 in m`"
        )

    def test_hunt_finds_and_shrinks(self, grading: Import, reference_driver: ModuleType) -> None:
        world = grading("worlds").WORLDS[0]
        with pytest.raises(
            AssertionError,
            match=r"^title: `.*` gave 'no idea', which is wrong; it comes at the end of `[mno]\[\d\] = .*`$",
        ):
            grading("hunting").hunt(Broken(reference_driver, 2), "title", world, 5, 30)

    def test_hunt_replays_by_its_seed(self, grading: Import, reference_driver: ModuleType) -> None:
        def told(seed: int) -> str:
            with pytest.raises(AssertionError) as failed:
                grading("hunting").hunt(Broken(reference_driver, 4), "", grading("worlds").WORLDS[1], seed, 30)
            return str(failed.value)

        assert told(7) == told(7)

    @pytest.mark.parametrize("outcome", [TimedOut(5.0), Crashed(signal=11)])
    def test_no_answer_is_not_asked_for_again(self, grading: Import, outcome: Outcome) -> None:
        class Silent:
            calls = 0

            def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
                self.calls += 1
                return outcome

        silent = Silent()
        with pytest.raises(AssertionError, match=r"the submission .* in `… 176 operations before; "):
            grading("replaying").demand_shrinking(silent, "hangs", *self.operations())
        assert silent.calls == 1

    @pytest.mark.parametrize("reply", [None, [], [["gave", None]] * 3, "x" * 10_000, {"a": 1}, [[[]] * 200] * 200])
    def test_replies_of_any_shape_are_mistakes(self, grading: Import, reply: object) -> None:
        class Odd:
            def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
                return Finished(reply)

        specs, operations = self.operations()
        with pytest.raises(AssertionError) as failed:
            grading("replaying").demand(Odd(), "odd", specs, operations)
        assert len(str(failed.value)) < 2_000


class TestFewest:
    """The reduction itself, as a pure function."""

    def test_keeps_what_is_needed(self, grading: Import) -> None:
        def still_wrong(operations: list[Any]) -> list[Any] | None:
            return operations if {3, 17, 80} <= set(operations) else None

        assert grading("replaying").fewest(list(range(100)), still_wrong, 1_000) == [3, 17, 80]

    def test_stops_at_its_limit(self, grading: Import) -> None:
        tries = []

        def still_wrong(operations: list[Any]) -> list[Any] | None:
            tries.append(operations)
            return None

        assert grading("replaying").fewest(list(range(100)), still_wrong, 7) == list(range(100))
        assert len(tries) == 7


class TestWording:
    """Stories read as Python."""

    def test_every_operation_has_words(self, grading: Import) -> None:
        wording = grading("wording")
        scripts = [script for module, name in SCRIPTS for script in getattr(grading(module), name)()]
        for script in scripts:
            for operation in script.operations:
                assert wording.sentence(script.specs, operation)

    def test_keys_that_are_no_literals_are_explained(self, grading: Import) -> None:
        specs = [["object", 5, 1], ["nan"], ["tuple", [["plain", 1]]], ["object", 7, None]]
        told = grading("wording").story(specs, [["set", 0, key, 9] for key in range(4)])
        assert told == (
            "m[k0] = 9; m[nan1] = 9; m[(1,)] = 9; m[k3] = 9  [k0 has hash 5 and equals objects of group 1 only; "
            "nan1 is a NaN of its own; k3 has hash 7 and equals everything]"
        )

    def test_hostile_answers_are_capped(self, grading: Import) -> None:
        wording = grading("wording")
        assert len(wording.reply([], ["get", 0, 0], ["gave", "x" * 10_000])) == wording.ANSWER_CHARS


class TestCrowds:
    """Scripts among many other entries."""

    @pytest.mark.parametrize("age", ["new", "oldest gone", "half gone"])
    def test_maps_are_of_the_size_that_is_told(self, grading: Import, age: str) -> None:
        crowds, scripts = grading("crowds"), grading("scripts")
        script = scripts.Script("one", scripts.ints(1, 2), [["set", 0, 0, 1], ["len", 0], ["items", 0], ["items", 0]])
        crowded = crowds.amid(Random(1), script, 99, age=age)
        answers = grading("model").Model(crowded.specs).replay(crowded.operations)
        before, after = ([], []) if age == "new" else (["fill"], ["thin"])
        filled = [*before, "set", "fill", "fill", *after]
        assert [operation[0] for operation in crowded.operations] == [*filled, "len", "items"]
        assert answers[len(filled)] == ["gave", 100]

    def test_the_oldest_are_gone_and_the_scripts_own_come_first(self, grading: Import) -> None:
        crowds, scripts = grading("crowds"), grading("scripts")
        script = scripts.Script("one", scripts.ints(1), [["set", 0, 0, 1], ["iter", 0]])
        crowded = crowds.amid(Random(1), script, 600, age="oldest gone")
        [_, order] = grading("model").Model(crowded.specs).replay(crowded.operations)[-1]
        assert order[0] == 0
        assert order[1] > 600 // 8, "many were there before"

    def test_the_second_map_is_filled_in_another_order(self, grading: Import) -> None:
        crowds, scripts = grading("crowds"), grading("scripts")
        script = scripts.Script("two", scripts.ints(1), [["eq", 0, 1], ["iter", 0], ["iter", 1]])
        crowded = crowds.amid(Random(1), script, 10, maps=(0, 1))
        equal, one, other = grading("model").Model(crowded.specs).replay(crowded.operations)[-3:]
        assert equal == ["gave", [True, False]]
        assert one != other

    def test_some_iterate_over_maps_of_the_size_that_is_timed(self, grading: Import) -> None:
        crowds, workload = grading("crowds"), grading("workload")
        sizes = []
        for script in crowds.crowded_iteration(Random(1)):
            filled = sum(op[3] for op in script.operations if op[0] == "fill")
            thinned = sum(-(-op[3] // op[4]) for op in script.operations if op[0] == "thin")
            own = [op for op in script.operations if op[0] not in {"fill", "thin"}]
            sizes.append(filled - thinned + crowds.leading(own))
        assert sizes.count(workload.Iteration.ENTRIES) == 8


class TestSlowness:
    """What is slow most of the time, told by the clock and then on the processor."""

    @pytest.mark.parametrize(
        ("by_clock", "on_processor", "slow"),
        [(1.0, [], None), (9.0, [1.0] * 6, None), (9.0, [9.0, 1.0] * 3, 9.0), (9.0, [1, 1, 1, 1, 9, 9], None)],
    )
    def test_half_of_the_measurements_decide(
        self, grading: Import, by_clock: float, on_processor: list[float], slow: float | None
    ) -> None:
        left = iter(on_processor)
        assert grading("subject").slow_mostly(2.0, lambda by_cpu: next(left) if by_cpu else by_clock) == slow
