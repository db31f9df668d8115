"""What jobs raise and return on the grader's word; most of it can't be carried from one process to another."""

import os
import threading
import time


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
    "TimeoutError": TimeoutError,
    "EOFError": EOFError,
    "StopIteration": StopIteration,
    "BaseException": BaseException,
    "OddError": OddError,
    "LockedError": LockedError,
    "HomesickError": HomesickError,
}
