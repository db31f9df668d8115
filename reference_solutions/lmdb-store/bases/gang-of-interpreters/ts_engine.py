"""One open LMDB environment: how it is opened, lent to readers and writers, left alone in forked children, and closed."""

import ctypes
import os
import resource
import sys
import threading
import weakref
from contextlib import contextmanager

import lmdb
from ts_errors import StoreError

# Never reached on a real disk, and costs nothing: a map is addresses, not memory and not blocks.
ROOM = 2**40
LEAST_ROOM = 2**24
# The table of readers has all its blocks from the beginning, so that a reader never needs one of a full disk.
LOCK_BYTES = 40960
READERS = 600
SPARE = 16

_immortal = ctypes.pythonapi.Py_IncRef
_immortal.argtypes = [ctypes.py_object]
_immortal.restype = None

_engines = weakref.WeakSet()


def _in_forked_child():
    """Take every engine from the child: nothing of LMDB's may be touched there, not even to be let go of."""
    if _pace.users:
        sys.setswitchinterval(_pace.before)
    _pace.forget()
    for engine in list(_engines):
        engine.disown()


class _Pace:
    """While batches are stored, threads hand over the interpreter more often than every 5 ms."""

    INTERVAL = 0.00005

    def __init__(self):
        self.forget()

    def forget(self):
        self.lock = threading.Lock()
        self.users = 0
        self.before = sys.getswitchinterval()

    def __enter__(self):
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.before = sys.getswitchinterval()
                sys.setswitchinterval(min(self.before, self.INTERVAL))

    def __exit__(self, *fault):
        with self.lock:
            self.users -= 1
            if self.users == 0:
                sys.setswitchinterval(self.before)


_pace = _Pace()
pace = _pace
os.register_at_fork(after_in_child=_in_forked_child)


def _room(path, wanted):
    """Give the sizes of map to try, the largest first."""
    disk = os.statvfs(path)
    size = max(ROOM, wanted, 2 * disk.f_blocks * disk.f_frsize)
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        size = max(min(size, limit // 2), LEAST_ROOM)
    size = -(-size // 2**20) * 2**20
    while size > LEAST_ROOM:
        yield size
        size //= 2
    yield LEAST_ROOM


def _furnish_lock_file(path):
    """Give the lock file all its blocks, before LMDB opens it: to close it later would drop this process's locks."""
    name = os.path.join(path, "lock.mdb")
    try:
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return  # LMDB will say what is wrong
    try:
        state = os.fstat(file)
        if state.st_size < LOCK_BYTES or state.st_blocks * 512 < LOCK_BYTES:
            os.posix_fallocate(file, 0, LOCK_BYTES)
    except OSError:
        pass  # no space: an old store can be read all the same
    finally:
        os.close(file)


class Engine:
    """An environment, and who uses it."""

    def __init__(self, path, map_size):
        if isinstance(map_size, bool) or not isinstance(map_size, int) or map_size < 0:
            raise StoreError("map_size: a number of bytes is needed")
        made = False
        try:
            path = os.path.abspath(os.fspath(path))
            try:
                os.mkdir(path)
                made = True
            except FileExistsError:
                if not os.path.isdir(path):
                    raise StoreError(f"can't open a store: {path!r} is no folder") from None
            self.path = path
            self.why = None  # why it can't be used, if it can't
            self.forked = False
            self.live = set()  # transactions that are open, and long enough for a fork to come between
            self.env = self._open(map_size)
        except StoreError:
            if made:
                self._undo(path)
            raise
        except (OSError, TypeError, ValueError, OverflowError, lmdb.Error) as fault:
            if made:
                self._undo(path)
            raise StoreError(f"can't open a store at {path!r}: {fault}") from fault
        try:
            self.rows = self.env.open_db()
        except lmdb.Error as fault:
            self.env.close()
            raise StoreError(f"can't open a store at {path!r}: {fault}") from fault
        self.begin_read = self.env.begin
        self.aside = None  # a weak reference to what else must be let alone in forked children
        _engines.add(self)

    def _open(self, map_size):
        _furnish_lock_file(self.path)
        last = None
        for size in _room(self.path, map_size):
            try:
                return lmdb.open(
                    self.path,
                    map_size=size,
                    create=True,
                    sync=False,
                    metasync=False,
                    meminit=False,
                    max_readers=READERS,
                    max_spare_txns=SPARE,
                )
            except (lmdb.MemoryError, OverflowError) as fault:
                last = str(fault)
        raise StoreError(f"no address space for the map: {last}")

    @staticmethod
    def _undo(path):
        """Take away what a failed opening made."""
        for name in ("data.mdb", "lock.mdb"):
            try:
                os.unlink(os.path.join(path, name))
            except OSError:
                pass
        try:
            os.rmdir(path)
        except OSError:
            pass

    def check(self):
        """Raise if the store can't be used."""
        if self.why is not None:
            raise StoreError(self.why)

    def snapshot(self):
        """Begin to read the state as it is now."""
        try:
            return self.begin_read()
        except lmdb.ReadersFullError:
            self.bury()
        except lmdb.Error as fault:
            raise self.failure(fault) from fault
        try:
            return self.begin_read()
        except lmdb.Error as fault:
            raise self.failure(fault) from fault

    def lasting_snapshot(self):
        """Begin a snapshot that others of the program's lines run beside."""
        txn = self.snapshot()
        self.live.add(txn)
        return txn

    def release(self, txn):
        """End a lasting snapshot; in a forked child it is not ours to end."""
        if self.forked:
            return
        self.live.discard(txn)
        if self.why is None:
            try:
                txn.abort()
            except lmdb.Error:
                pass

    @contextmanager
    def writing(self):
        """Lend a transaction that writes: committed at the end, undone by whatever is raised."""
        try:
            self.env.reader_check()
            txn = self.env.begin(write=True)
        except lmdb.Error as fault:
            raise self.failure(fault) from fault
        self.live.add(txn)
        try:
            try:
                yield txn
                txn.commit()
            except BaseException:
                if not self.forked:
                    try:
                        txn.abort()
                    except lmdb.Error:
                        pass
                raise
            finally:
                if not self.forked:
                    self.live.discard(txn)
        except lmdb.Error as fault:
            raise self.failure(fault) from fault

    def bury(self):
        """Clear what killed readers left in the lock file."""
        try:
            self.env.reader_check()
        except lmdb.Error as fault:
            raise self.failure(fault) from fault

    def failure(self, fault):
        """Say in the store's words what LMDB could not do."""
        if self.why is not None:
            return StoreError(self.why)
        text = str(fault)
        if isinstance(fault, lmdb.DiskError) or "No space left" in text or "Input/output" in text:
            return StoreError(f"nothing was stored: the disk may be full ({text})")
        if isinstance(fault, lmdb.MapFullError):
            return StoreError(f"nothing was stored: the address space of this process is used up ({text})")
        return StoreError(f"LMDB can't do it: {text}")

    def disown(self):
        """Be in a forked child: keep all objects of LMDB for ever, as to free them would write to the lock file."""
        if self.forked:
            return
        self.forked = True
        gang = self.aside() if self.aside is not None else None
        if gang is not None:
            gang.disown()
        if self.why is None:
            self.why = "the store was opened before a fork, in the parent: it can't be used here"
            _immortal(self.env)
            _immortal(self.rows)
            for txn in list(self.live):
                _immortal(txn)

    def close(self):
        """Close; twice does nothing."""
        if self.forked or self.why is not None:
            if self.forked:
                self.why = "the store is closed"
            return
        self.why = "the store is closed"
        for txn in list(self.live):
            try:
                txn.abort()
            except lmdb.Error:
                pass
        self.live.clear()
        self.begin_read = None
        self.rows = None
        self.env.close()
