"""What the bars time on the held store, and what goes on beside it: writing on a thread, a scan that stays half way.

Input in, whole answer out.
"""

import itertools
import threading

from .beside import last_seen_beside
from .folding import fold_total, shake
from .holding import held_store, let_go
from .quiet import quiet
from .rows import batch_of, bound_of, columns_of, key_of, keys_of, lists_of
from .stores import begun_scans, path_of
from .submission import Store

_writing = None


@quiet
def gets(columns):
    """Get keys that are there, one by one; answer their values end to end."""
    get = held_store().get
    return b"".join([get(key) for key in keys_of(columns)])


@quiet
def get_many(batches):
    """Get many keys at once, of which some are not there."""
    answer = []
    for columns in batches:
        values = held_store().get_many(keys_of(columns))
        answer.append([b"".join(filter(None, values)), bytes([value is None for value in values])])
    return answer


@quiet
def scan_rows(lo, hi, limit, reverse):
    """Scan a range; answer its rows as columns."""
    return columns_of(held_store().scan(bound_of(lo), bound_of(hi), limit, reverse))


@quiet
def bulk_load(folder, batches):
    """Open a new store, load batches of rows and close it; open it again, and answer all it holds.

    And answer what another process saw when it looked into the store that was loaded before, if it did.
    """
    let_go()
    with Store.open(path_of(folder)) as store:
        taken = [store.put_many(batch_of(columns)) for columns in batches]
    with Store.open(path_of(folder)) as store:  # what was put off until then is timed too
        return [taken, columns_of(store.scan()), last_seen_beside()]


@quiet
def fold_parallel(salt, lo, hi, workers):
    """Fold a range in parallel; answer each part's digest."""
    shake(salt)
    return held_store().parallel_scan(bound_of(lo), bound_of(hi), workers, fold_total)


@quiet
def fold_serial(salt, lo, hi):
    """Fold a range in this process; answer its digest."""
    shake(salt)
    return fold_total(held_store().scan(bound_of(lo), bound_of(hi)))


def get_one(key):
    """Get one key."""
    return held_store().get(key_of(key))


def start_writing(columns, versions):
    """Write batches to the held store, one after the other, on another thread: the same keys, with other values each.

    In version v the row at place i has the value that `columns` has at place i + v.
    """
    global _writing  # noqa: PLW0603  one at a time
    keys, values = zip(*batch_of(columns), strict=True)
    batches = [list(zip(keys, values[version:] + values[:version], strict=True)) for version in range(versions)]
    stop, stored = threading.Event(), []

    def write():
        for batch in itertools.cycle(batches):
            if stop.is_set():
                return
            stored.append(held_store().put_many(batch[:]))

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
    scan = iter(held_store().scan(bound_of(lo), bound_of(hi)))
    last = None
    for last in itertools.islice(scan, rows):  # noqa: B007  only the last counts
        pass
    begun_scans["halfway"] = scan
    return lists_of([last])


def drop_scan():
    """Let go of that scan."""
    del begun_scans["halfway"]
