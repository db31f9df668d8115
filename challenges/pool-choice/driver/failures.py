"""Items that something goes wrong with: they raise, do not pickle, or end the process they run in."""

import os
import signal
import sys
import threading

from .asking import GATE, LIFELINE, asked, connected, token
from .computing import mixed


class Refused(Exception):
    """An exception whose class cannot be called with its `args`, as unpickling does."""

    def __init__(self, code, *, reason):
        super().__init__(f"{reason} ({code})")
        self.code = code


class Holding(Exception):
    """An exception that does not pickle."""

    def __init__(self, number):
        super().__init__(f"held {number}")
        self.lock = threading.Lock()


class Worded(Exception):
    """An exception that does not pickle, and whose message is not in its `args`."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.lock = threading.Lock()

    def __str__(self):
        return f"nobody is number {self.number}"


class Noted(Exception):
    """An exception that does not pickle, with a message of two lines and a note, which is none of it."""

    def __init__(self, number):
        super().__init__(f"first {number}\nthen {number}")
        self.lock = threading.Lock()
        self.add_note("seen by the night shift")


class Renamed(Exception):
    """An exception that comes back from pickling as one of another class."""

    def __reduce__(self):
        return ValueError, ("somebody else",)


class Emptied(Exception):
    """An exception that comes back from pickling as something else."""

    def __reduce__(self):
        return dict, ()


class Unhashable(Exception):
    """An exception that is equal to its like, as a dataclass is, and so has no hash."""

    def __eq__(self, other):
        return type(other) is Unhashable and self.args == other.args

    __hash__ = None


OWN = {
    "unhashable": Unhashable,
    "holding": Holding,
    "worded": Worded,
    "noted": Noted,
    "renamed": Renamed,
    "emptied": Emptied,
}

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
    if how in OWN:
        raise OWN[how](number)
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


class Leaving:
    """A result that does not pickle, and says so by `SystemExit`."""

    def __reduce__(self):
        sys.exit(3)


class Aloof:
    """A result that pickles and will not be compared, hashed, counted or called true: like an array, and more so."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        raise ValueError("the truth value is ambiguous")

    __ne__ = __lt__ = __gt__ = __eq__
    __hash__ = None

    def __bool__(self):
        raise ValueError("the truth value is ambiguous")

    def __len__(self):
        raise TypeError("it has no length")


def aloof(number):
    """Answer an `Aloof` result."""
    return Aloof(mixed(number))


def approached(item):
    """Answer the number of an `Aloof` item."""
    return mixed(item.number)


def asked_then(item):
    """Wait for the grader's answer, then answer it, or what does not pickle, or raise: [name, key, salt, how]."""
    name, key, salt, how = item
    answer = asked([name, key, salt])
    if how == "handle":
        return Handle(key)
    if how == "leaving":
        return Leaving()
    return answer if how == "fine" else raising([how, key])


def named(item):
    """Answer the name of an item's class, and the item as text; an item may be an exception."""
    return f"{type(item).__name__}: {item}"


class Awkward:
    """An argument that does not pickle: by an error, or, where its number is odd, by `SystemExit`."""

    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()

    def __getstate__(self):
        if self.number % 2:
            sys.exit(3)
        return self.__dict__


def opened(item):
    """Answer the number of an item that may be `Awkward`."""
    return mixed(item.number if isinstance(item, Awkward) else item)


SOON_SEC = 0.1
"""Enough for a result to be sent."""

_until_the_end = []
"""Connections by which the grader sees that this process has ended."""


def dying(item):
    """Ask the grader, then mix a number or end this process, at once or soon after: [how, number, name, key]."""
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
    if how == "soon":
        _until_the_end.append(connected(name, LIFELINE, key))
        threading.Timer(SOON_SEC, os._exit, (1,)).start()
    return mixed(number)
