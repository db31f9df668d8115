"""Adapt a submission's `Executor` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: nearly every job here *meets* the grader. It connects to a Unix socket of the grader's, says its
name, and does what it is told over that connection, until it is told to return. So the grader sees by itself which jobs
run at any instant, and when one ends: a killed process closes its connection, a cancelled coroutine says so on it. A
connection can be left behind in the thread or process that ran a job; it closes when that thread or process ends, which
shows leaks.

    meet, meet_io, meet_nested   the jobs; worker processes import them from this file, as `driver`
    open_, submit, result, ...   calls of the executor's interface, one each
    let_in_and_cancelled         a race between room for a submitter and its end
    submit_and_look              what is seen of a context variable that jobs change
    ping                         a heartbeat, answered on the submission's loop
    bulk_..., mix                many small jobs at once
    census                       threads, processes, tasks and files of this process
"""

import asyncio
import contextvars
import gc
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
import weakref

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  every worker process pays for pathlib
if HERE not in sys.path:
    sys.path.append(HERE)  # worker processes have to find this file

import solution  # noqa: E402

VAR = contextvars.ContextVar("VAR", default="unset")
"""What jobs see, or do not see, of their submitter's context."""

TRACEBACK_CHARS = 16_000


class OddError(Exception):
    """An exception that pickles and can't be rebuilt: it wants two arguments and hands on one."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")


class LockedError(Exception):
    """An exception that can't be pickled: it holds a lock."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.lock = threading.Lock()


class HomesickError(Exception):
    """An exception that pickles and can be rebuilt in the process that made it, and nowhere else."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.given = code, text

    def __reduce__(self):
        return _rebuilt_at_home, (os.getpid(), *self.given)


def _rebuilt_at_home(pid, code, text):
    if os.getpid() != pid:
        raise ValueError("far from home")
    return HomesickError(code, text)


class StubbornResult:
    """A result that pickles and can't be rebuilt."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ValueError("not to be rebuilt")


class SlowResult:
    """A result that takes a while to be rebuilt."""

    def __reduce__(self):
        return _take_time, ()


def _take_time():
    time.sleep(SLOW_SEC)
    return "rebuilt"


SLOW_SEC = 0.05


EXCEPTIONS = {
    "LookupError": LookupError,
    "ValueError": ValueError,
    "OSError": OSError,
    "SystemExit": SystemExit,
    "OddError": OddError,
    "LockedError": LockedError,
    "HomesickError": HomesickError,
}


# ---- jobs that meet the grader


def _address(place):
    return os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), place)  # noqa: PTH118, PTH120


def _line(**what):
    return json.dumps(what).encode() + b"\n"


def _hello(name):
    return _line(name=name, pid=os.getpid(), thread=threading.get_ident(), var=VAR.get())


def _die(code=None):
    """End this process with a code, or, without one, by a signal."""
    if code is None:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(code)


def _done():
    return _line(did=1, var=VAR.get())


_kept = threading.local()


def _told(command, connection):
    """Do what a command says; gives a list with the result when the job is to return."""
    match command:
        case ["return", value]:
            return [value]
        case ["raise", name, arguments]:
            raise EXCEPTIONS[name](*arguments)
        case ["raise-deep", depth, name, arguments]:
            _descend(depth, name, arguments)
        case ["result", kind]:
            return [{"unpicklable": threading.Lock, "stubborn": StubbornResult, "slow": SlowResult}[kind]()]
        case ["exit" | "kill", *code]:
            _die(*code)
        case ["keep"]:
            _kept.connections = [*getattr(_kept, "connections", []), connection.dup()]
        case ["set", value]:
            VAR.set(value)
        case ["look"]:
            pass  # what it sees is said with every answer
        case ["work", seed, rounds]:
            return [work(seed, rounds)]
        case _:
            raise ValueError(f"no such command: {command!r}")
    return None


def _descend(depth, name, arguments):
    """Raise from far down; by turns with another function, so that no printed traceback can leave lines out."""
    _descend_further(depth - 1, name, arguments)


def _descend_further(depth, name, arguments):
    if depth <= 0:
        _raise_innermost(name, arguments)
    _descend(depth - 1, name, arguments)


def _raise_innermost(name, arguments):
    deepest = EXCEPTIONS[name](*arguments)
    raise deepest


def meet(place, name):
    """Meet the grader in a thread or a process."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(_address(place))
        connection.sendall(_hello(name))
        try:
            with connection.makefile("rb") as commands:
                for command in commands:
                    told = _told(json.loads(command), connection)
                    if told is not None:
                        return told[0]
                    connection.sendall(_done())
        finally:
            connection.sendall(_line(bye=1))
    raise RuntimeError("the grader hung up")


async def meet_io(place, name):
    """Meet the grader in a coroutine."""
    return await _meet_on_loop(place, name, None)


async def meet_nested(executor, place, name):
    """Meet the grader in a coroutine that can submit further jobs."""
    return await _meet_on_loop(place, name, executor)


async def _meet_on_loop(place, name, executor):
    reader, writer = await asyncio.open_unix_connection(_address(place))
    futures = {}
    writer.write(_hello(name))
    try:
        while command := await reader.readline():
            command = json.loads(command)
            if command == ["linger"]:
                writer.write(_done())
                await _linger(reader, writer)
            elif command[0] in {"submit", "await", "map"}:
                writer.write(await _nested(executor, futures, command))
            else:
                told = _told(command, writer.get_extra_info("socket"))
                if told is not None:
                    return told[0]
                writer.write(_done())
    except asyncio.CancelledError:
        writer.write(_line(cancelled=1))
        raise
    finally:
        writer.write(_line(bye=1))
        writer.close()
    raise RuntimeError("the grader hung up")


async def _linger(reader, writer):
    """Wait to be cancelled, and then for the grader's word before giving in; says so when cancelled a second time."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        writer.write(_line(lingering=1))
        try:
            await reader.readline()
        except asyncio.CancelledError:
            writer.write(_line(again=1))
        raise


async def _nested(executor, futures, command):
    match command:
        case ["submit", key, kind, args, timeout_sec]:
            futures[key] = await executor.submit(_job(kind, MEETINGS[kind], tuple(args), timeout_sec))
            return _line(submitted=key)
        case ["await", key]:
            return _line(outcome=await _outcome(futures[key]))
        case ["map", kind, items]:
            functions = {"io": echo_io, "blocking": echo, "cpu": echo}
            return _line(outcome=["value", [value async for value in executor.map(kind, functions[kind], items)]])
    raise ValueError(f"no such command: {command!r}")


MEETINGS = {"io": meet_io, "blocking": meet, "cpu": meet, "crash": meet, "nested": meet_nested}


# ---- small jobs


async def echo_io(value):
    """Give it back, after a turn of the loop."""
    await asyncio.sleep(0)
    return value


def echo(value):
    """Give it back."""
    return value


async def wait_io(value, seconds):
    """Give it back, later."""
    await asyncio.sleep(seconds)
    return value


def wait(value, seconds):
    """Give it back, later, and hold the thread meanwhile."""
    time.sleep(seconds)
    return value


def work(seed, rounds):
    """Compute something that takes the interpreter `rounds` steps."""
    value = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    for _ in range(rounds):
        value = (value * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    return value


async def sum_nested(executor, values, kind):
    """Submit a job for each value and add up what they return."""
    function = {"io": echo_io, "blocking": echo, "cpu": echo}[kind]
    futures = [await executor.submit(_job(kind, function, (value,), None)) for value in values]
    return sum([await future for future in futures])


async def change_io(value):
    """Set the context variable and give what it was."""
    return change(value)


async def change_nested(_executor, value):
    """Set the context variable and give what it was."""
    return change(value)


def change(value):
    """Set the context variable and give what it was."""
    seen = VAR.get()
    VAR.set(value)
    return seen


def spin(seed):
    """Compute until the process is killed."""
    while True:
        seed = work(str(seed), 10_000)


_unheld = weakref.WeakValueDictionary()


async def meet_unheld(place, name):
    """Wait for a future that nobody but this coroutine holds, then meet the grader."""
    future = asyncio.get_running_loop().create_future()
    _unheld[name] = future
    await future
    del future
    return await meet_io(place, name)


FUNCTIONS = {
    "meet": None,  # by kind
    "meet-unheld": meet_unheld,
    "echo-io": echo_io,
    "echo": echo,
    "wait-io": wait_io,
    "wait": wait,
    "work": work,
    "sum": sum_nested,
    "spin": spin,
    "lambda": lambda: None,  # can't be pickled
}


# ---- the executor's interface, call by call

_executors = {}
_futures = {}
_submitting = {}
_maps = {}
_taking = {}
_scopes = {}


def _job(kind, function, args, timeout_sec):
    return solution.Job(kind=kind, function=function, args=args, timeout_sec=timeout_sec)


def _function(kind, name):
    return MEETINGS[kind] if name == "meet" else FUNCTIONS[name]


async def open_(ex, limits):
    """Make an executor and enter it."""
    executor = solution.Executor(solution.Limits(**limits))
    _executors[ex] = executor
    await executor.__aenter__()


async def submit(ex, key, kind, name, args, timeout_sec, var):
    """Submit one job; answers when it was accepted."""
    VAR.set(var)  # this call is a task with a context of its own
    _submitting[key] = asyncio.current_task()
    try:
        _futures[key] = await _executors[ex].submit(_job(kind, _function(kind, name), tuple(args), timeout_sec))
    except solution.ExecutorClosed as fault:
        return ["closed", isinstance(fault, RuntimeError)]
    except asyncio.CancelledError:
        return ["cancelled"]
    finally:
        del _submitting[key]
    return ["accepted", VAR.get()]


async def submit_and_forget(ex, kind, name, args):
    """Submit one job and hold nothing of it."""
    await _executors[ex].submit(_job(kind, _function(kind, name), tuple(args), None))


async def cancel_submit(key):
    """Cancel whoever waits to submit."""
    return _submitting[key].cancel()


async def submit_and_look(ex, kind):
    """Have two jobs change the context variable, and look at it; gives what each of them saw, and then this caller."""
    function = {"io": change_io, "blocking": change, "nested": change_nested}[kind]
    VAR.set("own")
    seen = [await (await _executors[ex].submit(_job(kind, function, (f"changed{n}",), None))) for n in range(2)]
    return [*seen, VAR.get()]


async def let_in_and_cancelled(kind, room, turns):
    """Cancel the first of two submitters so many turns of the loop after room was made for one.

    Room is made by a job that `ended` or by a queued one that was `cancelled`. Answers [whether the first submit was
    cancelled, how often its job ran, how many of three further jobs are accepted without anything ending].
    """
    async with solution.Executor(solution.Limits(io=1, blocking=1, cpu=1, nested=1, queue=1)) as executor:
        gate, ran = _gate(kind), []
        hold, note = _holding(kind)
        held = [await executor.submit(_job(kind, hold, (gate,), None)) for _ in range(2)]
        waiting = [asyncio.create_task(executor.submit(_job(kind, note, (ran, n), None))) for n in range(2)]
        await asyncio.sleep(0.001)
        if room == "ended":
            gate.set()
        else:
            held[1].cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting[0].cancel()
        outcome = await _outcome(waiting[0])
        gate.set()
        await asyncio.gather(*held, return_exceptions=True)
        await (await waiting[1])
        if outcome[0] == "value":
            await outcome[1]
        return [outcome[0] == "cancelled", ran.count(0), await _places(executor, kind)]


async def _places(executor, kind):
    """Count how many of three jobs that do not end by themselves are accepted, where two should be."""
    gate, (hold, _) = _gate(kind), _holding(kind)
    submits = [asyncio.create_task(executor.submit(_job(kind, hold, (gate,), None))) for _ in range(3)]
    for _ in range(PLACES_TRIES):
        await asyncio.sleep(0.002)
        accepted = sum(submit.done() for submit in submits)
        if accepted >= 2:
            break
    gate.set()
    await asyncio.gather(*await asyncio.gather(*submits))
    return accepted


PLACES_TRIES = 1_000


def _gate(kind):
    return threading.Event() if kind == "blocking" else asyncio.Event()


def _holding(kind):
    """Give two functions for a kind: one that waits at a gate, and one that notes that it ran."""
    return (_hold_thread, _note_thread) if kind == "blocking" else (_hold, _note)


async def _hold(*args):  # a nested job gets the executor before its arguments
    await args[-1].wait()


async def _note(*args):
    args[-2].append(args[-1])


def _hold_thread(gate):
    gate.wait()


def _note_thread(ran, number):
    ran.append(number)


async def result(key):
    """Wait for a job's outcome."""
    return await _outcome(_futures[key])


async def _outcome(future):
    try:
        return ["value", await future]
    except asyncio.CancelledError:
        return ["cancelled"]
    except BaseException as fault:  # noqa: BLE001  a job's SystemExit too
        return ["raised", *_described(fault)]


def _described(fault):
    text = "".join(traceback.format_exception(fault))[-TRACEBACK_CHARS:]
    own = [name for name in ("WorkerCrashed", "RemoteError", "ExecutorClosed") if _is_own(fault, name)]
    args = [arg if isinstance(arg, int | str | float | None) else repr(arg) for arg in fault.args]
    return type(fault).__name__, args, text, type(fault).__module__, own


def _is_own(fault, name):
    return isinstance(fault, getattr(solution, name))


async def cancel(key):
    """Cancel a job."""
    return _futures[key].cancel()


async def run(ex, kind, name, args):
    """Submit one job and wait for its outcome, as most callers do."""
    return await _outcome(await _executors[ex].submit(_job(kind, _function(kind, name), tuple(args), None)))


async def forget():
    """Let go of every future that has been handed out."""
    _futures.clear()
    collect()


def collect():
    """Collect garbage."""
    for _ in range(3):
        gc.collect()


async def unheld_waits(name):
    """Tell whether such a job has begun to wait."""
    return name in _unheld


async def open_unheld(name):
    """Let a job go on that waits for a future of its own; says whether it is still there."""
    future = _unheld.get(name)
    if future is None:
        return False
    future.set_result(None)
    return True


async def stats(ex):
    """Ask for the counts; plain data, whatever the submission makes them of."""
    given = _executors[ex].stats()
    return {
        str(kind): {str(name): count for name, count in dict(counts).items() if isinstance(count, int)}
        for kind, counts in given.items()
    }


async def shutdown(ex, drain, timeout_sec):
    """Shut an executor down."""
    await _executors[ex].shutdown(drain=drain, timeout_sec=timeout_sec)


async def shutdown_cancelled(ex):
    """Shut an executor down, and give up waiting for it."""
    ending = asyncio.create_task(_executors[ex].shutdown())
    await asyncio.sleep(0.05)
    ending.cancel()
    return await _outcome(ending)


async def shutdown_plainly(ex):
    """Shut an executor down without arguments."""
    await _executors[ex].shutdown()


async def within(ex, limits, fault):
    """Use an executor in `async with`, until `leave` is called; then leave its end, or by an exception."""
    leaving = _scopes[ex] = asyncio.Event()
    try:
        async with solution.Executor(solution.Limits(**limits)) as executor:
            _executors[ex] = executor
            await leaving.wait()
            if fault == "CancelledError":
                asyncio.current_task().cancel()
                await asyncio.Event().wait()
            elif fault is not None:
                raise WITHIN[fault]("from within")  # noqa: TRY301
    except BaseException as seen:  # noqa: BLE001  among them what ends a task
        return ["raised", type(seen).__name__]
    return ["left"]


WITHIN = {"KeyError": KeyError, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}


async def leave(ex):
    """Let `within` go on to the end of its block."""
    _scopes[ex].set()


# ---- map


def _items(place, name, items):
    """Give items one by one and tell the grader of each."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(_address(place))
        connection.sendall(_hello(name))
        try:
            for item in items if items is not None else _for_ever():
                connection.sendall(_line(pulled=1))
                yield item
        finally:
            connection.sendall(_line(bye=1))


def _for_ever():
    number = 0
    while True:
        yield number
        number += 1


async def meet_item(item):
    """Meet the grader for one item of a map."""
    return await meet_io(*item)


def meet_item_blocking(item):
    """Meet the grader for one item of a map, in a thread or process."""
    return meet(*item)


MAPPED = {"echo-io": echo_io, "echo": echo, "meet-io": meet_item, "meet": meet_item_blocking}


async def map_open(ex, key, kind, name, items, place, source):
    """Begin a map over items that tell the grader when they are taken; without items, over all numbers."""
    items = _items(place, source, None if items is None else [tuple(i) if isinstance(i, list) else i for i in items])
    _maps[key] = _executors[ex].map(kind, MAPPED[name], items)


async def map_next(key):
    """Take a map's next result."""
    _taking[key] = asyncio.current_task()
    try:
        return ["value", await anext(_maps[key])]
    except StopAsyncIteration:
        return ["end"]
    except asyncio.CancelledError:
        return ["cancelled"]
    except BaseException as fault:  # noqa: BLE001
        return ["raised", *_described(fault)]
    finally:
        del _taking[key]


async def cancel_next(key):
    """Cancel whoever waits for a map's next result."""
    return _taking[key].cancel()


async def map_all(ex, kind, name, items):
    """Take all of a map's results."""
    return [value async for value in _executors[ex].map(kind, MAPPED[name], items)]


async def map_close(key):
    """Give up a map."""
    await _maps.pop(key).aclose()


# ---- many at once


async def bulk_submit(ex, key, count):
    """Submit many small io jobs, one after another."""
    executor = _executors[ex]
    _futures[key] = [await executor.submit(_job("io", echo_io, (number,), None)) for number in range(count)]


async def bulk_cancel(key, numbers):
    """Cancel some of them."""
    for number in numbers:
        _futures[key][number].cancel()


async def bulk_results(key):
    """Wait for all of them; a cancelled one is None."""
    outcomes = await asyncio.gather(*_futures[key], return_exceptions=True)
    return [None if isinstance(outcome, asyncio.CancelledError) else outcome for outcome in outcomes]


async def mix(ex, jobs):
    """Submit jobs and give all their results, in order."""
    executor = _executors[ex]
    futures = [await executor.submit(_job(kind, _function(kind, name), tuple(args), None)) for kind, name, args in jobs]
    return list(await asyncio.gather(*futures))


# ---- what surrounds it


async def ping(number):
    """Answer, with a number that is new each time."""
    return [os.getpid(), threading.get_ident(), number]


async def kill(pid):
    """Kill a process from outside of it."""
    os.kill(pid, signal.SIGKILL)


async def census():
    """Count what a program must not leak."""
    _futures.clear()
    _executors.clear()
    _maps.clear()
    _scopes.clear()
    collect()
    await asyncio.sleep(0)
    return {
        "threads": len(os.listdir("/proc/self/task")),
        "processes": len(_descendants()),
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
    }


def _descendants():
    """List the processes that this one started, and those that they started."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            if state != b"Z":
                parents[int(entry)] = int(parent)
    found, fresh = set(), {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found
