"""Hold every sound hash map solution against CPython's own mapping tests and against a dict.

`test.mapping_tests` is what CPython runs on dict and UserDict. The challenge asks for less than dict has (no keyword
arguments, no fromkeys, another repr), so a thin subclass adds just that.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

mapping_tests = pytest.importorskip("test.mapping_tests", reason="this Python lacks its standard library's tests")


def with_dicts_extras(hash_map: type) -> type:
    """Return a subclass with what dict has and the challenge does not ask for."""

    class Extended(hash_map):
        def __init__(self, items: Any = (), /, **named: Any) -> None:
            super().__init__(items)
            super().update(named)

        def update(self, items: Any = (), /, **named: Any) -> None:
            super().update(items)
            super().update(named)

        def popitem(self) -> tuple[Any, Any]:
            for key in self:
                return key, self.pop(key)
            raise KeyError("popitem(): the map is empty")

        @classmethod
        def fromkeys(cls, keys: Any, value: Any = None) -> Any:
            new = cls()
            for key in keys:
                new[key] = value
            return new

    return Extended


def mapping_suite(hash_map: type) -> unittest.TestSuite:
    class Mapping(mapping_tests.TestHashMappingProtocol):
        type2test = with_dicts_extras(hash_map)

        def test_repr(self) -> None:
            recursive = self._empty_mapping()
            assert repr(recursive) == "HashMap({})"
            recursive[1] = recursive
            assert repr(recursive) == "HashMap({1: HashMap({...})})"

            class UnprintableError(Exception):
                pass

            class Unprintable:
                def __repr__(self) -> str:
                    raise UnprintableError

            map_ = self._full_mapping({1: Unprintable()})
            for _ in range(2):  # the second time, a guard left behind by the first would answer
                with pytest.raises(UnprintableError):
                    repr(map_)

    return unittest.defaultTestLoader.loadTestsFromTestCase(Mapping)


def test_there_are_solutions_to_test(sound: list[Path]) -> None:
    assert len(sound) >= 4


def test_cpythons_mapping_tests_pass(hash_map: type) -> None:
    suite = mapping_suite(hash_map)
    assert suite.countTestCases() >= 20
    result = unittest.TestResult()
    suite.run(result)
    assert not result.skipped
    assert [trace for _, trace in result.errors + result.failures] == []


class Colliding:
    """A key whose hash says little: equality and hash come from `value`, of which the hash keeps two bits."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Colliding) and self.value == other.value

    def __hash__(self) -> int:
        return self.value & 3

    def __repr__(self) -> str:
        return f"Colliding({self.value})"


MODULUS = sys.hash_info.modulus  # ints this far apart have equal hashes
NAN = float("nan")
KEYS = st.one_of(
    st.integers(-3, 40),
    st.integers(0, 6).map(lambda n: n << 16),
    st.integers(0, 6).map(lambda n: 5 + n * MODULUS),
    st.integers(0, 12).map(Colliding),
    st.integers(0, 5).map(str),
    st.sampled_from([1.0, True, False, 0.0, -0.0, NAN, None, (), (1, 2), 10**40, -(10**40)]),
)


class AgainstDict(RuleBasedStateMachine):
    """Do the same to a HashMap and to a dict, and compare everything that shows."""

    hash_map: type

    @initialize(pairs=st.lists(st.tuples(KEYS, st.integers()), max_size=30), mapping=st.booleans())
    def create(self, pairs: list[tuple[Any, int]], mapping: bool) -> None:
        self.model = dict(pairs)
        self.map = self.hash_map(self.model if mapping else pairs)

    @rule(key=KEYS, value=st.integers())
    def set(self, key: Any, value: int) -> None:
        self.map[key] = self.model[key] = value

    @rule(first=st.integers(0, 2**60), step=st.sampled_from([1, 7, 2**16, MODULUS]), count=st.integers(1, 300))
    def fill(self, first: int, step: int, count: int) -> None:
        for key in range(first, first + step * min(count, 20 if step == MODULUS else count), step):
            self.map[key] = self.model[key] = count

    @precondition(lambda self: len(self.model) > 1)
    @rule(data=st.data())
    def thin_out(self, data: st.DataObject) -> None:
        kept = data.draw(st.integers(0, len(self.model) - 1))
        for key in list(self.model)[kept:]:
            del self.map[key]
            del self.model[key]

    @rule(key=KEYS)
    def delete(self, key: Any) -> None:
        if key in self.model:
            del self.map[key]
            del self.model[key]
        else:
            with pytest.raises(KeyError) as missing:
                del self.map[key]
            assert missing.value.args[0] is key

    @rule(key=KEYS, default=st.integers())
    def pop(self, key: Any, default: int) -> None:
        assert self.map.pop(key, default) == self.model.pop(key, default)

    @rule(key=KEYS, default=st.integers())
    def setdefault(self, key: Any, default: int) -> None:
        assert self.map.setdefault(key, default) == self.model.setdefault(key, default)

    @rule(pairs=st.lists(st.tuples(KEYS, st.integers())))
    def update(self, pairs: list[tuple[Any, int]]) -> None:
        self.map.update(pairs)
        self.model.update(pairs)

    @rule()
    def clear(self) -> None:
        self.map.clear()
        self.model.clear()

    @rule()
    def carry_on_with_a_copy(self) -> None:
        original, self.map = self.map, self.map.copy()
        original.clear()

    @rule(key=KEYS)
    def look_up(self, key: Any) -> None:
        assert (key in self.map) is (key in self.model)
        assert self.map.get(key, "absent") == self.model.get(key, "absent")
        if key in self.model:
            assert self.map[key] == self.model[key]
        else:
            with pytest.raises(KeyError) as missing:
                self.map[key]
            assert missing.value.args[0] is key

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "model"):
            return
        assert len(self.map) == len(self.model)
        assert [*map(identity, self.map)] == [*map(identity, self.model)]
        assert [*map(identity, self.map.keys())] == [*map(identity, self.model)]
        assert list(self.map.values()) == list(self.model.values())
        assert [(identity(key), value) for key, value in self.map.items()] == [
            (identity(key), value) for key, value in self.model.items()
        ]
        assert self.map == self.model
        assert self.model == self.map
        assert self.map == self.map.copy()


def identity(key: Any) -> tuple[type, str]:
    return type(key), repr(key)  # 1, 1.0 and True are one key, yet which of them came first must show


def test_behaves_as_dict_does(hash_map: type) -> None:
    machine = type("AgainstDict", (AgainstDict,), {"hash_map": hash_map})
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(machine.TestCase).run(result)
    assert result.testsRun == 1
    assert [trace for _, trace in result.errors + result.failures] == []
