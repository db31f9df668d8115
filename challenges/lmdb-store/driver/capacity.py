"""More than there is room for: batches until the disk is full, and more rows than fit into memory."""

import contextlib
import os
import tempfile

from .folding import fold_total
from .rows import items_of
from .stores import open_stores, path_of
from .submission import run


def fill(store, rows, most):
    """Put batches of rows, of other tenants each, until one fails; answer how many were stored, and the failure."""
    for number in range(most):
        answer = run(lambda number=number: open_stores[store].put_many(items_of(rows_of(rows, number))))
        if answer[0] == "raised":
            return [number, answer]
    return [most, ["gave", "every batch was stored"]]


def rows_of(rows, number):
    """Give the rows of batch `number`: those of the first, of another tenant."""
    return [[f"{tenant}-{number:04d}", ts, seq, value] for tenant, ts, seq, value in rows]


def ballast(mib):
    """Take up space on the small file system, or give it back when `mib` is 0; answer the free bytes."""
    path = path_of("small/takehome-ballast")
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
        open(path_of("small/takehome-ballast"), "ab", buffering=0) as file,  # noqa: PTH123
    ):
        while file.write(bytes(4096)):
            pass
    status = os.statvfs(tempfile.gettempdir())
    return status.f_bavail * status.f_frsize


LARGE_BYTES = 64 * 1024


def _large(number):
    return number.to_bytes(8, "big") * (LARGE_BYTES // 8)


def put_large(store, first, count, step):
    """Store large values in batches of `step`."""
    for start in range(first, first + count, step):
        open_stores[store].put_many((("large", number, 0), _large(number)) for number in range(start, start + step))


def total(store, reverse):
    """Digest a scan of everything, and count it."""
    return [fold_total(open_stores[store].scan(reverse=reverse)), open_stores[store].count(("large",))]
