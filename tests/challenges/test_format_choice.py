"""Hold the format challenge's own code against what it must be: oracles, comparison, hostile bytes, predictions."""

from __future__ import annotations

import ast
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace

import pytest

from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import, importing_from

HOME = CHALLENGES / "format-choice"
REFERENCE = SOLUTIONS / "format-choice" / "reference"


@pytest.fixture(scope="module")
def grading() -> Iterator[Import]:
    with importing_from(HOME / "grading") as import_:
        yield import_


# ---- comparison


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (1, 1.0),
        (True, 1),
        (0.0, -0.0),
        ("a", b"a"),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        (None, 0),
        ([[1]], [[2]]),
    ],
)
def test_what_differs_is_told(grading: Import, given: object, wanted: object) -> None:
    assert grading("exactness").difference(given, wanted) is not None


@pytest.mark.parametrize("value", [math.nan, -0.0, [], {"a": [None, True, b""]}, 2**64])
def test_a_value_equals_itself(grading: Import, value: object) -> None:
    assert grading("exactness").difference(value, value) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"id": 1, "trace": None}, "{'id': 1, 'trace': None}"),
        (b"x" * 3000, "b'xxxxxxxxxxxx'… (3000 bytes)"),
        (["a" * 60] * 3, "['aaaaaaaaaaaa'… (60 characters)" + ", 'aaaaaaaaaaaa'… (60 characters)" * 2 + "]"),
        (
            {"long": list(range(100)), "odd": {"zone": ""}},
            "{'long': [0, 1, 2, 3, 4, 5, … 100 in all], 'odd': {'zone': ''}}",
        ),
        ([[[[[[[["deep", "x" * 200]]]]]]]], "[[[[[[… 2 deep]]]]]]"),
    ],
)
def test_a_long_part_hides_no_other(grading: Import, value: object, shown: str) -> None:
    assert grading("exactness").shown(value) == shown


def test_what_is_shown_of_a_value_ends_somewhere(grading: Import) -> None:
    exactness = grading("exactness")
    wide: object = "x" * 30
    for _ in range(8):
        wide = [wide] * 8
    assert len(exactness.shown(wide)) <= exactness.SHOWN_MOST_CHARS + 1


# ---- calls


def test_usual_and_extreme_calls_are_valid(grading: Import) -> None:
    records = grading("call_records")
    calls = [*records.extremes(), *(records.plain(Random(seed)) for seed in range(50))]
    assert [records.complaint(call) for call in calls] == [None] * len(calls)


@pytest.mark.parametrize(
    "change",
    [
        {"id": -1},
        {"id": True},
        {"deadline_ms": 2**32},
        {"trace": "text"},
        {"tags": {"a": 1}},
        {"args": [{"name": "a"}]},
        {"args": [{"name": "a", "value": 2**63}]},
        {"args": [{"name": "a", "value": {}}]},
        {"caller": {"name": "", "zone": None, "weight": 1}},
        {"more": 1},
    ],
)
def test_what_is_no_call_is_told(grading: Import, change: dict[str, object]) -> None:
    records = grading("call_records")
    assert records.complaint({**records.plain(Random(1)), **change}) is not None


def test_a_value_nested_too_deeply_is_no_call(grading: Import) -> None:
    records = grading("call_records")
    assert records.complaint(records.nested(16)) is None
    assert records.complaint(records.nested(17)) is not None


def test_every_length_is_cut(grading: Import) -> None:
    spoilt = [data for _, data in grading("bombs").cut([b"abcdef"], Random(1))]
    assert spoilt == [b"abcdef"[:length] for length in range(6)]


def test_no_hostile_input_is_long(grading: Import) -> None:
    assert max(len(data) for _, data in grading("bombs").foreign()) <= 2**20


# ---- events


def test_version_1_reads_a_gift_as_its_number(grading: Import) -> None:
    records = grading("event_records")
    event = {**records.plain(Random(1), 2), "kind": "gift"}
    assert records.read_by_other(2, event)["kind"] == 4
    assert records.read_by_other(1, {**records.plain(Random(1), 1), "kind": 4})["kind"] == "gift"
    assert records.read_by_other(2, {**event, "kind": 77})["kind"] == 77


def test_what_was_added_has_its_default(grading: Import) -> None:
    records = grading("event_records")
    read = records.read_by_other(1, records.plain(Random(1), 1))
    assert (read["currency"], read["tags"], read["device"]) == ("EUR", [], None)


# ---- tables


def test_a_null_fulfils_no_condition(grading: Import) -> None:
    columns = grading("columns")
    table = [["n", "int64", [1, None, 3]], ["f", "double", [math.nan, 1.0, 0.5]]]
    where = [columns.Condition("n", ">=", 1)]
    assert columns.scanned(table, ["n"], where) == [["n", "int64", [1, 3]]]
    assert columns.scanned(table, ["n"], [columns.Condition("f", "<", 2.0)]) == [["n", "int64", [None, 3]]]


def test_generated_numbers_belong_to_their_row(grading: Import) -> None:
    generated = grading("generated")
    whole = generated.mixed(5, 2, 0, 1000)
    assert (generated.mixed(5, 2, 300, 50) == whole[300:350]).all()
    assert len(set(whole.tolist())) == 1000
    assert (generated.mixed(6, 2, 0, 1000) != whole).all()


def test_the_driver_generates_as_the_grader_does() -> None:
    """Compare the two by their text: the driver needs pyarrow, which is only in the image."""
    driver, grading = HOME / "driver" / "generated.py", HOME / "grading" / "generated.py"
    assert _function(driver, "mixed") == _function(grading, "mixed")


def _function(path: Path, name: str) -> list[str]:
    tree = ast.parse(path.read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    body = found.body[1:]
    statements = body[0].body + body[1:] if isinstance(body[0], ast.With) else body
    return [ast.unparse(statement) for statement in statements]


def test_digests_of_a_part_are_of_its_rows_alone(grading: Import) -> None:
    journal = grading("journal").Journal(5, 1000, 2)
    rows, columns = journal.digests(["noise1", "city"], 300, 350)
    values = grading("generated").noise(5, 1, 300, 50).tobytes()
    assert (rows, columns[0]) == (50, ["int64", zlib.crc32(values), zlib.crc32(b"\1" * 50)])
    assert columns[1] != journal.digests(["city"], 301, 351)[1][0]


# ---- what is sent, and what lies on the disk


def test_portions_hold_everything_in_order_and_no_more_than_is_sent_at_once(grading: Import) -> None:
    replies = grading("replies")
    blobs = [(str(number), b"x" * (number % 3) * 10**6) for number in range(900)]
    portions = list(replies.portions(blobs))
    assert [each for portion in portions for each in portion] == blobs
    assert max(sum(len(data) for _, data in portion) for portion in portions) <= replies.AT_ONCE_BYTES
    assert max(map(len, portions)) <= replies.AT_ONCE


def test_a_folder_beside_the_data_is_told(grading: Import, tmp_path: Path) -> None:
    demand = grading("replies").demand_nothing_beside
    subject = SimpleNamespace(disk=tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "asked for").touch()
    demand(subject, {"asked for"})
    (tmp_path / "files" / "what is kept in a name").mkdir()
    with pytest.raises(AssertionError, match="what is kept in a name"):
        demand(subject, {"asked for"})


# ---- hostile calls


def test_every_byte_is_changed_and_nothing_is_left_as_it_was(grading: Import) -> None:
    blob = b"\x00\xc0"
    places = list(grading("bombs").changed_by_place([blob], b"\xc0"))
    assert [len(place) for place in places] == [9, 8], "a mark that is there already changes nothing"
    changes = [data for place in places for _, data in place]
    assert blob not in changes
    assert {len(data) for data in changes} == {2}


def test_a_small_call_is_a_valid_one(grading: Import) -> None:
    records = grading("call_records")
    assert records.complaint(records.small(Random(1))) is None


# ---- what counts of several rounds


def test_rounds_are_compared_one_by_one(grading: Import) -> None:
    samples = grading("sides").Samples()
    for mine, theirs in ((9.0, 2.0), (3.0, 2.0), (6.0, 4.0)):
        samples.add("candidate", mine)
        samples.add("reference", theirs)
    assert samples.typical() == (pytest.approx(3.0), 2.0)


def test_what_is_done_ahead_of_the_clock_counts(grading: Import) -> None:
    sides = grading("sides")
    samples = sides.Samples()
    for ahead in (1.0, 8.0, 9.0):
        samples.add("candidate", 1.0, ahead)
        samples.add("reference", 1.0, 2.0)
    assert samples.typical() == (pytest.approx(1.0 + 8.0 - sides.AHEAD_MOST * 2.0), 1.0)


# ---- predictions


def test_the_reference_carries_the_public_workloads() -> None:
    for name in ("formats.py", "events_pb2.py"):
        assert (REFERENCE / name).read_bytes() == (HOME / "starter" / name).read_bytes()


def test_predictions_are_read(grading: Import) -> None:
    predicting: ModuleType = grading("predicting")
    predicted = predicting.read_predictions(REFERENCE)
    assert predicting.score(predicted, predicted) == []
    assert len(predicting.score(predicting.read_predictions(HOME / "starter"), predicted)) > 2


@pytest.mark.parametrize(
    "text", ["", "[rpc]\nsize = 1", "rpc = 3", "[rpc", "[rpc]\nsize = true\nencode = 1\ndecode = 1"]
)
def test_hostile_predictions_fail_the_check(grading: Import, tmp_path: Path, text: str) -> None:
    (tmp_path / "predictions.toml").write_text(text)
    with pytest.raises(AssertionError, match=r"predictions\.toml"):
        grading("predicting").read_predictions(tmp_path)
