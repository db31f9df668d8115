"""The public tests: a beginning, run in process by `takehome test` or pytest. The grading checks far more."""

import random

import pytest
from solution import HashMap


def test_sets_and_gets():
    m = HashMap()
    m["a"] = 1
    m["b"] = 2
    m["a"] = 3
    assert m["a"] == 3
    assert m["b"] == 2
    assert len(m) == 2
    assert "a" in m
    assert "c" not in m


def test_missing_key_raises_key_error_with_the_key():
    m = HashMap()
    key = object()
    for operation in (lambda: m[key], lambda: m.pop(key), lambda: m.__delitem__(key)):
        with pytest.raises(KeyError) as error:
            operation()
        assert error.value.args == (key,)


def test_deletes():
    m = HashMap([(i, str(i)) for i in range(100)])
    for i in range(0, 100, 2):
        del m[i]
    assert list(m) == list(range(1, 100, 2))
    assert m.pop(1) == "1"
    assert m.pop(1, "gone") == "gone"


def test_keeps_insertion_order():
    m = HashMap([(3, "c"), (1, "a"), (2, "b")])
    m[1] = "A"
    del m[3]
    m[3] = "C"
    assert list(m.items()) == [(1, "A"), (2, "b"), (3, "C")]
    assert list(m.keys()) == [1, 2, 3]
    assert list(m.values()) == ["A", "b", "C"]


def test_defaults():
    m = HashMap()
    assert m.get("a") is None
    assert m.get("a", 5) == 5
    assert m.setdefault("a", 6) == 6
    assert m.setdefault("a", 7) == 6


def test_equal_keys_are_one_key_and_the_first_stays():
    m = HashMap()
    m[1] = "int"
    m[1.0] = "float"
    m[True] = "bool"
    assert list(m.items()) == [(1, "bool")]
    assert [type(key) for key in m] == [int]


def test_nan_finds_itself():
    m = HashMap()
    nan = float("nan")
    m[nan] = 1
    assert m[nan] == 1
    another = float("nan")
    assert another not in m


def test_colliding_hashes():
    keys = [k + j * (2**61 - 1) for k in range(10) for j in range(10)]
    assert len({hash(key) for key in keys}) == 10
    m = HashMap((key, key) for key in keys)
    for key in keys[::3]:
        del m[key]
    assert list(m) == [key for i, key in enumerate(keys) if i % 3]


def test_unhashable_key():
    m = HashMap()
    with pytest.raises(TypeError):
        m[[]] = 1
    with pytest.raises(TypeError):
        [] in m  # noqa: B015
    assert len(m) == 0


def test_resizing_during_iteration_raises():
    m = HashMap([(1, 1), (2, 2)])
    iterator = iter(m)
    m[next(iterator) + 10] = 0
    with pytest.raises(RuntimeError):
        next(iterator)


def test_copies_are_independent():
    m = HashMap([(1, 1)])
    twin = m.copy()
    assert twin == m
    twin[2] = 2
    assert twin != m
    assert 2 not in m
    m.clear()
    assert list(twin) == [1, 2]


def test_agrees_with_dict():
    rng = random.Random(1)
    m, model = HashMap(), {}
    for step in range(20_000):
        key = rng.randrange(300)
        if rng.random() < 0.55:
            m[key] = model[key] = step
        else:
            assert m.pop(key, None) == model.pop(key, None)
        assert len(m) == len(model)
    assert list(m.items()) == list(model.items())
