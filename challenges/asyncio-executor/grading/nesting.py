"""Nested jobs: they submit and wait while everything is full, and take what they submitted with them."""

from stage import SETTLE_SEC, Stage, Subject, stage

SUMS = 40


def demand_nested(subject: Subject) -> None:
    """Fill every lane and every queue, and have nested jobs submit all the same."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=2, queue=1):
        for kind in ("io", "blocking", "cpu"):
            for letter in "ab":
                on.submit("e", kind, f"{kind}-{letter}")
            on.arrival(f"{kind}-a", f"a {kind} job should have started")
        parents = ("nested-1", "nested-2")
        for parent in (*parents, "nested-3"):
            on.submit("e", "nested", parent)
        for parent in parents:
            on.arrival(parent, "two nested jobs should have run at once, which is their limit")
            _submit_children(on, parent)
        on.settle()
        for kind in ("io", "blocking", "cpu"):
            assert on.here(f"{kind}-") == [f"{kind}-a"], f"a nested job's {kind} jobs run in excess of the limit of 1"
        _work_off(on)
        for parent in parents:
            _collect(on, parent)
        on.arrival("nested-3", "a nested job has ended, and its slot should have come back")
        on.finish("nested-3")


def demand_nested_map(subject: Subject) -> None:
    """Have a nested job map to nested jobs, with its lane and its queue full: they are in its slot."""
    with stage(subject) as on, on.executor("e", nested=1, queue=1):
        for name in ("nested-mapper", "nested-queued"):
            on.submit("e", "nested", name)
        on.arrival("nested-mapper", "a nested job should have started")
        on.submitting("e", "nested", "nested-at-the-door")
        on.settle(SETTLE_SEC / 2)
        mapper = on.guests["nested-mapper"]
        mapper.tell("map", "nested", [3, 1, 2])
        what = "a nested job that maps to nested jobs should have had their results, however full the executor is"
        on.until(lambda: bool(mapper.heard("outcome")), what)
        assert mapper.heard("outcome") == [["value", [3, 1, 2]]], "a nested job's map gave other results"
        on.end("nested-mapper")


def _submit_children(on: Stage, parent: str) -> None:
    for kind in ("io", "blocking", "cpu", "crash", "nested"):
        name = f"cpu-{parent}-crash" if kind == "crash" else f"{kind}-{parent}"
        before = len(on.guests[parent].said)
        on.guests[parent].tell("submit", kind, kind, [on.place, name], None)
        what = f"a nested job that submits a {kind} job should not have had to wait, however full the executor is"
        on.until(lambda before=before: len(on.guests[parent].said) > before, what)
    child = f"nested-{parent}"
    on.arrival(child, "a nested job's nested job should have started at once, in its parent's slot")
    on.obey(child, "submit", "io", "io", [on.place, f"io-{child}"], None)


def _work_off(on: Stage) -> None:
    """Let every job but the nested ones return as soon as it is there, until none is left."""
    left = {"io": 2 + 2 + 2, "blocking": 2 + 2, "cpu": 2 + 4}
    for kind, count in left.items():
        for _ in range(count):
            what = f"the next {kind} job should have started: jobs and those that wait for them hold each other up"
            on.until(lambda kind=kind: bool(on.here(f"{kind}-")), what)
            name = on.here(f"{kind}-")[0]
            on.finish(name, name)
            on.departure(name, f"a {kind} job should have ended")


def _collect(on: Stage, parent: str) -> None:
    child = f"nested-{parent}"
    _await_child(on, child, "io", f"io-{child}")
    on.finish(child, "sum")
    expected = {"io": f"io-{parent}", "blocking": f"blocking-{parent}", "cpu": f"cpu-{parent}", "nested": "sum"}
    for key, value in {**expected, "crash": f"cpu-{parent}-crash"}.items():
        _await_child(on, parent, key, value)
    on.finish(parent, 1)
    assert on.result(parent, "a nested job should have ended") == ["value", 1], "a nested job's result was lost"


def _await_child(on: Stage, parent: str, key: str, value: str) -> None:
    on.obey(parent, "await", key)
    heard = on.guests[parent].heard("outcome")
    assert heard[-1:] == [["value", value]], f"a nested job did not get the result of a {key} job that it submitted"


def demand_nested_crowd(subject: Subject) -> None:
    """Have many more nested jobs than slots, each waiting for several jobs of its own, of every kind."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=2, queue=3):
        for kind in ("io", "blocking", "cpu"):
            numbers = {on.start("run", "e", "nested", "sum", [kind, _calls(kind, n)]): n for n in range(SUMS)}
            for ticket, n in numbers.items():
                answer = on.outcome(ticket, f"nested jobs that wait for {kind} jobs should all have ended")
                assert answer == ["value", _sum(kind, n)], f"a nested job did not get the results of its {kind} jobs"
        assert on.call("run", "e", "nested", "sum", ["io", []]) == ["value", 0], "a nested job's result was lost"


def _calls(kind: str, number: int) -> list[list[int]]:
    """Give the arguments of three jobs of a nested one; a cpu job computes."""
    return [[n, MODULUS, 1] if kind == "cpu" else [n] for n in range(number, number + 3)]


def _sum(kind: str, number: int) -> int:
    return sum(n * n % MODULUS if kind == "cpu" else n for n in range(number, number + 3))


MODULUS = 97


def demand_nested_cancel(subject: Subject) -> None:
    """Cancel a nested job, and let another run out of time: what they submitted is cancelled with them."""
    with stage(subject) as on, on.executor("e", io=2, blocking=1, cpu=1):
        for name, timeout_sec in (("nested-cancelled", None), ("nested-late", 1.5)):
            on.submit("e", "blocking", f"blocking-before-{name}")
            on.arrival(f"blocking-before-{name}", "a blocking job should have started")
            on.submit("e", "nested", name, timeout_sec=timeout_sec)
            on.arrival(name, "a nested job should have started")
            children = {"io": f"io-{name}", "blocking": f"blocking-{name}", "nested": f"nested-of-{name}"}
            for kind, child in children.items():
                on.guests[name].tell("submit", kind, kind, [on.place, child], None)
            for kind in ("io", "nested"):
                on.arrival(children[kind], f"a nested job's {kind} job should have started")
            if timeout_sec is None:
                on.call("cancel", name)
            for kind in ("io", "nested"):
                on.departure(children[kind], f"a nested job was stopped, and its {kind} job should have been cancelled")
            on.finish(f"blocking-before-{name}")
            on.settle(SETTLE_SEC)
            stray = children["blocking"] in on.guests
            assert not stray, "a nested job was stopped, and a job that it had queued ran all the same"


def demand_nested_cancelled_once(subject: Subject) -> None:
    """Tell off a nested job, and what that is a part of, while coroutines below clean up: nobody is told twice."""
    with stage(subject) as on, on.executor("e", io=4):
        on.submit("e", "nested", "nested-top")
        on.arrival("nested-top", "a nested job should have started")
        on.obey("nested-top", "submit", "middle", "nested", [on.place, "nested-middle-late"], MIDDLE_LATE_SEC)
        on.arrival("nested-middle-late", "a nested job's nested job should have started at once")
        timeouts = {"io-child": None, "nested-child": None, "io-late": LATE_SEC, "nested-late": LATE_SEC}
        for name, timeout_sec in timeouts.items():
            on.guests["nested-middle-late"].tell("submit", name, name.partition("-")[0], [on.place, name], timeout_sec)
        for name in timeouts:
            on.arrival(name, "a nested job's jobs should have started")
        names = ["nested-middle-late", *timeouts]
        for name in names:
            on.guests[name].tell("linger")
        for name in names:
            on.told_off(name, "a job ran out of time, and it or what it submitted should have been cancelled")
        on.call("cancel", "nested-top")
        on.departure("nested-top", "a nested job should have been cancelled")
        on.settle(SETTLE_SEC / 2)
        for name in names:
            before = "ran out of time" if name.endswith("late") else "was cancelled"
            assert not on.guests[name].heard("again"), (
                f"a coroutine that {before} and cleans up was cancelled again, with the nested job that it belongs to"
            )
            on.guests[name].tell("go on")
        for name in names:
            on.departure(name, "a coroutine should have ended when it had cleaned up")


LATE_SEC, MIDDLE_LATE_SEC = 0.3, 0.7


def demand_nested_outlived(subject: Subject) -> None:
    """End a nested job before the nested job that it submitted, which doesn't count: others have the slot."""
    with stage(subject) as on, on.executor("e", nested=1):
        on.submit("e", "nested", "nested-parent")
        on.arrival("nested-parent", "a nested job should have started")
        on.obey("nested-parent", "submit", "child", "nested", [on.place, "nested-child"], None)
        on.arrival("nested-child", "a nested job's nested job should have started at once, in its parent's slot")
        on.end("nested-parent")
        ended = "a nested job has ended before the nested job that it submitted"
        on.submit("e", "nested", "nested-next")
        on.arrival("nested-next", f"{ended}, which doesn't count against the limit: the next should have had its slot")
        on.submit("e", "nested", "nested-last")
        on.obey("nested-child", "submit", "child", "nested", [on.place, "nested-grandchild"], None)
        on.arrival("nested-grandchild", f"{ended}, and what that one submits should have started at once")
        for name in ("nested-grandchild", "nested-child"):
            on.finish(name)
            on.departure(name, "a nested job's nested job should have ended")
        on.settle(SETTLE_SEC / 2)
        assert "nested-last" not in on.guests, f"{ended}, and when that has ended too, 2 run, and 1 may"
        on.end("nested-next")
        on.arrival("nested-last", "a nested job has ended, and its slot should have come back")


INNER = 3


def demand_nested_beside_queue(subject: Subject) -> None:
    """Have a nested job's jobs wait in a lane, and see that others still find its whole queue."""
    limits = {"io": 1, "blocking": 1, "cpu": 1, "nested": 1, "queue": 2}
    with stage(subject) as on, on.executor("e", **limits):
        on.submit("e", "nested", "nested-parent")
        on.arrival("nested-parent", "a nested job should have started")
        for kind in ("io", "blocking", "cpu", "nested"):
            for number in range(INNER):
                name = f"{kind}-inner{number}"
                on.obey("nested-parent", "submit", name, kind, [on.place, name], None)
            on.arrival(f"{kind}-inner0", f"a nested job's {kind} job should have started")
        tickets = {
            kind: [on.submitting("e", kind, f"{kind}-outer{number}") for number in range(4)]
            for kind in ("io", "blocking", "cpu", "nested")
        }
        for kind, (first, second, *_) in tickets.items():
            what = (
                f"with {INNER} {kind} jobs of a nested job in their lane, of which none counts against `queue`, and no "
                f"others waiting, submit should have accepted {limits['queue']}, the limit of the queue"
            )
            on.outcome(first, what)
            on.outcome(second, what)
        on.settle(SETTLE_SEC / 2)
        for kind, (*_, fourth) in tickets.items():
            assert not on.has_landed(fourth), (
                f"beside {kind} jobs of a nested job, submit accepted 4 jobs, where 1 may run and 2 may wait"
            )
        ending = on.start("shutdown", "e", False, 5.0)
        on.departure("nested-parent", "shutdown(drain=False) should have stopped a running nested job")
        on.finish("blocking-inner0")  # not before: the next one would start
        on.outcome(ending, "shutdown(drain=False) should have returned when the last blocking function had")


def demand_nested_survived(subject: Subject) -> None:
    """End nested jobs by a result and by an exception before what they have submitted, which goes on."""
    with stage(subject) as on, on.executor("e", io=1, nested=1):
        for how, command in (("returned", ["return", 1]), ("raised", ["raise", "ValueError", []])):
            parent, children = f"nested-{how}", [f"io-{how}{number}" for number in (1, 2)]
            on.submit("e", "nested", parent)
            on.arrival(parent, "a nested job should have started")
            for child in children:  # one runs, and one waits
                on.obey(parent, "submit", child, "io", [on.place, child], None)
            on.arrival(children[0], "a nested job's io job should have started")
            on.guests[parent].tell(*command)
            on.departure(parent, "a nested job should have ended")
            on.settle(SETTLE_SEC / 2)
            for child in children:
                on.arrival(child, f"a nested job {how}, and a job that it had submitted should have run all the same")
                stopped = on.guests[child].heard("cancelled") or not on.guests[child].here
                assert not stopped, f"a nested job {how}, and a job that it had submitted was cancelled: it goes on"
                on.finish(child)
                on.departure(child, "an io job should have ended")
