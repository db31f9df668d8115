"""Runs beside the submission: builds batches, has them run, and tells what came back as plain data.

The functions that items go through live here too. A spawned process imports this file as the module `driver`, finds
them, and does not import the submission for it.
"""

import hashlib
import multiprocessing
import os
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from array import array
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from operator import is_not
from random import Random

FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib takes longer to import

if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)  # spawned processes are given this path

IN_WORKER = multiprocessing.parent_process() is not None

if not IN_WORKER:
    multiprocessing.set_start_method("spawn", force=True)
    import solution
    from solution import Batch, Profile, Stage


# ---- what items go through

_serving = None
"""The id of the process that answers the grader: it is set there and nowhere else, so only a copy of it has another."""


class Forked(BaseException):
    """An item runs in a process that was copied from the one that called `run`."""


_caller = None
"""The thread of that process that calls `run`."""


def _demand_unforked():
    if _serving is not None and _serving != os.getpid():
        raise Forked("this item runs in a fork of the process that called run()")


QUESTION = struct.Struct("<qq")
TOKEN = struct.Struct("<q")
GATE, LIFELINE = 0, 1
SECOND_STAGE = 1_000_000


def squarings(item):
    """Square `x` and take 2 off, modulo `n`, `rounds` times, and give the low 60 bits.

    Nobody can shorten it who can't factor `n`, and no function of a library does it.
    """
    x, n, rounds = item
    _demand_unforked()
    for _ in range(rounds):
        x = (x * x - 2) % n
    return x & 0xFFFFFFFFFFFFFFF


def compressed(data):
    """Compress and hash bytes: most of it without the GIL."""
    _demand_unforked()
    return hashlib.sha256(zlib.compress(data, 1)).digest()


def part_of_array(item):
    """Sort one part of a large array and answer a digest of it: NumPy lets go of the GIL."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    _demand_unforked()
    big, first, last, step = item
    part = big[first:last].copy()
    for _ in range(3):
        part *= 1.25
        part %= 1.0
    part.sort()
    return int(np.bitwise_xor.reduce(part[::step].view(np.uint64)))


def mixed(number):
    """Mix the bits of a number: far less work than any call across threads."""
    return number * number * number % 1_000_000_000_000_000_000_000_007 & 0xFFFFFFFF


def asked(item):
    """Ask the grader and wait for its answer: [name of its socket, key, salt]."""
    name, key, salt = item
    with _connected(name, GATE, key) as connection:
        return _token(connection) ^ salt


def asked_then_number(item):
    """Wait for the grader's answer and make of [name, key, n, rounds] what `squarings` takes."""
    name, key, n, rounds = item
    with _connected(name, GATE, key) as connection:
        return [_token(connection) % n, n, rounds]


def asked_then_asking(item):
    """Wait for the grader's answer and make of it another item for `asked`, with another key."""
    name, key, salt = item
    return [name, key + SECOND_STAGE, asked([name, key, salt])]


def asked_or_raise(item):
    """Do as `asked_then_asking`, but raise for odd keys."""
    _, key, salt = item
    if key % 2:
        raise LookupError(key, salt)
    return asked_then_asking(item)


_own = threading.local()


def on_a_lifeline(item):
    """Hold a connection to the grader for as long as this thread, or this process, lives; else as `asked`."""
    name, key, _ = item
    if not hasattr(_own, "lifeline"):
        _own.lifeline = _connected(name, LIFELINE, key)
    return asked(item)


def _connected(name, purpose, key):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name))  # noqa: PTH118, PTH120
    connection.sendall(QUESTION.pack(purpose, key))
    return connection


def _token(connection):
    data = b""
    while len(data) < TOKEN.size:
        more = connection.recv(TOKEN.size - len(data))
        if not more:
            raise ConnectionError("the grader hung up")
        data += more
    return TOKEN.unpack(data)[0]


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


def raising(item):
    """Answer the second part of [how, number], or raise."""
    how, number = item
    if how == "value":
        raise ValueError("no such number", number)
    if how == "key":
        raise KeyError(number)
    if how == "exit":
        sys.exit(number)
    if how == "refused":
        raise Refused(number, reason="not today")
    if how == "holding":
        raise Holding(f"held {number}")
    if how == "stop":
        raise StopIteration(number)
    if how == "timeout":
        raise TimeoutError(number)
    if how == "returned":
        return ValueError("a result, not a failure", number)
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


def whereabouts(_item):
    """Answer where an item runs, as the kinds of plans are called."""
    if _serving != os.getpid():
        return "processes"
    return "inline" if threading.get_ident() == _caller else "threads"


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
    with _connected(name, GATE, key) as connection:
        _token(connection)
    if how == "exit":
        os._exit(13)
    if how == "success":
        os._exit(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    return mixed(number)


_log_lock = threading.Lock()
"""Like a library's log lock: at any moment some thread may hold it. A forked child inherits it locked, for good."""

os.register_at_fork(before=_log_lock.acquire, after_in_parent=_log_lock.release)


def logged(item):
    """Take the lock around a little work."""
    x, n, rounds = item
    with _log_lock:
        pass
    return squarings([x, n, rounds])


def turned(data):
    """Answer as many bytes as were given."""
    _demand_unforked()
    return bytes(data[::-1])


def naps(seconds):
    """Sleep."""
    time.sleep(seconds)
    return seconds


FUNCTIONS = {
    function.__name__: function
    for function in (
        squarings,
        compressed,
        part_of_array,
        mixed,
        asked,
        asked_then_number,
        asked_or_raise,
        asked_then_asking,
        on_a_lifeline,
        raising,
        handles,
        asked_then,
        named,
        whereabouts,
        opened,
        dying,
        logged,
        turned,
        naps,
    )
}


# ---- what the grader calls


def plans(profiles):
    """Plan each profile: [kind, workers, chunk size], or what was raised."""
    return [_planned(Profile(**profile)) for profile in profiles]


def _planned(profile):
    try:
        plan = solution.plan(profile)
        return ["plan", str(plan.kind), plan.workers, plan.chunk_size]
    except Exception as fault:  # noqa: BLE001  it is told as an answer
        return ["raised", type(fault).__name__, str(fault)]


def run(stages, items):
    """Run a batch whose items are plain data, and tell each entry of the result."""
    return _run_and_tell(_batch(stages, items))


def run_awkward(stages, numbers, awkward):
    """Run a batch of numbers, of which those at the places in `awkward` do not pickle."""
    items = [Awkward(number) if place in awkward else number for place, number in enumerate(numbers)]
    return _run_and_tell(_batch(stages, items))


_returned = None
"""The list that `run` returned last: the next must be another."""


def _run_and_tell(batch):
    """Run a batch, and see besides that the list is new and the batch as it was."""
    global _returned  # noqa: PLW0603  one process serves one submission
    before = list(batch.items)
    results, earlier = solution.run(batch), _returned
    _returned = results
    if results is batch.items:
        return ["not new", "the batch's own list of items"]
    if results is earlier:
        return ["not new", "the list that the run before had returned"]
    if len(batch.items) != len(before) or any(map(is_not, batch.items, before)):
        return ["changed", "the batch's list of items"]
    return _told(results)


def _batch(stages, items):
    global _serving, _caller
    _serving, _caller = os.getpid(), threading.get_ident()
    return Batch(
        stages=tuple(Stage(function=FUNCTIONS[name], profile=Profile(**profile)) for name, profile in stages),
        items=items,
    )


def _told(results):
    if type(results) is not list:
        return ["not a list", type(results).__name__]
    return ["list", [_entry(result) for result in results]]


def _entry(result):
    if isinstance(result, solution.Failed):
        return _failure(result.error)
    if isinstance(result, Handle):
        return ["handle", result.number]
    if isinstance(result, ValueError):
        return ["exception as a result", str(result)]
    return ["result", result]


def _failure(error):
    if isinstance(error, solution.WorkerDied):
        return ["died", str(error)]
    args = [arg if type(arg) in (int, str) else "?" for arg in getattr(error, "args", ())]
    return ["failed", type(error).__name__, args, str(error)]


def open_files():
    """Say how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


TRACKER_LOOKS, TRACKER_LOOK_SEC = 500, 0.01
"""It gets five seconds to end."""


def end_tracker():
    """End `multiprocessing`'s resource tracker, if there is one; it begins again where it is needed."""
    tracker = resource_tracker._resource_tracker
    with tracker._lock:
        file, process = tracker._fd, tracker._pid
        tracker._fd = tracker._pid = None
    with suppress(OSError):  # what is noted there need not be true; the grader counts what is left
        if file is not None:
            os.close(file)  # which is what it waits for
        for _ in range(TRACKER_LOOKS if process is not None else 0):
            if os.waitpid(process, os.WNOHANG)[0]:
                break
            time.sleep(TRACKER_LOOK_SEC)


# ---- what bars time: the items come with the call, and the results leave with its answer

_big = None
_big_made_of = None


def rest():
    """Let go of what is held."""
    global _big, _big_made_of, _held, _returned  # noqa: PLW0603  one process serves one submission
    _big = _big_made_of = _held = _returned = None


def run_packed(stages, items):
    """Run a batch and answer its results as uint64 where they are that, else entry by entry."""
    return _packed(solution.run(_batch(stages, items)))


def run_numbers(stages, raw):
    """Do the same with items sent as uint64."""
    return run_packed(stages, list(array("Q", raw)))


def run_blocks(stages, blocks, length):
    """Run a batch of large blocks of bytes, each some noise and then one byte over and over."""
    return run_packed(stages, [noise + bytes([filler]) * (length - len(noise)) for noise, filler in blocks])


def hold_big(seed, length):
    """Hold a large array of random numbers, made from `seed`, unless it is held already."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    global _big, _big_made_of  # noqa: PLW0603
    if _big_made_of != [seed, length]:
        _big = np.random.default_rng(seed).random(length)
        _big_made_of = [seed, length]


def run_parts(stages, parts, step):
    """Run a batch of parts of the held array."""
    return run_packed(stages, [(_big, first, last, step) for first, last in parts])


def _packed(results):
    if type(results) is list and all(type(result) is int for result in results):
        try:
            return array("Q", results).tobytes()
        except OverflowError:
            pass
    return _told(results)


# ---- the kinds side by side, for the predictions: called in the reference's container only


_held = None


def hold_public(name, seed):
    """Hold the items of a public workload."""
    global _held  # noqa: PLW0603
    _held = None
    _held = PUBLIC[name](Random(seed))


def run_public(kind):
    """Run the held public workload by one kind and answer how many results there were."""
    return len(KINDS[kind](_held))


# ---- the same as in starter/workloads.py, from here to the end


@dataclass(frozen=True)
class Workload:
    """Items that each go through one function; what the kinds are given to do it with."""

    function: Callable
    items: list
    threads: int = 2
    chunk_size: int = 1


def pure_python(rng):
    """Compute in pure Python: 40 items of about 20 ms."""
    return Workload(squarings, [(rng.getrandbits(120), rng.getrandbits(120) | 1, 100_000) for _ in range(40)])


def short_batch(rng):
    """Compute in pure Python, but only 10 ms in all: 10 items of 1 ms."""
    return Workload(squarings, [(rng.getrandbits(120), rng.getrandbits(120) | 1, 5_000) for _ in range(10)])


def compression(rng):
    """Compress and hash 16 items of 512 KiB, 17 ms each."""
    sixteen = bytes(number % 16 for number in range(256))
    return Workload(compressed, [rng.randbytes(2**19).translate(sixteen) for _ in range(16)])


def numpy_arrays(rng):
    """Sort 24 NumPy arrays of 2 MiB, 10 ms each."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    arrays = [np.random.default_rng(rng.getrandbits(32)).random(2**18) for _ in range(24)]
    return Workload(part_of_array, [(each, 0, len(each), 1000) for each in arrays])


def big_argument(rng):
    """Sort the twelfths of one NumPy array of 16 MiB: every item holds the whole array."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    big = np.random.default_rng(rng.getrandbits(32)).random(2**21)
    part = len(big) // 12
    return Workload(part_of_array, [(big, first, first + part, 1000) for first in range(0, 12 * part, part)])


def waiting(_rng):
    """Wait 20 ms, 40 times."""
    return Workload(naps, [0.02] * 40, threads=32)


def tiny_tasks(rng):
    """Do very little, 20,000 times."""
    return Workload(mixed, [rng.getrandbits(32) for _ in range(20_000)], chunk_size=100)


PUBLIC = {
    "pure-python": pure_python,
    "short-batch": short_batch,
    "compression": compression,
    "numpy-arrays": numpy_arrays,
    "big-argument": big_argument,
    "waiting": waiting,
    "tiny-tasks": tiny_tasks,
}


def inline(workload):
    """Run a workload in this thread."""
    return [workload.function(item) for item in workload.items]


def threads(workload):
    """Run a workload on threads."""
    with ThreadPoolExecutor(workload.threads) as pool:
        return list(pool.map(workload.function, workload.items))


def processes(workload):
    """Run a workload in two processes, from starting them to their end."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(workload.function, workload.items, chunksize=workload.chunk_size))


KINDS = {"inline": inline, "threads": threads, "processes": processes}
