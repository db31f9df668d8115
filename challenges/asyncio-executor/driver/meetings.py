"""Jobs that meet the grader: each connects, says its name, and does what it is told until it is told to return.

Lines of JSON both ways. The job begins with a hello, answers each command that lets it go on with a line, and ends with
a bye, unless its process is killed. A thread or process meets in `meet`, a coroutine in `meet_io` or `meet_nested`;
most commands are the same for all, and `_told` obeys them. Worker processes import `meet` from here, by name.
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import threading
import time
import weakref

from .items import told_of
from .jobs import VAR, echo, echo_io, echo_nested, work
from .oddities import EXCEPTIONS, SlowResult, StubbornResult
from .shots import shot
from .submission import job, outcome_of, solution
from .words import address, hello, line

ORPHAN_SEC = 20.0
"""Longer than anybody is waited for."""


def _die(how, code=1):
    """End this process: by a signal, with a code, or with a child of it that lives on and holds every open file."""
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "orphan" and os.fork() == 0:
        time.sleep(ORPHAN_SEC)
    os._exit(code)


def _done():
    return line(did=1, var=VAR.get())


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
        case ["exit" | "kill" | "orphan", *_]:
            _die(*command)
        case ["keep"]:
            _kept.connections = [*getattr(_kept, "connections", []), connection.dup()]
        case ["set", value]:
            VAR.set(value)
        case ["look"]:
            pass  # what it sees is said with every answer
        case ["spin", value, modulus, rounds]:
            _spin(connection, value, modulus, rounds)
        case _:
            raise ValueError(f"no such command: {command!r}")
    return None


def _spin(connection, value, modulus, rounds):
    """Compute until the process is killed, and say after every so many rounds how far that has come."""
    while True:
        value = work(value, modulus, rounds)
        connection.sendall(line(spun=value))


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
        connection.connect(address(place))
        connection.sendall(hello(name))
        try:
            with connection.makefile("rb") as commands:
                for command in commands:
                    told = _told(json.loads(command), connection)
                    if told is not None:
                        return told[0]
                    connection.sendall(_done())
        finally:
            connection.sendall(line(bye=1))
    raise RuntimeError("the grader hung up")


async def meet_io(place, name):
    """Meet the grader in a coroutine."""
    return await _meet_on_loop(place, name, None)


async def meet_nested(executor, place, name):
    """Meet the grader in a coroutine that can submit further jobs."""
    return await _meet_on_loop(place, name, executor)


async def _meet_on_loop(place, name, executor):
    reader, writer = await asyncio.open_unix_connection(address(place))
    futures = {}
    writer.write(hello(name))
    try:
        while command := await reader.readline():
            command = json.loads(command)
            if command == ["linger"]:
                writer.write(_done())
                await _linger(reader, writer, executor)
            elif command[0] == "say":
                writer.write(line(said=command[1]))
            elif command[0] == "upon":
                writer.write(_done())
                await shot(command[1]).wait()
                return name
            elif command[0] in {"submit", "await", "map", "map-one", "map-close"}:
                writer.write(await _nested(executor, futures, command))
            else:
                told = _told(command, writer.get_extra_info("socket"))
                if told is not None:
                    return told[0]
                writer.write(_done())
    except asyncio.CancelledError:
        writer.write(line(cancelled=1))
        raise
    finally:
        writer.write(line(bye=1))
        writer.close()
    raise RuntimeError("the grader hung up")


async def _linger(reader, writer, executor):
    """Wait to be cancelled, and then for the grader's word before giving in; says so when cancelled a second time.

    Told to raise something, it does that instead; told to submit, it tries that first.
    """
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        writer.write(line(lingering=1))
        try:
            word = json.loads(await reader.readline() or "[]")
        except asyncio.CancelledError:
            writer.write(line(again=1))
            raise
        if word[:1] == ["raise"]:
            _told(word, None)
        if word[:1] == ["submit"]:
            try:
                await executor.submit(job("io", meet_io, tuple(word[1:]), None))
                writer.write(line(submitted=1))
            except solution.ExecutorClosed:
                writer.write(line(refused=1))
        raise


async def _nested(executor, futures, command):
    match command:
        case ["submit", key, kind, args, timeout_sec]:
            futures[key] = await executor.submit(job(kind, MEETINGS[kind], tuple(args), timeout_sec))
            return line(submitted=key)
        case ["await", key]:
            return line(outcome=await outcome_of(futures[key]))
        case ["map", kind, items]:
            functions = {"io": echo_io, "blocking": echo, "cpu": echo, "nested": echo_nested}
            return line(outcome=["value", [value async for value in executor.map(kind, functions[kind], items)]])
        case ["map-one", place, source]:
            futures[source] = executor.map("io", echo_io, told_of(place, source, itertools.count()))
            return line(outcome=["value", await anext(futures[source])])
        case ["map-close", source]:
            await futures.pop(source).aclose()
            return line(closed=source)
    raise ValueError(f"no such command: {command!r}")


MEETINGS = {"io": meet_io, "blocking": meet, "cpu": meet, "crash": meet, "nested": meet_nested}


# ---- held by nothing but the loop

_unheld = weakref.WeakValueDictionary()


async def meet_unheld(place, name):
    """Wait for a future that nobody but this coroutine holds, then meet the grader."""
    future = asyncio.get_running_loop().create_future()
    _unheld[name] = future
    await future
    del future
    return await meet_io(place, name)


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
