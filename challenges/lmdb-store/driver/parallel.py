"""Operations that scan in parallel: folds that give rows, odd things or exceptions, on one thread or several."""

import importlib
import os
import shutil
import sys
import tempfile
import threading
import time
import zlib

from .folding import fold_ends, fold_failing, fold_printing, fold_raising, fold_returning, fold_rows, fold_texts
from .rows import bound_of
from .stores import open_stores
from .submission import run


def _operation_parallel_returning(store, lo, hi, workers):
    """Tell what a fold's results are, if not nothing."""
    parts = open_stores[store].parallel_scan(bound_of(lo), bound_of(hi), workers, fold_returning)
    return [[type(part).__name__, str(part)] for part in parts if part is not None]


def _operation_parallel_raising(store, lo, hi, workers):
    """Tell what a parallel scan raises whose fold does, be it an `Exception` or not."""
    try:
        return ["gave", len(open_stores[store].parallel_scan(bound_of(lo), bound_of(hi), workers, fold_raising))]
    except BaseException as fault:  # noqa: BLE001  whatever it is, is the answer
        return ["raised", type(fault).__name__, str(fault)[:500]]


def _operation_parallel_late(store):
    """Scan with a fold of a module that is new, in a folder that `sys.path` has only now."""
    folder, name = tempfile.mkdtemp(), f"folds_{os.urandom(6).hex()}"
    with open(os.path.join(folder, f"{name}.py"), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
        file.write("def fold(rows):\n    return [value for _, value in rows]\n")
    sys.path.append(folder)
    try:
        return open_stores[store].parallel_scan(None, None, 2, importlib.import_module(name).fold)
    finally:
        sys.path.remove(folder)
        shutil.rmtree(folder)


def _operation_parallel_texts(store, workers):
    """Scan with results that are large together; tell how long they are end to end, and their checksum."""
    texts = b"".join(open_stores[store].parallel_scan(None, None, workers, fold_texts))
    return [len(texts), zlib.crc32(texts)]


THREADS_SEC = 40.0
"""Whoever starts processes for each call is slow, but not wrong."""


def _operation_parallel_threads(store, ranges, calls):
    """Scan in parallel on several threads at once, each its range so many times; answer what each call gave."""
    answers = [[] for _ in ranges]
    begin = threading.Barrier(len(ranges))

    def scan(lo, hi, answers):
        begin.wait()
        for _ in range(calls):
            answers.append(run(lambda: open_stores[store].parallel_scan(bound_of(lo), bound_of(hi), 2, fold_ends)))

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


OPERATIONS = {
    "parallel": lambda store, lo, hi, workers: open_stores[store].parallel_scan(
        bound_of(lo), bound_of(hi), workers, fold_rows
    ),
    "parallel-ends": lambda store, workers: [
        part for part in open_stores[store].parallel_scan(None, None, workers, fold_ends) if part is not None
    ],
    "parallel-late": _operation_parallel_late,
    "parallel-printing": lambda store, workers: sum(
        open_stores[store].parallel_scan(None, None, workers, fold_printing)
    ),
    "parallel-texts": _operation_parallel_texts,
    "parallel-returning": _operation_parallel_returning,
    "parallel-raising": _operation_parallel_raising,
    "parallel-threads": _operation_parallel_threads,
    "parallel-failing": lambda store, lo, hi, workers: open_stores[store].parallel_scan(
        bound_of(lo), bound_of(hi), workers, fold_failing
    ),
}
