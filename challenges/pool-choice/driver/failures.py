"""Items that something goes wrong with: they raise, do not pickle, or end the process they run in."""

import os
import signal
import sys
import threading

from .asking import GATE, asked, connected, token
from .computing import mixed


class Refused(Exception):
    """An exception whose class cannot be called with its `args`, as unpickling does."""

    def __init__(self, code, *, reason):
        super().__init__(f"{reason} ({code})")
        self.code = code


class Holding(Exception):
    """An exception that does not pickle."""

    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


PLAIN = {
    "key": KeyError,
    "stop": StopIteration,
    "timeout": TimeoutError,
    "eof": EOFError,
    "reset": ConnectionResetError,
}
"""Exceptions that, as a runner's own, would mean that items or a worker are at their end."""


def raising(item):
    """Answer the second part of [how, number], or raise."""
    how, number = item
    if how == "value":
        raise ValueError("no such number", number)
    if how in PLAIN:
        raise PLAIN[how](number)
    if how == "exit":
        sys.exit(number)
    if how == "refused":
        raise Refused(number, reason="not today")
    if how == "holding":
        raise Holding(f"held {number}")
    if how == "returned":
        return ValueError("a result, not a failure", number)
    if how == "returned-refused":
        return Refused(number, reason="not today")
    return number


class Handle:
    """A result that does not pickle."""

    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()


def handles(number):
    """Answer something with a lock in it."""
    return Handle(mixed(number))


def asked_then(item):
    """Wait for the grader's answer, then answer it, or what does not pickle, or raise: [name, key, salt, how]."""
    name, key, salt, how = item
    answer = asked([name, key, salt])
    if how == "handle":
        return Handle(key)
    return answer if how == "fine" else raising([how, key])


def named(item):
    """Answer the name of an item's class, and the item as text; an item may be an exception."""
    return f"{type(item).__name__}: {item}"


class Awkward:
    """An argument that does not pickle."""

    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()


def opened(item):
    """Answer the number of an item that may be `Awkward`."""
    return mixed(item.number if isinstance(item, Awkward) else item)


def dying(item):
    """Ask the grader, then mix a number or end this process: [how, number, name, key]."""
    how, number, name, key = item
    with connected(name, GATE, key) as connection:
        token(connection)
    if how == "exit":
        os._exit(13)
    if how == "success":
        os._exit(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    return mixed(number)
