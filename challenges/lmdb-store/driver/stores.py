"""Stores and scans by name, where stores lie, and the operations on them, but for forks and parallel scans."""

import gc
import itertools
import os
import shutil
import tempfile
import threading
import time

from .folding import fold_rows
from .oddities import Stopped, fault_named, odd_named
from .peers import peer_has_answered, peer_receive, peer_replay, peer_send
from .rows import bound_of, columns_of, items_of, key_of, lists_of
from .submission import Store, run

open_stores = {}
begun_scans = {}


def path_of(folder):
    """Say where a folder is: "small/x" is on the small file system, everything else on the disk."""
    if folder.startswith("small/"):
        return os.path.join(tempfile.gettempdir(), folder.removeprefix("small/"))  # noqa: PTH118
    return os.path.join(os.environ["TAKEHOME_DISK"], folder)  # noqa: PTH118


def _operation_open(store, folder, *map_size):
    open_stores[store] = Store.open(path_of(folder), **({"map_size": map_size[0]} if map_size else {}))


def _operation_open_relative(store, folder):
    """Open a store by a relative path, and be somewhere else from then on."""
    before = os.getcwd()  # noqa: PTH109
    os.chdir(os.path.dirname(path_of(folder)))  # noqa: PTH120
    try:
        open_stores[store] = Store.open(os.path.basename(folder))  # noqa: PTH119
    finally:
        os.chdir(before)


def _operation_open_over_a_file(folder):
    """Try to open a store where a file is, which is then taken away."""
    with open(path_of(folder), "wb") as file:  # noqa: PTH123
        file.write(b"in the way")
    try:
        return run(lambda: Store.open(path_of(folder)).close())
    finally:
        os.remove(path_of(folder))  # noqa: PTH107


def _operation_open_over_garbage(folder):
    """Try to open a store where LMDB's file is none of its own, which is then taken away."""
    os.mkdir(path_of(folder))  # noqa: PTH102
    with open(os.path.join(path_of(folder), "data.mdb"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(b"x" * 8192)
    try:
        return run(lambda: Store.open(path_of(folder)).close())
    finally:
        shutil.rmtree(path_of(folder))


def _operation_open_when(folder, until):
    """Open a store at a moment that others know, too, and close it."""
    while time.monotonic() < until:
        pass
    Store.open(path_of(folder)).close()


TOGETHER_SEC = 0.004
"""Until when peers have heard that they are to open a store together."""


def _operation_open_together(peers, folder, times):
    """Have peers open a store at the same moment that is not there yet, so many times; answer what each came to."""
    answers = []
    for number in range(times):
        until = time.monotonic() + TOGETHER_SEC
        for peer in peers:
            peer_send(peer, [["open-when", f"{folder}-{number}", until]])
        answers += [peer_receive(peer)[0] for peer in peers]
        shutil.rmtree(path_of(f"{folder}-{number}"), ignore_errors=True)
    return answers


def _operation_close(store):
    return open_stores[store].close()


def _operation_forget(store):
    open_stores.pop(store).close()


def _operation_with(folder, rows, fails):
    """Use the store as a context manager; answer what using it afterwards comes to."""
    try:
        with Store.open(path_of(folder)) as store:
            store.put_many(items_of(rows))
            if fails:
                raise Stopped  # noqa: TRY301  as whoever uses a store would
    except Stopped:
        pass
    return run(lambda: store.get(("a", 1, 1)))


def _operation_put_numbered(store, tenant, count):
    """Put very many rows of one tenant at once."""
    return open_stores[store].put_many(((tenant, number, 0), b"x") for number in range(count))


def _operation_put_versions(store, keys, seconds):
    """Put the same keys over and over, each batch with a value of its own; answer how often."""
    until = time.monotonic() + seconds
    version = 0
    while time.monotonic() < until:
        version += 1
        open_stores[store].put_many([(key_of(key), b"%d" % version) for key in keys])
    return version


def _operation_counts_until(store, prefix, wanted, seconds):
    """Count over and over until there are so many, or time is up; answer the numbers seen."""
    until = time.monotonic() + seconds
    seen = set()
    while wanted not in seen and time.monotonic() < until:
        seen.add(open_stores[store].count(bound_of(prefix)))
    return sorted(seen)


def _operation_put_odd_key(store, before, kind, after):
    return open_stores[store].put_many([*items_of(before), (odd_named(kind), b"value"), *items_of(after)])


def _operation_put_odd_value(store, before, kind, after):
    return open_stores[store].put_many([*items_of(before), (("odd", 1, 2), odd_named(kind)), *items_of(after)])


def _operation_put_raising(store, rows, name):
    def items():
        yield from items_of(rows)
        raise fault_named(name)

    return open_stores[store].put_many(items())


def _operation_put_reading(store, rows, key):
    """Put an iterable that reads the store half way through; answer what it saw."""
    seen = []

    def items():
        for position, item in enumerate(items_of(rows)):
            if position == len(rows) // 2:
                _read(open_stores[store], key_of(key), seen)
            yield item

    return [open_stores[store].put_many(items()), *seen]


READER_SEC = 6.0


def _operation_put_while_threads_read(store, rows, key):
    """Put an iterable that waits until another thread has read the store."""
    seen = []

    def items():
        items = iter(items_of(rows))
        yield next(items)
        reader = threading.Thread(target=_read, args=(open_stores[store], key_of(key), seen), daemon=True)
        reader.start()
        reader.join(READER_SEC)
        if reader.is_alive():
            seen.append("the next read waits for the writer")
        yield from items

    return [open_stores[store].put_many(items()), *seen]


def _read(store, key, seen):
    """Read a store in every way, and tell by and by what was seen."""
    seen.append(["get", store.get(key)])
    seen.append(["get_many", store.get_many([key])])
    seen.append(["count", store.count((key[0],))])
    seen.append(["scan", lists_of(store.scan(None, None, 3, True))])
    seen.append(["parallel_scan", sum(len(part) for part in store.parallel_scan(None, None, 2, fold_rows))])


def _operation_get_many_amid(store, keys, place, peer, write):
    """Get many keys of an iterable; before it gives that at `place`, a peer writes."""

    def given():
        for number, key in enumerate(keys):
            if number == place:
                answers.extend(peer_replay(peer, [write]))
            yield key_of(key)

    answers = []
    values = open_stores[store].get_many(given())
    return [values, answers]


MOST_GETS = 500
"""Calls of `get_many` beside a writer that does not come to its end."""


def _operation_get_many_beside(store, keys, places, peer, write):
    """Get many keys over and over while a peer writes; answer what was found at some places each time."""
    keys = [key_of(key) for key in keys]
    peer_send(peer, [write])
    seen = []
    while not peer_has_answered(peer) and len(seen) < MOST_GETS:
        values = open_stores[store].get_many(keys)
        seen.append([values[place] for place in places])
    return [seen, peer_receive(peer)]


LOOKS_BEFORE = 500
"""One right after the other, so that whoever treats such a row of looks in another way does so."""


def _operation_look_until(store, way, key, peer, write):
    """Look a key up over and over, in one way, until a peer has written; answer what the next look gives."""
    look = _LOOKS[way]
    store, key = open_stores[store], key_of(key)
    for _ in range(LOOKS_BEFORE):
        look(store, key)
    peer_send(peer, [write])
    while not peer_has_answered(peer):
        look(store, key)
    written = peer_receive(peer)
    return [look(store, key), written]


_LOOKS = {
    "get": lambda store, key: store.get(key),
    "get_many": lambda store, key: store.get_many([key])[0],
    "scan": lambda store, key: next(iter(store.scan(key, None, 1)))[1],
    "reverse scan": lambda store, key: next(iter(store.scan((key[0],), (*key[:2], key[2] + 1), 1, True)))[1],
}


def _operation_begin(scan, store, lo, hi, limit, reverse):
    begun_scans[scan] = iter(open_stores[store].scan(bound_of(lo), bound_of(hi), limit, reverse))


def _operation_next(scan, count):
    return lists_of(itertools.islice(begun_scans[scan], count))


def _operation_drop(scan):
    del begun_scans[scan]
    gc.collect()


OPERATIONS = {
    "open": _operation_open,
    "open-relative": _operation_open_relative,
    "open-over-a-file": _operation_open_over_a_file,
    "open-over-garbage": _operation_open_over_garbage,
    "open-together": _operation_open_together,
    "open-when": _operation_open_when,
    "make-folder": lambda folder: os.mkdir(path_of(folder)),  # noqa: PTH102
    "close": _operation_close,
    "forget": _operation_forget,
    "with": _operation_with,
    "put": lambda store, rows: open_stores[store].put_many(items_of(rows)),
    "counts-until": _operation_counts_until,
    "put-numbered": _operation_put_numbered,
    "put-versions": _operation_put_versions,
    "put-each": lambda store, rows: [open_stores[store].put_many([item]) for item in items_of(rows)],
    "put-generator": lambda store, rows: open_stores[store].put_many(item for item in items_of(rows)),
    "put-odd-key": _operation_put_odd_key,
    "put-odd-value": _operation_put_odd_value,
    "put-raising": _operation_put_raising,
    "put-reading": _operation_put_reading,
    "put-while-threads-read": _operation_put_while_threads_read,
    "get-many-amid": _operation_get_many_amid,
    "get-many-beside": _operation_get_many_beside,
    "look-until": _operation_look_until,
    "get": lambda store, key: open_stores[store].get(key_of(key)),
    "get-odd": lambda store, kind: open_stores[store].get(odd_named(kind)),
    "get-many": lambda store, keys: open_stores[store].get_many([key_of(key) for key in keys]),
    "get-many-odd": lambda store, keys, kind: open_stores[store].get_many([*map(key_of, keys), odd_named(kind)]),
    "delete": lambda store, lo, hi: open_stores[store].delete_range(bound_of(lo), bound_of(hi)),
    "delete-odd": lambda store, kind: open_stores[store].delete_range(odd_named(kind), None),
    "scan-odd": lambda store, kind: lists_of(open_stores[store].scan(odd_named(kind), None)),
    "count": lambda store, prefix: open_stores[store].count(bound_of(prefix)),
    "scan": lambda store, lo, hi, limit, reverse: lists_of(
        open_stores[store].scan(bound_of(lo), bound_of(hi), limit, reverse)
    ),
    "columns": lambda store: columns_of(open_stores[store].scan()),
    "begin": _operation_begin,
    "next": _operation_next,
    "drop": _operation_drop,
}
