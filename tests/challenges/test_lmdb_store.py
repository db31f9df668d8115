"""The store challenge's own pure parts: the model, the plans of crashing writers, columns, and the reference's keys."""

from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.challenges.loading import CHALLENGES, SOLUTIONS, importing_from

GRADING = CHALLENGES / "lmdb-store" / "grading"
Modules = dict[str, ModuleType]


@pytest.fixture(scope="module")
def modules() -> Iterator[Modules]:
    """Import the modules of the grading folder."""
    with importing_from(GRADING) as import_:
        yield {name: import_(name) for name in ("model", "crashes", "columns", "ordering", "replaying")}


@pytest.fixture(scope="module")
def keys() -> Iterator[ModuleType]:
    """Import the reference's keys, which need no LMDB."""
    with importing_from(SOLUTIONS / "lmdb-store" / "reference") as import_:
        yield import_("keys")


# ---- the model


def test_the_model_compares_bounds_as_python_compares_tuples(modules: Modules) -> None:
    model = modules["model"].Model()
    rows = [["a", -1, 0, b"1"], ["a", 0, 5, b"2"], ["a\0", 0, 0, b"3"], ["ab", 9, 9, b"4"]]
    answers = model.replay(
        [
            ["open", "s", "f"],
            ["put", "s", rows],
            ["scan", "s", ["a"], ["a\0"], None, False],
            ["scan", "s", ["a", 0], None, 2, True],
            ["count", "s", ["a"]],
            ["delete", "s", None, ["a", 0]],
            ["get-many", "s", [["a", -1, 0], ["a", 0, 5]]],
        ]
    )
    assert [value for _, value in answers[2:]] == [rows[:2], [rows[3], rows[2]], 2, 1, [None, b"2"]]


def test_the_model_keeps_a_scans_state_and_a_folders_rows(modules: Modules) -> None:
    answers = (
        modules["model"]
        .Model()
        .replay(
            [
                ["open", "s", "f"],
                ["put", "s", [["a", 1, 1, b"old"]]],
                ["begin", "scan", "s", None, None, None, False],
                ["put", "s", [["a", 1, 1, b"new"]]],
                ["next", "scan", 5],
                ["next", "scan", 5],
                ["forget", "s"],
                ["open", "s", "f"],
                ["get", "s", ["a", 1, 1]],
            ]
        )
    )
    assert [value for _, value in answers[4:]] == [[["a", 1, 1, b"old"]], [], None, None, b"new"]


@pytest.mark.parametrize(
    ("answer", "right", "same"),
    [
        (["gave", 3], ["gave", 3], True),
        (["gave", 3], ["gave", 4], False),
        (["raised", "StoreError", "The TENANT is long"], ["raised", "StoreError", "tenant"], True),
        (["raised", "StoreError", "no"], ["raised", "StoreError", "tenant"], False),
        (["raised", "TypeError", "tenant"], ["raised", "StoreError", "tenant"], False),
        (["raised", 3, None], ["raised", "StoreError", ""], False),
        (None, ["raised", "StoreError", ""], False),
    ],
)
def test_answers_are_compared_by_class_and_word(modules: Modules, answer: object, right: list, same: bool) -> None:
    assert modules["model"].same(answer, right) is same


def test_every_story_is_answered_by_the_model(modules: Modules) -> None:
    ordering, rng = modules["ordering"], Random(1)
    for story in (ordering.every_key(rng), ordering.two_stores(rng), *ordering.ranges(rng)):
        answers = modules["model"].Model().replay(story)
        assert all(verdict == "gave" for verdict, _ in answers)


# ---- crashes


def test_a_plan_tells_all_rows_after_each_batch(modules: Modules) -> None:
    plan = modules["crashes"].draw_plan(Random(1), modules["crashes"].SMALL)
    rows: dict[tuple[str, int, int], bytes] = {}
    assert plan.after(0) == rows
    for stored in range(1, 3 * len(plan.batches)):
        for tenant, ts, seq, value in plan.batches[(stored - 1) % len(plan.batches)]:
            rows[tenant, ts, seq] = value
        rows["m-number", 0, 0] = str(stored).encode()
        assert plan.after(stored) == rows


# ---- columns


def test_columns_come_back_as_rows(modules: Modules) -> None:
    table = modules["columns"].draw_table(Random(1), 500, 7)
    columns = table.scanned(None, None, None, True)
    rows = modules["columns"].rows_of(columns)
    assert [row[:3] for row in rows] == sorted(table.values, reverse=True)
    assert all(table.values[row[:3]] == row[3] for row in rows)


def test_columns_that_do_not_add_up_are_refused(modules: Modules) -> None:
    *columns, values, lengths = modules["columns"].draw_table(Random(1), 5, 7).scanned(None, None, None, False)
    with pytest.raises(ValueError, match="add up"):
        modules["columns"].rows_of([*columns, values + b"x", lengths])


# ---- the reference's keys

TEXT = st.text(st.one_of(st.sampled_from("\0\1\2ab\xff\uffff\U0001f600"), st.characters(codec="utf-8")), max_size=8)
KEYS = st.tuples(TEXT, st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1))


def test_encoded_keys_sort_as_tuples_and_come_back(keys: ModuleType) -> None:
    @given(st.lists(KEYS, min_size=2, max_size=6))
    def check(some: list[tuple[str, int, int]]) -> None:
        assert sorted(some) == sorted(some, key=keys.encode)
        for key in some:
            raw = keys.encode(key)
            assert (keys.tenants[raw[:-12]], *keys.unpack(raw[-12:])) == key

    check()


def test_bounds_and_the_ends_of_prefixes_enclose_their_keys(keys: ModuleType) -> None:
    @given(KEYS, KEYS, st.integers(1, 3))
    def check(key: tuple[str, int, int], other: tuple[str, int, int], elements: int) -> None:
        prefix = key[:elements]
        low = keys.encode_bound(prefix)
        inside = low <= keys.encode(other) < keys.end_of_prefix(low, elements)
        assert inside is (other[:elements] == prefix)
        assert (keys.encode(other) >= low) is (other >= prefix)

    check()
