"""Hold what the hash map's driver shows of a map: its footprint, its natives, what it does not let go."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest

from harness.duel.round import Call
from harness.outcome import Finished, Outcome
from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import, driver_beside

SOUND = [
    SOLUTIONS / "hashmap" / "reference",
    *sorted(path.parent for path in (SOLUTIONS / "hashmap").glob("accepted/*/solution.py")),
]

BASE = """
class HashMap:
    def __init__(self, items=()):
        self.pairs = []
        for key, value in items:
            self[key] = value

    def _find(self, key):
        return next((pair for pair in self.pairs if pair[0] is key or pair[0] == key), None)

    def __getitem__(self, key):
        return self._find(key)[1]

    def __setitem__(self, key, value):
        pair = self._find(key)
        if pair:
            pair[1] = value
        else:
            self.pairs.append([key, value])

    def __delitem__(self, key):
        self.pairs.remove(self._find(key))

    def __len__(self):
        return len(self.pairs)
"""

HIDING = {
    "a dict": "class HashMap(dict): pass",
    "a dict in an attribute": """
class HashMap:
    def __init__(self): self.inner = {}
    def __setitem__(self, key, value): self.inner[key] = value
    def __getitem__(self, key): return self.inner[key]
""",
    "many small dicts": """
class HashMap:
    def __init__(self): self.inner = [{} for _ in range(2000)]
    def __setitem__(self, key, value): self.inner[hash(key) % 2000][key] = value
    def __getitem__(self, key): return self.inner[hash(key) % 2000][key]
""",
    "a dict by hash": """
class HashMap:
    def __init__(self): self.inner = {}
    def __setitem__(self, key, value): self.inner.setdefault(hash(key), []).append((key, value))
    def __getitem__(self, key): return next(v for k, v in self.inner[hash(key)] if k == key)
""",
    "a dict in a closure": """
class HashMap:
    def __init__(self):
        inner = {}
        self.set, self.get = inner.__setitem__, lambda key: inner[key]
    def __setitem__(self, key, value): self.set(key, value)
    def __getitem__(self, key): return self.get(key)
""",
    "a module's dict": """
TABLE = {}
class HashMap:
    def __setitem__(self, key, value): TABLE[id(self), key] = value
    def __getitem__(self, key): return TABLE[id(self), key]
""",
    "attributes": """
class Thing: pass
class HashMap:
    def __init__(self): self.thing = Thing()
    def __setitem__(self, key, value): setattr(self.thing, str(hash(key)), value)
    def __getitem__(self, key): return getattr(self.thing, str(hash(key)))
""",
    "attributes of a class": """
class HashMap:
    def __setitem__(self, key, value): setattr(HashMap, f"{hash(key)}", value)
    def __getitem__(self, key): return getattr(HashMap, f"{hash(key)}")
""",
    "a cache": """
from functools import lru_cache
class HashMap:
    def __init__(self):
        self.cells = lru_cache(None)(lambda key: [None])
    def __setitem__(self, key, value): self.cells(key)[0] = value
    def __getitem__(self, key): return self.cells(key)[0]
""",
    "a weak dict": """
from weakref import WeakValueDictionary
class Cell: pass
class HashMap:
    def __init__(self): self.cells, self.kept = WeakValueDictionary(), []
    def __setitem__(self, key, value):
        cell = self.cells[key] = Cell()
        cell.value = value
        self.kept.append(cell)
    def __getitem__(self, key): return self.cells[key].value
""",
    "a dict that is put away for whoever asks for a class": """
class HashMap:
    def __init__(self): self.inner, self.pairs = {}, []
    @property
    def __class__(self):
        self.pairs = [*self.inner.items()]
        self.inner.clear()
        return HashMap
    def __setitem__(self, key, value): self.inner[key] = value
    def __getitem__(self, key): return (self.inner or dict(self.pairs))[key]
""",
    "a dict that says it is empty": """
class Store(dict):
    def __len__(self): return 0
    def __iter__(self): return iter(())
class HashMap:
    def __init__(self): self.inner = Store()
    def __setitem__(self, key, value): self.inner[key] = value
    def __getitem__(self, key): return self.inner[key]
""",
    "a set of keys": """
class HashMap:
    def __init__(self): self.keys, self.pairs = set(), []
    def __setitem__(self, key, value):
        self.keys.add(key)
        self.pairs.append((key, value))
    def __getitem__(self, key): return value_of(self.pairs, key)
def value_of(pairs, key):
    return next(v for k, v in pairs if k == key)
""",
    "a generator's dict": """
def table():
    inner = {}
    answer = None
    while True:
        key, value = yield answer
        if value is None: answer = inner[key]
        else: inner[key] = value + 1
class HashMap:
    def __init__(self):
        self.table = table()
        next(self.table)
    def __setitem__(self, key, value): self.table.send((key, value))
    def __getitem__(self, key): return self.table.send((key, None)) - 1
""",
}


ATTRIBUTES = """
class Node:
    def __init__(self, key, value, rest):
        self.key, self.value, self.rest = key, value, rest
        vars(self)
class HashMap:
    def __init__(self): self.buckets = [None] * 4096
    def __setitem__(self, key, value):
        self.buckets[hash(key) % 4096] = Node(key, value, self.buckets[hash(key) % 4096])
    def __getitem__(self, key):
        node = self.buckets[hash(key) % 4096]
        while node.key != key: node = node.rest
        return node.value
"""

OUT_OF_REACH = """
import ctypes
class HashMap:
    def __init__(self): self.size, self.cells = 0, (ctypes.c_void_p * 65536)()
    def __setitem__(self, key, value):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(key))
        self.cells[self.size] = id(key)
        self.size += 1
    def __getitem__(self, key): return VALUES(self, key)
def VALUES(m, key):
    m.turn = getattr(m, 'turn', -1) + 1
    return m.turn
"""


class InProcess:
    """A submission in this process."""

    def __init__(self, driver: ModuleType) -> None:
        self.driver = driver

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        return Finished(getattr(self.driver, function)(*args))


SERVE = """
import driver
while True:
    function, args = eval(input())
    print(repr(getattr(driver, function)(*args)), flush=True)
"""


class InInterpreter:
    """A submission in an interpreter of its own, where a census meets no objects but its own."""

    def __init__(self, solution: Path) -> None:
        path = os.pathsep.join(map(str, (CHALLENGES / "hashmap", solution)))
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> InInterpreter:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        assert self._process.stdin
        assert self._process.stdout
        print(repr((function, args)), file=self._process.stdin, flush=True)
        return Finished(ast.literal_eval(self._process.stdout.readline()))


@pytest.fixture
def submit(tmp_path: Path) -> Callable[[str], Path]:
    def write(source: str) -> Path:
        (tmp_path / "solution.py").write_text(source)
        return tmp_path

    return write


@pytest.fixture
def beside(submit: Callable[[str], Path]) -> Callable[[str], ModuleType]:
    return lambda source: driver_beside("hashmap", submit(source))


COUNTED = "\nHashMap.__len__ = lambda self: 0\n"
"""What a call that builds a map asks it for besides."""


def look(grading: Import, solution: Path, count: int = 3_000) -> None:
    """Take a census of one building of a map; who asks the map for nothing learns nothing of it."""
    census, keys = grading("census"), grading("keys")
    inserted = keys.raw(keys.distinct(Random(1), count))
    filling = census.Filling("ints", count, inserted, (Call("build", (inserted,)),), lambda _: None)
    with InInterpreter(solution) as submission:
        census.demand_filled_without_natives(submission, filling)


class Noting:
    """A submission in this process that notes what it is asked and sees native containers no census of its own."""

    def __init__(self, driver: ModuleType) -> None:
        self.driver = driver
        self.asked: list[tuple[str, tuple[object, ...]]] = []

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        self.asked.append((function, args))
        if function == "census":
            return Finished([0, 0, 10**6])
        return Finished(None if function == "note_natives" else getattr(self.driver, function)(*args))


class TestCensus:
    @pytest.mark.parametrize("source", HIDING.values(), ids=HIDING)
    def test_finds_native_storage(self, grading: Import, submit: Callable[[str], Path], source: str) -> None:
        with pytest.raises(AssertionError, match=r"native dict|native dicts"):
            look(grading, submit(source + COUNTED))

    @pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
    def test_lets_sound_maps_pass(self, grading: Import, folder: Path) -> None:
        with InInterpreter(folder) as submission:
            grading("census").demand_no_native_growth(submission, Random(1))

    def test_lets_attribute_dicts_pass(self, grading: Import, submit: Callable[[str], Path]) -> None:
        look(grading, submit(ATTRIBUTES + COUNTED))

    def test_finds_keys_that_are_out_of_reach(self, grading: Import, submit: Callable[[str], Path]) -> None:
        with pytest.raises(AssertionError, match="stored where this check can't see it"):
            look(grading, submit(OUT_OF_REACH + COUNTED))

    def test_reaches_keys_of_all_kinds(self, reference_driver: ModuleType) -> None:
        reference_driver.note_natives()
        reference_driver.build(np.arange(10**9, 10**9 + 50).tobytes())
        assert reference_driver.census("ints", np.arange(10**9 + 40, 10**9 + 60).tobytes())[-1] == 10
        reference_driver.note_natives()
        reference_driver.count_words("never heard such words never")
        assert reference_driver.census("strings", "never heard such nonsense-words")[-1] == 3
        reference_driver.note_natives()
        reference_driver.replay([["object", 70 + i, i] for i in range(9)], [["set", 0, i, i] for i in range(9)])
        assert reference_driver.census("objects", np.arange(75, 99).tobytes())[-1] == 4

    def test_asks_what_others_ask_in_an_order_of_its_seed(self, grading: Import, reference_driver: ModuleType) -> None:
        orders = set()
        for seed in range(6):
            submission = Noting(reference_driver)
            grading("census").demand_no_native_growth(submission, Random(seed))
            asked = [function for function, _ in submission.asked]
            assert asked.count("note_natives") == asked.count("census") == 7
            assert {"build", "bulk_insert", "count_words", "replay", "assort"} < set(asked)
            assert {"churn", "iterate"} & set(asked)
            orders.add(tuple(asked))
        assert len(orders) > 3


class TestFootprint:
    def test_grows_and_shrinks_with_storage(self, beside: Callable[[str], ModuleType]) -> None:
        driver = beside(BASE)
        sizes = []
        for count in (0, 100, 200):
            driver.build(np.arange(count).tobytes())
            sizes.append(driver.footprint())
        driver.delete(np.arange(190).tobytes())
        assert sizes[0] < 1_000 < sizes[1] < sizes[2] < 40_000
        assert driver.footprint() < sizes[1]

    def test_leaves_keys_and_values_out(self, reference_driver: ModuleType) -> None:
        reference_driver.build(np.arange(1000).tobytes())
        small = reference_driver.footprint()
        reference_driver.build((np.arange(1000) << 40).tobytes())
        assert reference_driver.footprint() == small


class TestLeaks:
    def test_sound_maps_let_go(self, grading: Import, reference_driver: ModuleType) -> None:
        grading("objects").demand_released(InProcess(reference_driver), Random(1))

    @pytest.mark.parametrize("kind", ["objects", "ints", "texts"])
    def test_what_is_held_is_counted(self, beside: Callable[[str], ModuleType], kind: str) -> None:
        driver = beside(BASE + "    def clear(self): self.old, self.pairs = self.pairs[:3], []\n")
        assert driver.leaks("clear", 10, kind) == [3, 3, 0]
        assert driver.leaks("drop", 10, kind) == [0, 0, 0]
        assert driver.leaks("del-half", 10, kind) == [5, 5, 5]

    @pytest.mark.parametrize(
        ("leak", "held"),
        [("self.last = pair", "keys"), ("self.last = pair[1]", "values"), ("OLD.append(pair[0])", "keys")],
    )
    def test_leaks_are_found(self, grading: Import, beside: Callable[[str], ModuleType], leak: str, held: str) -> None:
        lines = (
            "def __delitem__(self, key):",
            "    pair = self._find(key)",
            f"    {leak}",
            "    self.pairs.remove(pair)",
        )
        deletion = "".join(f"    {line}\n" for line in lines) + "OLD = []\n"
        with pytest.raises(AssertionError, match=rf"still holds \d+ {held} that it lost"):
            grading("objects").demand_released(InProcess(beside(BASE + deletion)), Random(1))
