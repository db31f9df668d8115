"""What callers get: results in order, and the exceptions that jobs raised."""

from typing import Any

from places import KINDS
from stage import SETTLE_SEC, Stage, Subject, shaped, stage

RAISED = (
    ("LookupError", ["missing", 7], "LookupError", ["missing", 7]),
    ("OSError", [2, "no such thing"], "FileNotFoundError", [2, "no such thing"]),
    ("SystemExit", [3], "SystemExit", [3]),
    ("TimeoutError", ["of its own"], "TimeoutError", ["of its own"]),
    ("EOFError", ["at its end"], "EOFError", ["at its end"]),
    ("OSError", [104, "hung up"], "ConnectionResetError", [104, "hung up"]),
    ("BaseException", ["of the lowest kind"], "BaseException", ["of the lowest kind"]),
)
"""What a job is told to raise, and what its caller should see; as an executor's own some would mean something else."""


def demand_exceptions(subject: Subject) -> None:
    """Have every kind raise, and see that the neighbours are untouched."""
    with stage(subject) as on, on.executor("e", cpu=3):
        on.submit("e", "cpu", "cpu-neighbour")
        on.arrival("cpu-neighbour", "a cpu job should have started")
        for kind in KINDS:
            for number, (name, args, type_name, seen) in enumerate(RAISED):
                answer = _raised(on, kind, f"{kind}-{number}", ["raise", name, args])
                what = f"a {kind} job raised {type_name}{tuple(seen)}"
                _demand_raised(answer, type_name, seen, what)
            _demand_deep(on, kind)
            answer = _raised(on, kind, f"{kind}-stop", ["raise", "StopIteration", [4]])
            assert answer[0] == "raised", f"a {kind} job raised StopIteration(4), and its caller saw no exception"
        for kind in ("cpu", "crash"):
            _demand_remote(on, kind)
        for kind in ("blocking", "cpu", "crash"):
            answer = on.call("run", "e", kind, "fault", ["bad row", 7], what=f"a {kind} job should have ended")
            given = answer == ["value", ["exception", "ValueError", "bad row", 7]]
            assert given, (
                f"a {kind} job returned ValueError('bad row', 7), and its caller was not given that: {answer[:2]}"
            )
        on.finish("cpu-neighbour", 5)
        answer = on.result("cpu-neighbour", "a cpu job should have ended")
        assert answer == ["value", 5], "a cpu job lost its result because others failed"
        answer = shaped(on.call("run", "e", "cpu", "lambda", [], what="a job that can't be pickled should have failed"))
        assert answer[0] == "raised", "a function that can't be pickled did not make its cpu job fail"
        assert on.call("run", "e", "cpu", "echo", [8]) == ["value", 8], "after other jobs failed, a cpu job fails too"


def _raised(on: Stage, kind: str, name: str, command: list[Any]) -> list[Any]:
    on.submit("e", kind, name)
    on.arrival(name, f"a {kind} job should have started, after others had failed")
    on.guests[name].tell(*command)
    return on.result(name, f"the caller of a {kind} job that raised should have been told")


def _demand_raised(answer: list[Any], type_name: str, args: list[Any], what: str) -> None:
    assert answer[0] == "raised", f"{what}, and its caller saw no exception"
    genuine = answer[1] == type_name and answer[4] == "builtins"
    assert genuine, f"{what}, and its caller saw another type of exception"
    assert answer[2] == args, f"{what}, and its caller saw other arguments"
    lost = f"{what}, and the traceback, printed, does not show where in the job that was"
    shown = "in _told" in answer[3] and "raise EXCEPTIONS[name](*arguments)" in answer[3]
    assert shown, lost


def _demand_deep(on: Stage, kind: str) -> None:
    """Raise from far down in the job: where that was is the innermost function."""
    answer = _raised(on, kind, f"{kind}-deep", ["raise-deep", DEPTH, "LookupError", ["missing", 7]])
    what = f"a {kind} job raised LookupError('missing', 7) from {DEPTH} functions deep"
    told = answer[0] == "raised" and answer[1:3] == ["LookupError", ["missing", 7]]
    assert told, f"{what}, and its caller saw something else"
    shown = "in _raise_innermost" in answer[3] and "raise deepest" in answer[3]
    assert shown, f"{what}, and the traceback, printed, does not show the innermost function and its line"


DEPTH = 30

NOT_CARRIED = {
    "OddError": "can't be rebuilt",
    "LockedError": "can't be pickled",
    "HomesickError": "can be rebuilt in its own process only",
}


def _demand_remote(on: Stage, kind: str) -> None:
    for name, why in NOT_CARRIED.items():
        answer = _raised(on, kind, f"{kind}-{name}", ["raise", name, [5, "odd"]])
        what = f"a {kind} job raised an exception that {why}"
        seen = answer[0] == "raised" and answer[5] == ["RemoteError"]
        assert seen, f"{what}, and its caller did not see RemoteError"
        text = answer[3].rpartition("RemoteError: ")[2]
        named = name in text and "5: odd" in text
        assert named, f"{what}, {name}('5: odd'), and str of the RemoteError does not say so: {text[:200]!r}"
    for result in ("unpicklable", "stubborn"):
        answer = _raised(on, kind, f"{kind}-{result}", ["result", result])
        seen = answer[0] == "raised" and answer[5] == ["RemoteError"]
        assert seen, f"a {kind} job's result can't be carried over ({result}), and its caller did not see RemoteError"


LIMIT, QUEUE = 3, 4
WIDE = 70
AHEAD = LIMIT + QUEUE
"""So many items may a map have taken beyond those whose results it has handed out."""


def demand_map(subject: Subject) -> None:
    """Map in order, lazily, over exceptions and over an early end."""
    with stage(subject) as on, on.executor("e", io=LIMIT, blocking=LIMIT, queue=QUEUE):
        for kind, name in (("io", "echo-io"), ("blocking", "echo"), ("cpu", "echo")):
            values = on.call(
                "map_all", "e", kind, name, list(range(60)), what=f"a map of {kind} jobs should have ended"
            )
            assert values == list(range(60)), f"a map of {kind} jobs gave other results, or in another order"
        assert on.call("map_all", "e", "io", "echo-io", []) == [], "a map over nothing gave something"
        _demand_order(on)
        _demand_lazy(on)
        _demand_lazy_within(on)
        _demand_failure(on)
        _demand_close(on)
        _demand_left(on)
        _demand_left_at_the_door(on, "door", AHEAD)
        _demand_left_at_the_door(on, "last", AHEAD - 1)
    with stage(subject) as on, on.executor("e", io=WIDE, queue=QUEUE):
        _demand_wide(on)


def _open(on: Stage, key: str, kind: str = "io", count: int = 6) -> None:
    items = [[on.place, f"{kind}-{key}{number}"] for number in range(count)]
    on.call("map_open", "e", key, kind, "meet-io" if kind == "io" else "meet", items, on.place, f"source-{key}")


def _demand_order(on: Stage) -> None:
    _open(on, "order")
    first = on.start("map_next", "order")
    for number in (2, 1):
        on.arrival(f"io-order{number}", "a map should have run as many jobs at once as the limit allows")
        on.finish(f"io-order{number}", number)
        on.departure(f"io-order{number}", "a job of a map should have ended")
    on.settle(SETTLE_SEC / 2)
    assert not on.has_landed(first), "a map gave the result of a later item before that of an earlier one"
    on.finish("io-order0", 0)
    answers = [on.outcome(first, "a map should have given its first result")]
    for number in range(1, 6):
        ticket = on.start("map_next", "order")
        if number > 2:
            on.arrival(f"io-order{number}", "a map should have gone on with the next item")
            on.finish(f"io-order{number}", number)
        answers.append(on.outcome(ticket, "a map should have given its next result"))
    assert answers == [["value", number] for number in range(6)], "a map gave its results in another order"
    assert on.call("map_next", "order") == ["end"], "a map did not end after its last item"


def _demand_wide(on: Stage) -> None:
    """Have a map use a limit that is a large one, before it has given its first result."""
    _open(on, "wide", count=WIDE)
    first = on.start("map_next", "wide")
    on.until(
        lambda: len(on.here("io-wide")) == WIDE,
        f"a map of {WIDE} items should have run as many jobs at once as the limit of {WIDE} allows",
    )
    _cancel_next(on, "wide", first)


def _demand_lazy(on: Stage) -> None:
    taken = 5
    on.call(
        "map_open", "e", "lazy", "io", "echo-io", None, on.place, "source-lazy", what="map should not use up its items"
    )
    for number in range(taken):
        answer = on.call("map_next", "lazy", what="a map over endless items should have given a result", patience_sec=6)
        assert answer == ["value", number], "a map over endless items gave a wrong result"
    _demand_few_taken(on, "source-lazy", taken, "the map")
    on.call("map_close", "lazy", what="aclose() of a map should have returned")


def _demand_lazy_within(on: Stage) -> None:
    """Have a nested job map endless items, and take its time with the first result."""
    on.submit("e", "nested", "nested-mapper")
    on.arrival("nested-mapper", "a nested job should have started")
    on.obey("nested-mapper", "map-one", on.place, "source-within")
    first = on.guests["nested-mapper"].heard("outcome")
    assert first == [["value", 0]], "a nested job's map over endless items gave a wrong first result"
    _demand_few_taken(on, "source-within", 1, "a nested job's map")
    on.obey("nested-mapper", "map-close", "source-within")
    on.end("nested-mapper")


def _demand_few_taken(on: Stage, source: str, handed_out: int, whose: str) -> None:
    on.settle()
    pulled = len(on.guests[source].heard("pulled"))
    assert pulled <= handed_out + AHEAD, (
        f"{handed_out} results were handed out, and {whose} had taken {pulled} items already: at most {AHEAD} more "
        "(the limit and the queue) may have been"
    )


def _demand_failure(on: Stage) -> None:
    _open(on, "fail")
    first = on.start("map_next", "fail")
    for number in range(3):
        on.arrival(f"io-fail{number}", "a map should have run as many jobs at once as the limit allows")
    on.guests["io-fail1"].tell("raise", "LookupError", ["item", 1])
    on.finish("io-fail0", 0)
    assert on.outcome(first, "a map should have given its first result") == ["value", 0], "a map lost a result"
    second = shaped(on.call("map_next", "fail", what="a map should have told of an item that raised"))
    _demand_raised(second, "LookupError", ["item", 1], "an item of a map raised LookupError('item', 1)")
    on.departure("io-fail2", "what a map has under way should have been cancelled when one item raised")
    on.settle(SETTLE_SEC / 2)
    assert not on.here("io-fail"), "a map went on with further items after one of them had raised"
    assert on.call("map_next", "fail") == ["end"], "a map did not end after an item had raised"


def _demand_close(on: Stage) -> None:
    _open(on, "shut")
    first = on.start("map_next", "shut")
    for number in range(3):
        on.arrival(f"io-shut{number}", "a map should have run as many jobs at once as the limit allows")
    on.finish("io-shut0", 0)
    on.outcome(first, "a map should have given its first result")
    on.call("map_close", "shut", what="aclose() of a map should have returned")
    for number in (1, 2):
        on.departure(f"io-shut{number}", "what a map has under way should have been cancelled when it was closed")
    on.settle(SETTLE_SEC / 2)
    assert not on.here("io-shut"), "a map went on with further items after it was closed"


def _demand_left(on: Stage) -> None:
    """Cancel who waits for a map's next result: the map is over."""
    _open(on, "left")
    first = on.start("map_next", "left")
    names = [f"io-left{number}" for number in range(3)]
    for name in names:
        on.arrival(name, "a map should have run as many jobs at once as the limit allows")
    _cancel_next(on, "left", first)
    for name in names:
        on.departure(name, "what a map has under way should have been cancelled with whoever waited for its result")
    on.settle(SETTLE_SEC / 2)
    assert not on.here("io-left"), "a map went on with further items after who waited for its result was cancelled"
    assert on.call("map_next", "left") == ["end"], "a map did not end with whoever waited for its result"


def _demand_left_at_the_door(on: Stage, key: str, others: int) -> None:
    """Cancel who waits for a map that itself waits for room, for its first job or for the next."""
    names = [f"io-before-{key}{number}" for number in range(others)]
    for name in names:
        on.submit("e", "io", name)
    _open(on, key)
    first = on.start("map_next", key)
    on.settle(SETTLE_SEC / 5)
    _cancel_next(on, key, first)
    for name in names:
        on.arrival(name, "a queued io job should have started")
        on.finish(name)
    on.settle(SETTLE_SEC / 2)
    ran = [name for name in on.guests if name.startswith(f"io-{key}")]
    assert not ran, f"a map waited for room, its consumer was cancelled, and {len(ran)} of its jobs ran all the same"


def _cancel_next(on: Stage, key: str, waiting: int) -> None:
    assert on.call("cancel_next", key) is True, "who waits for a map's result could not be cancelled"
    answer = on.outcome(waiting, "whoever waits for a map's result should have been cancelled")
    assert answer == ["cancelled"], "whoever waited for a map's result was cancelled and did not see CancelledError"
