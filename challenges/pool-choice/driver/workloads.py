"""The public workloads and the kinds that run them: the same as in starter/workloads.py, from the first class on."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

from .computing import compressed, mixed, naps, part_of_array, squarings


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
