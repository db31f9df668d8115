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


class InInterpreter:
    """A submission in an interpreter of its own for each call, where a census meets no objects but its own."""

    def __init__(self, solution: Path) -> None:
        self.solution = solution

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        path = os.pathsep.join(map(str, (CHALLENGES / "hashmap", self.solution)))
        program = f"import driver; print(driver.{function}(*{args!r}))"
        ended = subprocess.run(
            [sys.executable, "-"],
            input=program,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return Finished(ast.literal_eval(ended.stdout))


@pytest.fixture
def submit(tmp_path: Path) -> Callable[[str], Path]:
    def write(source: str) -> Path:
        (tmp_path / "solution.py").write_text(source)
        return tmp_path

    return write


@pytest.fixture
def beside(submit: Callable[[str], Path]) -> Callable[[str], ModuleType]:
    return lambda source: driver_beside("hashmap", submit(source))


class TestCensus:
    @pytest.mark.parametrize("source", HIDING.values(), ids=HIDING)
    def test_finds_native_storage(self, grading: Import, submit: Callable[[str], Path], source: str) -> None:
        with pytest.raises(AssertionError, match=r"native dict|native dicts"):
            grading("objects").demand_no_native_growth(InInterpreter(submit(source)), Random(1))

    @pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
    def test_lets_sound_maps_pass(self, grading: Import, folder: Path) -> None:
        grading("objects").demand_no_native_growth(InInterpreter(folder), Random(1))

    def test_lets_attribute_dicts_pass(self, grading: Import, submit: Callable[[str], Path]) -> None:
        grading("objects").demand_no_native_growth(InInterpreter(submit(ATTRIBUTES)), Random(1))

    def test_finds_keys_that_are_out_of_reach(self, grading: Import, submit: Callable[[str], Path]) -> None:
        with pytest.raises(AssertionError, match="stored where this check can't see it"):
            grading("objects").demand_no_native_growth(InInterpreter(submit(OUT_OF_REACH)), Random(1))


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
        grading("objects").demand_released(InProcess(reference_driver))

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
            grading("objects").demand_released(InProcess(beside(BASE + deletion)))
