"""Keys whose `__eq__` or `__hash__` raises, and keys whose `__eq__` changes the map that is being searched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import wording
from model import REFUSALS, Answer, Model, Operation, Spec
from replaying import REPLAY_TIMEOUT_SEC, CanReplay
from scripts import Script, looks
from semantics import SIZES, asking, filled
from wording import told

from harness.outcome import Finished, describe

HASH = 5
"""The hash of the keys in question."""

STORED, EQUAL, OTHER = 0, 1, 2
"""Numbers of the keys of that hash: the one in the map, one equal to it, and one that differs from both."""

FIRST_FILLER = 3

INTRUSION_SIZES = (0, 1, 4, 5, 10, 21)
"""Fewer than elsewhere, because every operation meets every change at each of them."""

LATE_INTRUSION_SIZES = (1, 10)
"""Where the change comes at the second comparison too: an operation that searches twice sees two different maps."""

GONE = 3
"""Keys of that hash that came before the stored one and were deleted: they leave room on the way to it."""

GROWTH = 40
"""Entries that one change inserts: enough to make a map of the largest size grow."""


def _specs(n: int, spare: int) -> list[Spec]:
    """Describe the three keys, n keys that fill the map and `spare` ones for later, all with other hashes."""
    three: list[Spec] = [["object", HASH, 1], ["object", HASH, 1], ["object", HASH, 2]]
    return three + [["object", 100 + i * 8, 10 + i] for i in range(n + spare)]


def raising_scripts(sizes: Iterable[int] = SIZES) -> Iterator[Script]:
    """Let every operation meet a key that raises, at every size."""
    for n in sizes:
        specs = _specs(n, spare=10)
        everything = range(len(specs))
        for asked in (EQUAL, OTHER):
            for armed in (asked, STORED):
                for what in REFUSALS:
                    arm, disarm = ["arm", armed, [what]], ["disarm", armed]
                    operations = [*filled(n, FIRST_FILLER), ["set", 0, STORED, 1000]]
                    for operation in asking(0, asked):
                        operations += [arm, operation, disarm, ["len", 0], ["items", 0]]
                    operations += [*looks(everything), *_partial_update(n, asked, arm, disarm)]
                    yield Script(
                        f"an == that {told(what)}", specs, [*operations, *_life_goes_on(n), *looks(everything)]
                    )
        for what in REFUSALS:
            operations = [*filled(n, FIRST_FILLER), ["set", 0, STORED, 1000]]
            for asked in (STORED, EQUAL, OTHER, FIRST_FILLER + n):
                for operation in asking(0, asked):
                    operations += [["arm-hash", asked, what], operation, ["disarm", asked], ["len", 0], ["items", 0]]
            arm, disarm = ["arm-hash", EQUAL, what], ["disarm", EQUAL]
            operations += [*looks(everything), *_partial_update(n, EQUAL, arm, disarm)]
            yield Script(f"a hash that {told(what)}", specs, [*operations, *_life_goes_on(n), *looks(everything)])
        yield _broken_off(n)


def unmoved_scripts() -> Iterator[Script]:
    """Arm the hash of a key that is in the map, and grow and shrink the map by other keys."""
    for n in SIZES:
        for what in REFUSALS:
            fillers = range(FIRST_FILLER, FIRST_FILLER + n)
            spare = range(FIRST_FILLER + n, FIRST_FILLER + n + GROWTH)
            operations = [*filled(n, FIRST_FILLER), ["set", 0, STORED, 1000], ["arm-hash", STORED, what]]
            for change in (*_set(spare), *(["del", 0, key] for key in (*fillers, *spare))):
                operations += [change, ["len", 0]]
            operations += [*_set(fillers), ["items", 0], ["disarm", STORED], *looks(range(FIRST_FILLER + n))]
            yield Script(f"a hash of a key in the map that {told(what)}", _specs(n, spare=GROWTH), operations)


def demand_unmoved(submission: CanReplay, title: str, specs: list[Spec], operations: list[Operation]) -> None:
    """Fail the check unless every answer is right, but that one operation may hash the armed key, and do nothing else.

    A map need not keep hashes; one that asks the keys again must leave all as it was where that raises.
    """
    outcome = submission.call("replay", specs, operations, timeout_sec=REPLAY_TIMEOUT_SEC)
    answers = outcome.value if isinstance(outcome, Finished) else None
    refused = [["raised", name] for name in REFUSALS.values()]
    raised = [at for at, answer in enumerate(answers) if answer in refused] if isinstance(answers, list) else []
    at = raised[0] if raised else len(operations)
    expected = Model(specs).replay([*operations[:at], *operations[at + 1 :]])
    if raised and isinstance(answers, list):
        expected.insert(at, answers[at])
    if answers != expected:
        how = "raises what that hash does, and changes the map" if raised else "answers wrongly, or none does"
        raise AssertionError(f"{title}: the last of `{wording.story(specs, operations[: at + 1])}` {how}")


def _broken_off(n: int) -> Script:
    """Update from an iterable that raises after a few pairs: these are in the map, each an operation of its own."""
    specs = _specs(n, spare=10)
    spare = FIRST_FILLER + n
    operations: list[Operation] = [*filled(n, FIRST_FILLER), ["set", 0, STORED, 1000]]
    for count in (0, 1, 3):
        pairs = [[EQUAL, 2000 + count], *([spare + i, i] for i in range(count))]
        operations += [["update-broken-off", 0, pairs[:count]], ["items", 0], ["len", 0]]
        operations += [["update-keys-broken-off", 1, pairs[:count]], ["items", 1], ["len", 1]]
    return Script("an iterable that raises", specs, [*operations, *_life_goes_on(n)])


def _partial_update(n: int, asked: int, arm: Operation, disarm: Operation) -> list[Operation]:
    """Update with the raising key in the middle: what came before it stays, what comes after it does not come."""
    spare = FIRST_FILLER + n
    return [arm, ["update", 0, [[spare, 1], [asked, 2], [spare + 1, 3]]], disarm, ["items", 0], ["len", 0]]


def _life_goes_on(n: int) -> list[Operation]:
    """Grow the map and shrink it: a map left half changed does not survive that."""
    spare = range(FIRST_FILLER + n, FIRST_FILLER + n + 10)
    return [*_set(spare), ["del", 0, STORED], *(["pop", 0, key] for key in spare)]


@dataclass(frozen=True)
class Intrusion:
    """One operation, during one of whose comparisons others are carried out on the same map; the first is number 0."""

    specs: list[Spec]
    before: list[Operation]
    operation: Operation
    during: list[Operation]
    after: list[Operation]
    comparison: int = 0

    @property
    def operations(self) -> list[Operation]:
        """What is replayed."""
        asked = self.operation[2] if self.operation[0] not in {"update", "update-keys"} else self.operation[2][0][0]
        return [
            *self.before,
            ["arm", asked, [*[[]] * self.comparison, self.during]],
            self.operation,
            ["is-armed", asked],
            ["disarm", asked],
            *self.after,
        ]

    def acceptable(self) -> Iterator[list[Answer]]:
        """Yield what may be answered: as if the intrusion came before the operation, after it, or with RuntimeError."""
        yield self._answers([*self.during, self.operation], answered=-1)
        yield self._answers([self.operation, *self.during], answered=0)
        yield self._answers(self.during, answered=None)
        if self.comparison:  # which the operation may well not come to
            yield self._answers([self.operation], answered=0, still_armed=True)

    def _answers(self, middle: list[Operation], answered: int | None, *, still_armed: bool = False) -> list[Answer]:
        model = Model(self.specs)
        before = model.replay(self.before)
        answers = model.replay(middle)
        answer = ["raised", "RuntimeError"] if answered is None else answers[answered]
        return [*before, ["gave", None], answer, ["gave", still_armed], ["gave", None], *model.replay(self.after)]


def intrusions(sizes: Iterable[int] = INTRUSION_SIZES) -> Iterator[Intrusion]:
    """Cross every operation with every kind of change, at several sizes."""
    for n in sizes:
        specs = [*_specs(n, spare=10 + GROWTH), *(["object", HASH, 3 + i] for i in range(GONE))]
        gone = range(len(specs) - GONE, len(specs))
        everything: list[Operation] = [
            ["items", 0],
            ["len", 0],
            *(["get", 0, key, -1] for key in range(FIRST_FILLER + n)),
        ]
        after = [*everything, *_life_goes_on(n)[:10], *everything, ["pop", 0, STORED, 0], ["items", 0]]
        for asked in (EQUAL, OTHER):
            for during in _changes(n, FIRST_FILLER + n, asked):
                stored: Operation = ["set", 0, STORED, 1000]
                before = [*filled(n, FIRST_FILLER), stored]
                roomy = [*filled(n, FIRST_FILLER), *_set(gone), stored, *(["del", 0, key] for key in gone)]
                for operation in asking(0, asked):
                    yield Intrusion(specs, before, operation, during, after)
                    if n in LATE_INTRUSION_SIZES:
                        yield Intrusion(specs, before, operation, during, after, comparison=1)
                        yield Intrusion(specs, roomy, operation, during, after)


def _set(keys: Iterable[int]) -> list[Operation]:
    return [["set", 0, key, key] for key in keys]


def _changes(n: int, spare: int, asked: int) -> Iterator[list[Operation]]:
    """Yield what an `__eq__` does to the map it is called from. The key asked for is armed only once."""
    grow: list[Operation] = [["set", 0, spare + 10 + i, i] for i in range(GROWTH)]
    yield [["del", 0, STORED]]
    yield [["clear", 0]]
    yield [["set", 0, STORED, 2000]]
    yield [["del", 0, STORED], ["set", 0, STORED, 3000]]
    yield [["set", 0, spare + 10, 1]]
    yield grow
    yield [["set", 0, asked, 4000]]
    yield [["set", 0, EQUAL + OTHER - asked, 5000]]
    yield [*grow, *(["del", 0, spare + 10 + i] for i in range(GROWTH))]
    yield [["clear", 0], *filled(n, FIRST_FILLER), ["set", 0, STORED, 6000]]
    if n:
        yield [["del", 0, FIRST_FILLER], ["del", 0, STORED], *grow[:3]]
        yield [["del", 0, FIRST_FILLER + i] for i in range(n)]


def demand_whole(submission: CanReplay, title: str, intrusion: Intrusion) -> None:
    """Fail the check with `title` and the story unless the answers are those of one acceptable order."""
    outcome = submission.call("replay", intrusion.specs, intrusion.operations, timeout_sec=REPLAY_TIMEOUT_SEC)
    match outcome:
        case Finished(value):
            answers = _unblamed(value)
        case failure:
            raise AssertionError(f"{title}: in `{_told(intrusion)}` the submission {describe(failure)}")
    if answers not in map(_unblamed, intrusion.acceptable()):
        raise AssertionError(f"{title}: `{_told(intrusion)}` leaves a map that no order of the two explains")


def _told(intrusion: Intrusion) -> str:
    return wording.story(intrusion.specs, intrusion.operations[: len(intrusion.before) + 2])


def _unblamed(answers: object) -> object:
    """Leave out whom a KeyError blames: another check looks at that."""
    match answers:
        case list():
            return [["raised", "KeyError"] if _is_key_error(answer) else answer for answer in answers]
        case _:
            return answers


def _is_key_error(answer: object) -> bool:
    return isinstance(answer, list) and answer[:2] == ["raised", "KeyError"]
