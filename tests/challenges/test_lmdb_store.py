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
        yield {
            name: import_(name)
            for name in ("model", "changes", "columns", "digests", "ordering", "plans", "replaying", "wording")
        }


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


# ---- words


def test_a_mistake_begins_with_what_is_wrong(modules: Modules) -> None:
    rows = [["a", number, 0, b"v" * 20] for number in range(9)]
    story = [["open", "s", "store"], ["put", "s", rows], ["scan", "s", ["a", 7], None, 1, False]]
    mistake = modules["replaying"].Mistake(story, ["gave", []], ["gave", [rows[7]]])
    items = ", ".join(f"(('a', {number}, 0), <20 bytes>)" for number in range(6))
    scan = "list(s.scan(('a', 7), None, 1, False))"
    assert str(mistake) == (
        f"`{scan}` gave [], but [['a', 7, 0, <20 bytes>]] is right; it comes at the end of "
        f"`s = Store.open('store'); s.put_many([{items}, ... 9 in all]); {scan}`"
    )


def test_of_many_rows_the_first_wrong_one_is_told(modules: Modules) -> None:
    rows = [["a", number, 0, b"v"] for number in range(9)]
    compared = modules["wording"].compared
    assert compared(["gave", [*rows[:7], rows[8]]], ["gave", rows]) == (
        "gave 8 things where 9 are right; number 7, counted from 0, is ['a', 8, 0, b'v'], and must be ['a', 7, 0, b'v']"
    )
    assert compared(["gave", rows[:8]], ["gave", rows]).endswith("is missing, and must be ['a', 8, 0, b'v']")


def test_every_operation_that_a_model_answers_has_its_words(modules: Modules) -> None:
    model, wording = modules["model"], modules["wording"]
    assert wording.SENTENCES.keys() == model.ANSWERS.keys() | model.FAULTS.keys()


# ---- crashes


def test_a_plan_tells_all_rows_after_each_write(modules: Modules) -> None:
    plan = modules["plans"].draw_plan(Random(1), modules["plans"].SMALL)
    rows: dict[tuple[str, int, int], bytes] = {}
    assert plan.after(0) == rows
    for stored in range(1, 3 * len(plan.steps)):
        match plan.plain[(stored - 1) % len(plan.steps)]:
            case ["put", batch]:
                rows |= {(tenant, ts, seq): value for tenant, ts, seq, value in batch}
                rows["m-number", 0, 0] = str(stored).encode()
            case ["delete", lo, hi]:
                rows = {key: value for key, value in rows.items() if not tuple(lo) <= key < tuple(hi)}
        assert plan.after(stored) == rows


def test_drawn_shapes_stay_within_what_a_value_may_have(modules: Modules) -> None:
    plans, rng = modules["plans"], Random(1)
    shapes = [plans.draw_shape(rng) for _ in range(500)]
    assert all(1 <= shape.value_bytes[0] <= shape.value_bytes[1] <= 65_536 for shape in shapes)
    assert min(shape.rows for shape in shapes) < 100
    assert max(shape.rows for shape in shapes) > 5_000


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


# ---- the bars


def test_digests_of_all_rows_are_those_of_each(modules: Modules) -> None:
    table = modules["columns"].draw_table(Random(1), 50, 48)
    digest = modules["digests"].digest
    right = sum(digest(key, table.values[key], 12345) for key in table.order[7:])
    assert modules["digests"].Digests(table).total(7, 12345) == right


def test_changes_that_are_taken_back_leave_a_table_as_it_was(modules: Modules) -> None:
    table = modules["columns"].draw_table(Random(1), 500, 48)
    drawn = [modules["changes"].draw_changes(Random(seed), table, table.order, 48, deleting=True) for seed in range(20)]
    unchanged = [changes for changes in drawn if not changes.prepare()]
    assert 0 < len(unchanged) < 10
    for changes in drawn:
        model = modules["model"].Model()
        rows = [[*key, table.values[key]] for key in table.order]
        model.replay([["open", "s", "f"], ["put", "s", rows]])
        for call in changes.prepare():
            making, undoing = call.args
            model.replay(making)
            values = table.values | changes.now
            now = [[*key, value] for key, value in sorted(values.items()) if value is not None]
            whole = ["scan", "s", None, None, None, False]
            assert model.replay([whole]) == [["gave", now]]
            assert len(now) == len(rows)
            assert now != rows
            assert model.replay([*undoing, whole])[-1] == ["gave", rows]


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
