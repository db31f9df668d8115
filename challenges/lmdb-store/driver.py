"""Adapt a submission's `Store` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: three kinds of calls.

    replay(operations)            checks: operations on named stores and scans, answered one by one
    peer_start, peer_replay, ...  the same in other processes, which are fresh interpreters that run this file, or forks
    build, gets, scan_rows, ...   the bars: one held store, input in, whole answer out, garbage collector off

Stores live in folders below a root: the disk, or the small temporary file system, which can be filled. Keys travel as
lists; many rows as columns: tenants, each row's tenant by its place there, times, numbers, values end to end, lengths.
"""

import contextlib
import gc
import itertools
import os
import pickle
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib
from array import array

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
for _folder in (os.environ.get("TAKEHOME_SUBMISSION", _HERE), _HERE):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

import lmdb  # noqa: E402
from solution import Store, StoreError  # noqa: E402

sys.modules.setdefault("driver", sys.modules[__name__])


def _path(folder):
    """Say where a folder is: "small/x" is on the small file system, everything else on the disk."""
    if folder.startswith("small/"):
        return os.path.join(tempfile.gettempdir(), folder.removeprefix("small/"))  # noqa: PTH118
    return os.path.join(os.environ["TAKEHOME_DISK"], folder)  # noqa: PTH118


# ---- operations, replayed one after another


class _Stopped(Exception):
    """What an iterable raises in the middle."""


class _OfTwo(Exception):
    """What can be pickled, but not read back: it is made of two things and keeps one."""

    def __init__(self, what, why):
        super().__init__(f"{what}: {why}")


def _fault(name):
    """Make an exception of the class that is so called."""
    if name == "_OfTwo":
        return _OfTwo("it", "stopped")
    kinds = (
        _Stopped,
        StoreError,
        lmdb.Error,
        struct.error,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        MemoryError,
        OSError,
        FileNotFoundError,
        BrokenPipeError,
        EOFError,
        SystemExit,
    )
    return {kind.__name__: kind for kind in kinds}[name]("it stopped")


def _odd(kind):
    """Give a key or a value that is none, by name."""
    return {
        "none": None,
        "number": 7,
        "text": "text",
        "pair": ("a", 1),
        "four": ("a", 1, 2, 3),
        "tenant-bytes": (b"a", 1, 2),
        "tenant-none": (None, 1, 2),
        "tenant-surrogate": ("a\ud800", 1, 2),
        "tenant-long": ("a" * 241, 1, 2),
        "tenant-long-in-bytes": ("\u20ac" * 81, 1, 2),
        "tenant-very-long": ("x" * 100_000, 1, 2),
        "ts-text": ("a", "1", 2),
        "ts-none": ("a", None, 2),
        "ts-float": ("a", 1.0, 2),
        "ts-above": ("a", 2**63, 2),
        "ts-below": ("a", -(2**63) - 1, 2),
        "ts-far": ("a", 2**70, 2),
        "seq-text": ("a", 1, "2"),
        "seq-none": ("a", 1, None),
        "seq-float": ("a", 1, 2.5),
        "seq-below": ("a", 1, -1),
        "seq-above": ("a", 1, 2**32),
        "value-none": None,
        "value-text": "text",
        "value-number": 7,
        "value-array": bytearray(b"bytes"),
        "value-long": bytes(64 * 1024 + 1),
    }[kind]


def _bound(bound):
    return None if bound is None else tuple(bound)


def _key(key):
    return tuple(key)


def _items(rows):
    return [((tenant, ts, seq), value) for tenant, ts, seq, value in rows]


def _rows(rows):
    """Give rows as plain lists; what is no row shows as such."""
    return [[*key, value] if type(key) is tuple and type(value) is bytes else ["no row"] for key, value in rows]


_stores = {}
_scans = {}


def _operation_open(store, folder, *map_size):
    _stores[store] = Store.open(_path(folder), **({"map_size": map_size[0]} if map_size else {}))


def _operation_close(store):
    return _stores[store].close()


def _operation_forget(store):
    _stores.pop(store).close()


def _operation_put_odd_key(store, before, kind, after):
    return _stores[store].put_many([*_items(before), (_odd(kind), b"value"), *_items(after)])


def _operation_put_odd_value(store, before, kind, after):
    return _stores[store].put_many([*_items(before), (("odd", 1, 2), _odd(kind)), *_items(after)])


def _operation_put_raising(store, rows, name):
    def items():
        yield from _items(rows)
        raise _fault(name)

    return _stores[store].put_many(items())


def _operation_put_reading(store, rows, key):
    """Put an iterable that reads the store half way through; answer what it saw."""
    seen = []

    def items():
        for position, item in enumerate(_items(rows)):
            if position == len(rows) // 2:
                _read(_stores[store], _key(key), seen)
            yield item

    return [_stores[store].put_many(items()), *seen]


READER_SEC = 6.0


def _operation_put_while_threads_read(store, rows, key):
    """Put an iterable that waits until another thread has read the store."""
    seen = []

    def items():
        items = iter(_items(rows))
        yield next(items)
        reader = threading.Thread(target=_read, args=(_stores[store], _key(key), seen), daemon=True)
        reader.start()
        reader.join(READER_SEC)
        if reader.is_alive():
            seen.append("the next read waits for the writer")
        yield from items

    return [_stores[store].put_many(items()), *seen]


def _read(store, key, seen):
    """Read a store in every way, and tell by and by what was seen."""
    seen.append(["get", store.get(key)])
    seen.append(["get_many", store.get_many([key])])
    seen.append(["count", store.count((key[0],))])
    seen.append(["scan", _rows(store.scan(None, None, 3, True))])
    seen.append(["parallel_scan", sum(len(part) for part in store.parallel_scan(None, None, 2, fold_rows))])


def _operation_get_many_amid(store, keys, place, peer, write):
    """Get many keys of an iterable; before it gives that at `place`, a peer writes."""

    def given():
        for number, key in enumerate(keys):
            if number == place:
                answers.extend(peer_replay(peer, [write]))
            yield _key(key)

    answers = []
    values = _stores[store].get_many(given())
    return [values, answers]


def _operation_begin(scan, store, lo, hi, limit, reverse):
    _scans[scan] = iter(_stores[store].scan(_bound(lo), _bound(hi), limit, reverse))


def _operation_next(scan, count):
    return _rows(itertools.islice(_scans[scan], count))


def _operation_drop(scan):
    del _scans[scan]
    gc.collect()


def _operation_with(folder, rows, fails):
    """Use the store as a context manager; answer what using it afterwards comes to."""
    try:
        with Store.open(_path(folder)) as store:
            store.put_many(_items(rows))
            if fails:
                raise _Stopped  # noqa: TRY301  as whoever uses a store would
    except _Stopped:
        pass
    return _run(lambda: store.get(("a", 1, 1)))


def _operation_fork(store, scan, key):
    """Fork, use what was opened before in the child, close it and let go of it there; answer what the child saw."""

    def look():
        answers = _attempts(_stores[store], _scans[scan], _key(key))
        _run(_stores[store].close)
        _stores.clear()
        _scans.clear()
        gc.collect()
        return answers

    return _in_a_fork(look)


def _attempts(store, scan, key):
    """Use a store in every way, and name each answer."""
    attempts = {
        "get": lambda: store.get(key),
        "get_many": lambda: store.get_many([key]),
        "scan": lambda: list(store.scan()),
        "a scan begun before": lambda: len(list(scan)),
        "count": lambda: store.count((key[0],)),
        "put_many": lambda: store.put_many([(key, b"from the child")]),
        "delete_range": lambda: store.delete_range(None, None),
        "parallel_scan": lambda: store.parallel_scan(None, None, 2, fold_total),
    }
    return [[name, *_run(attempt)[:2]] for name, attempt in attempts.items()]


STAYS_SEC = 6
"""How long a child lives on that nobody ends; a store that waits for it should not be kept for ever."""


class _Ended(BaseException):
    """Leads a forked child of a peer to the end of its program."""


def _operation_fork_ending():
    """Fork a child that comes to the end of its program, as after `sys.exit`; only for peers."""
    child = os.fork()
    if child == 0:
        raise _Ended
    _, status = os.waitpid(child, 0)
    return status


def _operation_close_beside_child(store):
    """Close while a forked child lives on; answer whether it was still there then."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(STAYS_SEC)
        while True:
            signal.pause()
    try:
        _stores[store].close()
        return os.waitpid(child, os.WNOHANG)[0] == 0
    finally:
        _signal(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _operation_parallel_returning(store, lo, hi, workers):
    """Tell what a fold's results are, if not nothing."""
    parts = _stores[store].parallel_scan(_bound(lo), _bound(hi), workers, fold_returning)
    return [[type(part).__name__, str(part)] for part in parts if part is not None]


def _operation_parallel_raising(store, lo, hi, workers):
    """Tell what a parallel scan raises whose fold does, be it an `Exception` or not."""
    try:
        return ["gave", len(_stores[store].parallel_scan(_bound(lo), _bound(hi), workers, fold_raising))]
    except BaseException as fault:  # noqa: BLE001  whatever it is, is the answer
        return ["raised", type(fault).__name__, str(fault)[:500]]


THREADS_SEC = 40.0
"""Whoever starts processes for each call is slow, but not wrong."""


def _operation_parallel_threads(store, ranges, calls):
    """Scan in parallel on several threads at once, each its range so many times; answer what each call gave."""
    answers = [[] for _ in ranges]
    begin = threading.Barrier(len(ranges))

    def scan(lo, hi, answers):
        begin.wait()
        for _ in range(calls):
            answers.append(_run(lambda: _stores[store].parallel_scan(_bound(lo), _bound(hi), 2, fold_ends)))

    threads = [
        threading.Thread(target=scan, args=(*range_, answer), daemon=True)
        for range_, answer in zip(ranges, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + THREADS_SEC
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    return [list(answer) for answer in answers]


HOLD_AT_MOST_SEC = 0.1
"""A writer that waits for the held ones, as the store may have it, would wait for ever."""

BEGUN_SEC = 0.01
LOOK_EVERY_SEC = 0.0005


def _operation_parallel_held(store, workers, held, peer, write):
    """Scan in parallel with worker processes held up, while a peer writes once; `held` tells which: "all", 0 or -1."""
    stopped = set()
    _stop_workers(held, stopped)
    hold = threading.Thread(target=_hold_up, args=(held, stopped, peer, write))
    hold.start()
    try:
        return _stores[store].parallel_scan(None, None, workers, fold_rows)
    finally:
        hold.join()
        peer_receive(peer)


def _hold_up(held, stopped, peer, write):
    """Stop worker processes that are being started, too; have the peer write; then let all go on."""
    until = time.monotonic() + BEGUN_SEC
    try:
        while time.monotonic() < until:
            time.sleep(LOOK_EVERY_SEC)
            _stop_workers(held, stopped)
        peer_send(peer, [write])
        select.select([_peers[peer].process.stdout], [], [], HOLD_AT_MOST_SEC)
    finally:
        for pid in stopped:
            _signal(pid, signal.SIGCONT)


def _stop_workers(held, stopped):
    workers = sorted(_workers())
    for pid in workers if held == "all" else workers[held:][:1]:
        if pid not in stopped:
            stopped.add(pid)
            _signal(pid, signal.SIGSTOP)


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _workers():
    """Find the processes that came of this one, but for peers."""
    parents = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
    peers = {peer.pid for peer in _peers.values()}
    found, generation = set(), {os.getpid()}
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - peers - found
        found |= generation
    return found


_OPERATIONS = {
    "open": _operation_open,
    "close": _operation_close,
    "forget": _operation_forget,
    "put": lambda store, rows: _stores[store].put_many(_items(rows)),
    "put-each": lambda store, rows: [_stores[store].put_many([item]) for item in _items(rows)],
    "put-generator": lambda store, rows: _stores[store].put_many(item for item in _items(rows)),
    "put-odd-key": _operation_put_odd_key,
    "put-odd-value": _operation_put_odd_value,
    "put-raising": _operation_put_raising,
    "put-reading": _operation_put_reading,
    "put-while-threads-read": _operation_put_while_threads_read,
    "get-many-amid": _operation_get_many_amid,
    "get": lambda store, key: _stores[store].get(_key(key)),
    "get-odd": lambda store, kind: _stores[store].get(_odd(kind)),
    "get-many": lambda store, keys: _stores[store].get_many([_key(key) for key in keys]),
    "get-many-odd": lambda store, keys, kind: _stores[store].get_many([*map(_key, keys), _odd(kind)]),
    "delete": lambda store, lo, hi: _stores[store].delete_range(_bound(lo), _bound(hi)),
    "delete-odd": lambda store, kind: _stores[store].delete_range(_odd(kind), None),
    "scan-odd": lambda store, kind: _rows(_stores[store].scan(_odd(kind), None)),
    "count": lambda store, prefix: _stores[store].count(_bound(prefix)),
    "scan": lambda store, lo, hi, limit, reverse: _rows(_stores[store].scan(_bound(lo), _bound(hi), limit, reverse)),
    "begin": _operation_begin,
    "next": _operation_next,
    "drop": _operation_drop,
    "with": _operation_with,
    "fork": _operation_fork,
    "fork-ending": _operation_fork_ending,
    "close-beside-child": _operation_close_beside_child,
    "parallel": lambda store, lo, hi, workers: _stores[store].parallel_scan(_bound(lo), _bound(hi), workers, fold_rows),
    "parallel-held": _operation_parallel_held,
    "parallel-returning": _operation_parallel_returning,
    "parallel-raising": _operation_parallel_raising,
    "parallel-threads": _operation_parallel_threads,
    "parallel-failing": lambda store, lo, hi, workers: _stores[store].parallel_scan(
        _bound(lo), _bound(hi), workers, fold_failing
    ),
}


def _run(action):
    """Carry out one action and describe its answer, or what it raised."""
    try:
        return ["gave", action()]
    except StoreError as fault:
        return ["raised", "StoreError", str(fault)[:500]]
    except Exception as fault:  # noqa: BLE001  whatever a store raises is its answer
        return ["raised", type(fault).__name__, str(fault)[:500]]


def replay(operations):
    """Carry out operations and answer each: ["gave", answer] or ["raised", class, message]."""
    return [_run(lambda name=name, given=given: _OPERATIONS[name](*given)) for name, *given in operations]


def reset(folders):
    """Let go of every store, scan and process, and remove folders."""
    for name in list(_peers):
        peer_kill(name)
    _scans.clear()
    for store in _stores.values():
        store.close()
    _stores.clear()
    _let_go()
    for folder in folders:
        shutil.rmtree(_path(folder), ignore_errors=True)


# ---- other processes

_peers = {}


_BE_A_PEER = f"import sys; sys.path.insert(0, {_HERE!r}); import driver; driver.be_a_peer()"
"""Imported, not run: what it folds with must be a module's that other processes can import."""


class _Peer:
    """Another process that replays operations, spoken to by pipes: a fresh interpreter."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BE_A_PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self.process.pid

    def send(self, operations):
        pickle.dump(operations, self.process.stdin)
        self.process.stdin.flush()

    def receive(self):
        return pickle.load(self.process.stdout)  # noqa: S301  our own process

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def peer_start(name):
    """Start another process."""
    _peers[name] = _Peer()


def peer_replay(name, operations):
    """Replay operations in another process."""
    _peers[name].send(operations)
    return _peers[name].receive()


def peer_send(name, operations):
    """Begin to replay operations in another process, without waiting."""
    _peers[name].send(operations)


def peer_receive(name):
    """Wait for what `peer_send` began."""
    return _peers[name].receive()


def peer_kill(name):
    """End another process by SIGKILL."""
    _peers.pop(name).end(signal.SIGKILL)


def be_a_peer():
    """Replay what comes in until nothing does."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            operations = pickle.load(questions)  # noqa: S301  from our own parent
        except EOFError:
            return
        try:
            pickle.dump(replay(operations), answers)
        except _Ended:
            return
        answers.flush()


def _in_a_fork(action):
    """Run `action` in a forked child and give its answer; the child lives on in `action` only."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(receiving)
            with os.fdopen(sending, "wb") as pipe:
                pickle.dump(action(), pipe)
            status = 0
        except BaseException:  # noqa: BLE001  a child must never return into its parent's code
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        raw = pipe.read()
    _, status = os.waitpid(child, 0)
    if not raw or status:
        raise RuntimeError(f"a process that used the store ended with status {status}")
    return pickle.loads(raw)  # noqa: S301  our own child


# ---- crashes


def _acknowledge(name):
    """Connect to the grader's socket, which hears of each batch that is stored."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name))  # noqa: PTH118, PTH120
    return connection


_batches = []


def keep_batches(batches):
    """Remember the batches that crashing processes store."""
    _batches[:] = [_items(rows) for rows in batches]


def write_for_ever(name, folder):
    """Store one batch after another, each with its running number, and tell the grader of each, until killed."""
    with _acknowledge(name) as connection, Store.open(_path(folder)) as store:
        for number in itertools.count():
            connection.sendall(number.to_bytes(4, "big"))
            batch = _batches[number % len(_batches)]
            store.put_many([*batch, (("m-number", 0, 0), str(number + 1).encode())])


def crash(name, folder, after_sec):
    """Kill a process that does that, so long after it has begun; answer whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(name, folder)
        finally:
            os._exit(1)
    time.sleep(after_sec)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def found(folder, extra):
    """Open a store in a fresh process; answer all rows, and what a write and closing come to."""

    def look():
        with Store.open(_path(folder)) as store:
            rows = _columns(store.scan())
            put = store.put_many(_items(extra))
            return [rows, put, store.get_many([_key(row[:3]) for row in extra])]

    return _found_by(look)


def found_only(folder):
    """Open a store in a fresh process and answer all rows."""

    def look():
        with Store.open(_path(folder)) as store:
            return _columns(store.scan())

    return _found_by(look)


def _found_by(look):
    """Look in a forked process, which may die of it."""
    answer = _run(lambda: _in_a_fork(lambda: _run(look)))
    return answer[1] if answer[0] == "gave" else answer


# ---- a full disk


def fill(store, rows, most):
    """Put batches of rows, of other tenants each, until one fails; answer how many were stored, and the failure."""
    for number in range(most):
        answer = _run(lambda number=number: _stores[store].put_many(_items(rows_of(rows, number))))
        if answer[0] == "raised":
            return [number, answer]
    return [most, ["gave", "every batch was stored"]]


def rows_of(rows, number):
    """Give the rows of batch `number`: those of the first, of another tenant."""
    return [[f"{tenant}-{number:04d}", ts, seq, value] for tenant, ts, seq, value in rows]


def ballast(mib):
    """Take up space on the small file system, or give it back when `mib` is 0; answer the free bytes."""
    path = _path("small/takehome-ballast")
    if mib:
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(bytes(mib * 1024 * 1024))
    else:
        os.remove(path)  # noqa: PTH107
    status = os.statvfs(tempfile.gettempdir())
    return status.f_bavail * status.f_frsize


def ballast_to_the_brim():
    """Take up what is left of the small file system; answer the free bytes."""
    with (
        contextlib.suppress(OSError),
        open(_path("small/takehome-ballast"), "ab", buffering=0) as file,  # noqa: PTH123
    ):
        while file.write(bytes(4096)):
            pass
    status = os.statvfs(tempfile.gettempdir())
    return status.f_bavail * status.f_frsize


# ---- more than fits into memory

LARGE_BYTES = 64 * 1024


def _large(number):
    return number.to_bytes(8, "big") * (LARGE_BYTES // 8)


def put_large(store, first, count, step):
    """Store large values in batches of `step`."""
    for start in range(first, first + count, step):
        _stores[store].put_many((("large", number, 0), _large(number)) for number in range(start, start + step))


def total(store, reverse):
    """Digest a scan of everything, and count it."""
    return [fold_total(_stores[store].scan(reverse=reverse)), _stores[store].count(("large",))]


# ---- what parallel scans fold


def fold_rows(rows):
    """Give all rows of a part."""
    return _rows(rows)


def fold_failing(rows):
    """Fail at a certain row."""
    for _, value in rows:
        if value == b"fail here":
            raise ValueError("the fold failed")
    return 0


def fold_raising(rows):
    """Raise what the first row says."""
    for _, value in rows:
        raise _fault(value.decode())


def fold_returning(rows):
    """Give what the first row says, or nothing."""
    returned = {
        b"an exception": ValueError("given"),
        b"an error of the store": StoreError("given"),
        b"an exit": SystemExit("given"),
        b"a class": ValueError,
        b"a pair": (None, ValueError("given")),
        b"false": False,
        b"a list": [],
    }
    for _, value in rows:
        return returned[value]
    return None


def fold_ends(rows):
    """Give the first and the last key of a part, and how many rows it has."""
    first = key = None
    count = 0
    for key, _ in rows:
        first = first or key
        count += 1
    return [list(first), list(key), count] if count else None


DIGESTED_BYTES = 40
SALT = os.path.join(tempfile.gettempdir(), "fold-salt")  # noqa: PTH118


def _shake(salt):
    """Tell all processes a number that goes into every fold from now on, so that no fold has its result beforehand."""
    with open(SALT, "wb") as file:  # noqa: PTH123
        file.write(salt.to_bytes(4, "big"))


def _salt():
    try:
        with open(SALT, "rb") as file:  # noqa: PTH123
            return int.from_bytes(file.read(), "big")
    except FileNotFoundError:
        return 0


def fold_total(rows):
    """Digest a part: its first and last key, its rows, and a sum that does not depend on how a range is cut."""
    crc32, salt = zlib.crc32, _salt()
    first = key = None
    count = total = 0
    for key, value in rows:
        if first is None:
            first = key
        _, ts, seq = key
        count += 1
        mixed = (crc32(value, seq) ^ (ts & 0xFFFF_FFFF)) % 1_000_003
        for byte in value[:DIGESTED_BYTES]:
            mixed = (mixed * 31 + byte) & 0xFFFF_FFFF
        total += mixed ^ salt
    return [list(first), list(key), count, total] if count else None


# ---- one held store

_held = None
_writing = None
_BESIDE = "beside"
"""The peer that writes to the held store now and then."""


def _quiet(function):
    """Keep the garbage collector out of what is timed."""

    def quiet(*args):
        gc.disable()
        try:
            return function(*args)
        finally:
            gc.enable()

    quiet.__name__ = function.__name__
    quiet.__doc__ = function.__doc__
    return quiet


def _let_go():
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is not None:
        _, store, copy = _held
        if _BESIDE in _peers:
            peer_kill(_BESIDE)
        store.close()
        _held = None
        if copy:
            shutil.rmtree(copy)


def _keys(columns):
    tenants, numbers, times, seqs = columns[:4]
    return list(zip(map(tenants.__getitem__, array("H", numbers)), array("q", times), array("I", seqs), strict=True))


def _batch(columns):
    """Make items of columns; a last column of lengths tells where values end."""
    values, lengths = columns[4], array("I", columns[5])
    ends = itertools.accumulate(lengths)
    return list(
        zip(
            _keys(columns), [values[end - length : end] for end, length in zip(ends, lengths, strict=True)], strict=True
        )
    )


def _columns(rows):
    """Give rows as columns; the tenants by runs."""
    rows = list(rows)
    if not rows:
        return [[], b"", b"", b"", b"", b""]
    keys, values = zip(*rows, strict=True)
    tenants, times, seqs = zip(*keys, strict=True)
    names = list(dict.fromkeys(tenants))
    numbers = {name: number for number, name in enumerate(names)}
    return [
        names,
        array("H", map(numbers.__getitem__, tenants)).tobytes(),
        array("q", times).tobytes(),
        array("I", seqs).tobytes(),
        b"".join(values),
        array("I", map(len, values)).tobytes(),
    ]


def begin(folder):
    """Hold a new store in a folder, to fill it."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    remove(folder)
    _held = folder, Store.open(_path(folder)), None


def hold(folder):
    """Hold the store of a folder unless it is held already: a copy, as processes of other containers hold it too."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is None or _held[0] != folder:
        _let_go()
        copy = _path(f"{folder}-{os.urandom(6).hex()}")
        shutil.copytree(_path(folder), copy)
        _held = folder, Store.open(copy), copy
    gc.collect()


def let_go():
    """Close the held store."""
    _let_go()


def remove(folder):
    """Remove a folder."""
    if _held is not None and _held[0] == folder:
        _let_go()
    shutil.rmtree(_path(folder), ignore_errors=True)


def put(batches):
    """Store batches in the held store."""
    return [_held[1].put_many(_batch(columns)) for columns in batches]


def write_beside(rows):
    """Have another process store rows in the held store, which it keeps open too."""
    if _BESIDE not in _peers:
        peer_start(_BESIDE)
        peer_replay(_BESIDE, [["open", "s", os.path.basename(_held[2])]])  # noqa: PTH119
    return peer_replay(_BESIDE, [["put", "s", rows]])


# ---- the bars


@_quiet
def gets(columns):
    """Get keys that are there, one by one; answer their values end to end."""
    get = _held[1].get
    return b"".join([get(key) for key in _keys(columns)])


@_quiet
def get_many(batches):
    """Get many keys at once, of which some are not there."""
    answer = []
    for columns in batches:
        values = _held[1].get_many(_keys(columns))
        answer.append([b"".join(filter(None, values)), bytes([value is None for value in values])])
    return answer


@_quiet
def scan_rows(lo, hi, limit, reverse):
    """Scan a range; answer its rows as columns."""
    return _columns(_held[1].scan(_bound(lo), _bound(hi), limit, reverse))


@_quiet
def bulk_load(folder, batches):
    """Open a new store, load batches of rows, close it, and answer all it holds."""
    _let_go()
    with Store.open(_path(folder)) as store:
        taken = [store.put_many(_batch(columns)) for columns in batches]
        return [taken, _columns(store.scan())]


@_quiet
def fold_parallel(salt, lo, hi, workers):
    """Fold a range in parallel; answer each part's digest."""
    _shake(salt)
    return _held[1].parallel_scan(_bound(lo), _bound(hi), workers, fold_total)


@_quiet
def fold_serial(salt, bounds):
    """Fold what lies between bounds in this process, one scan after another."""
    _shake(salt)
    scan = _held[1].scan
    return [fold_total(scan(_bound(lo), _bound(hi))) for lo, hi in itertools.pairwise(bounds)]


def get_one(key):
    """Get one key."""
    return _held[1].get(_key(key))


def start_writing(batches):
    """Write batches to the held store over and over, on another thread."""
    global _writing  # noqa: PLW0603  one at a time
    batches = [_batch(columns) for columns in batches]
    stop, stored = threading.Event(), []

    def write():
        while not stop.is_set():
            for batch in batches:
                rows = _held[1].put_many(batch)
                stored.append(rows)

    thread = threading.Thread(target=write, daemon=True)
    _writing = stop, thread, stored
    thread.start()


def batches_written():
    """Tell how many batches were stored on the other thread until now."""
    return len(_writing[2])


def stop_writing():
    """End that; tells whether it had gone on until now."""
    stop, thread, _ = _writing
    went_on = thread.is_alive()
    stop.set()
    thread.join()
    return went_on


def scan_halfway(lo, hi, rows):
    """Take some rows of a scan and hold it there; answer the last of them."""
    scan = iter(_held[1].scan(_bound(lo), _bound(hi)))
    last = None
    for last in itertools.islice(scan, rows):  # noqa: B007  only the last counts
        pass
    _scans["halfway"] = scan
    return _rows([last])


def drop_scan():
    """Let go of that scan."""
    del _scans["halfway"]
