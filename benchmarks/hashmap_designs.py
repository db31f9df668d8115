"""Print every sound hash map design's speed and memory side by side, as ratios to the reference.

usage: python benchmarks/hashmap_designs.py [--size N] [--rounds N] [--core N] [--only insert,hit] [--also FOLDER ...]

All designs run in this one process, pinned to one core, in an order that turns from round to round, on the same fresh
keys. A ratio is the median over rounds of this design's CPU time by the reference's in the same round; the first column
is the reference's own median. The NOTES.md of the solutions quote this table.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOLUTIONS = Path(__file__).parents[1] / "reference_solutions" / "hashmap"
HASH_MODULUS = 2**61 - 1  # ints this far apart have equal hashes
GROUP = 16  # keys that share one hash
BATCH = 256
SLOPE_POWERS = range(10, 18)
MEMORY_ENTRIES = 2**18
MEMORY_PROGRAM = """
import random, sys
sys.path.insert(0, sys.argv[1])
from solution import HashMap
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
rng = random.Random(1)
keys = [rng.getrandbits(63) for _ in range(int(sys.argv[2]))]
before = peak()
m = HashMap()
for key in keys:
    m[key] = key
print((peak() - before) / len(keys))
"""


@dataclass(frozen=True)
class Keys:
    """Hold the keys of one workload; `again` are equal to `present` but other objects, in another order."""

    present: list[Any]
    again: list[Any]
    absent: list[Any]


def keys_of(numbers: list[int], rng: random.Random, kind: type = int) -> Keys:
    """Make the first half of the numbers present and the others absent."""
    half = len(numbers) // 2
    shuffled = rng.sample(numbers[:half], half)
    # By way of str, an int becomes another object with an equal value.
    return Keys(*([kind(str(number)) for number in part] for part in (numbers[:half], shuffled, numbers[half:])))


def workloads(rng: random.Random, size: int) -> dict[str, Keys]:
    numbers = [rng.getrandbits(63) for _ in range(2 * size)]
    few = size // 4
    bases = [rng.getrandbits(56) for _ in range(few // GROUP)]
    equal = [base + i * HASH_MODULUS for base in bases for i in range(GROUP)]
    rng.shuffle(equal)
    return {
        "int": keys_of(numbers, rng),
        "str": keys_of(numbers, rng, str),
        "equal hashes": keys_of(equal, rng),
        "equal low bits": keys_of([n << 16 for n in rng.sample(range(2**44), few)], rng),
    }


def timed(work: Callable[..., Any], *args: Any) -> int:
    gc.collect()
    start = time.process_time_ns()
    answer = work(*args)
    spent = time.process_time_ns() - start
    del answer
    return spent


def fill(hash_map: type, keys: list[Any]) -> Any:
    m = hash_map()
    for key in keys:
        m[key] = key
    return m


def insert(hash_map: type, keys: Keys) -> float:
    return timed(fill, hash_map, keys.present) / len(keys.present)


def construct(hash_map: type, keys: Keys) -> float:
    return timed(hash_map, list(zip(keys.present, keys.again, strict=True))) / len(keys.present)


def hit(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: list(map(m.__getitem__, keys.again))) / len(keys.again)


def hit_get(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: [m.get(key) for key in keys.again]) / len(keys.again)


def miss(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: [key in m for key in keys.absent]) / len(keys.absent)


def miss_get(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: list(map(m.get, keys.absent))) / len(keys.absent)


def churn(hash_map: type, keys: Keys) -> float:
    def work() -> None:
        for old, new in zip(keys.present, keys.absent, strict=True):
            del m[old]
            m[new] = old

    m = fill(hash_map, keys.present)
    return timed(work) / len(keys.present)


def empty(hash_map: type, keys: Keys) -> float:
    def work() -> None:
        for key in keys.again:
            del m[key]

    m = fill(hash_map, keys.present)
    return timed(work) / len(keys.again)


def iterate(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: [[key for key in m] for _ in range(4)]) / 4 / len(keys.present)  # noqa: C416


def iterate_items(hash_map: type, keys: Keys) -> float:
    m = fill(hash_map, keys.present)
    return timed(lambda: [[value for _, value in m.items()] for _ in range(4)]) / 4 / len(keys.present)


def pause(hash_map: type, keys: Keys) -> float:
    m, longest = hash_map(), 0
    gc.collect()
    for first in range(0, len(keys.present), BATCH):
        start = time.process_time_ns()
        for key in keys.present[first : first + BATCH]:
            m[key] = key
        longest = max(longest, time.process_time_ns() - start)
    return longest


def slope(hash_map: type, keys: Keys) -> float:
    """Return the exponent of insert time in n."""
    numbers = [*keys.present, *keys.absent, *range(2**17)]
    times = []
    for power in SLOPE_POWERS:
        repeats = 2 ** max(0, 14 - power)  # a short time is measured over several maps
        spent = timed(lambda some=numbers[: 2**power], n=repeats: [fill(hash_map, some) for _ in range(n)])
        times.append(spent / repeats)
    return statistics.linear_regression(SLOPE_POWERS, [math.log2(spent) for spent in times]).slope


BARS: dict[str, tuple[str, Callable[[type, Keys], float]]] = {
    "insert": ("int", insert),
    "construct": ("int", construct),
    "hit": ("int", hit),
    "hit get": ("int", hit_get),
    "miss": ("int", miss),
    "miss get": ("int", miss_get),
    "churn": ("int", churn),
    "empty": ("int", empty),
    "str insert": ("str", insert),
    "str hit": ("str", hit),
    "str miss": ("str", miss),
    "keys": ("int", iterate),
    "items": ("int", iterate_items),
    "equal hashes insert": ("equal hashes", insert),
    "equal hashes hit": ("equal hashes", hit),
    "equal hashes miss": ("equal hashes", miss),
    "equal low bits insert": ("equal low bits", insert),
    "equal low bits hit": ("equal low bits", hit),
    "equal low bits miss": ("equal low bits", miss),
    "pause": ("int", pause),
    "slope": ("int", slope),
}


def load(folder: Path) -> type:
    spec = importlib.util.spec_from_file_location(f"design_{folder.name.replace('-', '_')}", folder / "solution.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HashMap


def bytes_per_entry(folder: Path) -> float:
    command = [sys.executable, "-c", MEMORY_PROGRAM, str(folder), str(MEMORY_ENTRIES)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_row(bar: str, samples: dict[str, list[float]]) -> None:
    (_, first), *others = samples.items()
    ratios = [statistics.median(a / b for a, b in zip(other, first, strict=True)) for _, other in others]
    print(f"{bar:22}{statistics.median(first):12,.2f}", *(f"{ratio:18.2f}" for ratio in ratios), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2**15)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[*BARS, "memory"])
    parser.add_argument("--also", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    folders = [SOLUTIONS / "reference", *sorted((SOLUTIONS / "accepted").iterdir()), *options.also]
    designs = {folder.name: load(folder) for folder in folders}
    print(f"{'ns per operation':22}{'reference':>12}", *(f"{name:>18}" for name in list(designs)[1:]))
    for bar in options.only:
        samples: dict[str, list[float]] = {name: [] for name in designs}
        if bar == "memory":
            print_row("bytes per entry", {folder.name: [bytes_per_entry(folder)] for folder in folders})
            continue
        workload, measure = BARS[bar]
        order = list(designs)
        for seed in range(options.rounds):
            keys = workloads(random.Random(seed), options.size)[workload]
            for name in order:
                samples[name].append(measure(designs[name], keys))
            order = order[1:] + order[:1]
        print_row(bar, samples)


if __name__ == "__main__":
    main()
