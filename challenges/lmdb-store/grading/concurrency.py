"""Several at once: scans and writes, threads, processes."""

import time
from collections.abc import Iterator
from random import Random
from typing import Any

from model import Operation, Row
from ordering import OPEN

from grader.plugin.facade import SubjectFacade

FOLDER = "store"
PARALLEL_CALLS, BRIEF_CALLS = 60, 600
"""A write falls between two processes' begins in about one call of a hundred where both are quick about it."""

PARALLEL_SEC = 5.0
CALL_SEC = 60.0


def draw_rows(rng: Random, count: int, tenants: tuple[str, ...] = ("a", "b", "c"), value_bytes: int = 20) -> list[Row]:
    """Draw rows with different keys."""
    times = rng.sample(range(-(2**40), 2**40), count)
    return [[rng.choice(tenants), ts, rng.randrange(2**32), rng.randbytes(value_bytes)] for ts in times]


def snapshots(rng: Random) -> list[list[Operation]]:
    """Begin scans, change the store in every way, and go on with them."""
    rows = draw_rows(rng, 700)
    changes: list[Operation] = [
        ["put", "s", [[*row[:3], b"changed"] for row in rows[::3]]],
        ["delete", "s", ["b"], ["c"]],
        ["put", "s", draw_rows(rng, 500)],
        ["delete", "s", None, None],
        ["put", "s", draw_rows(rng, 300, ("b",))],
    ]
    stories: list[list[Operation]] = []
    for taken in (0, 1, 30):
        story: list[Operation] = [*OPEN, ["put", "s", rows]]
        for number, change in enumerate(changes):
            for reverse in (False, True):
                story.append(["begin", f"{number}{reverse}", "s", None, ["c", 2**39], None, reverse])
                story.append(["next", f"{number}{reverse}", taken])
            story += [change, ["scan", "s", None, None, None, False], ["get", "s", rows[0][:3]], ["count", "s", ["b"]]]
        order = rng.sample(range(len(changes)), len(changes))
        story += [["next", f"{number}{reverse}", 5000] for number in order for reverse in (True, False)]
        stories.append(story)
    return stories


def snapshots_across_processes(subject: SubjectFacade, rng: Random) -> None:
    """Begin a scan in another process, change everything in this one, and go on."""
    rows = draw_rows(rng, 600, ("a",))
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    subject.value("peer_start", "reader")
    begin = [*OPEN, ["begin", "scan", "s", None, None, None, False], ["next", "scan", 10]]
    first = gave(subject.value("peer_replay", "reader", begin))[-1]
    new: list[Row] = [["new", number, 0, b"new"] for number in range(50)]
    gave(subject.value("replay", [["delete", "s", None, None], ["put", "s", new]]))
    rest, fresh = gave(
        subject.value("peer_replay", "reader", [["next", "scan", 5000], ["scan", "s", None, None, None, False]])
    )
    assert first + rest == sorted(rows), "another process wrote, and a scan begun before that saw it"
    assert fresh == new, "what another process wrote is not seen by a scan begun after it"
    subject.value("reset", [FOLDER])


def nobody_waits(rng: Random) -> list[list[Operation]]:
    """Read while a batch is being put, and put while scans are open."""
    before, after = draw_rows(rng, 200), draw_rows(rng, 200)
    key = before[0][:3]
    changed: list[Row] = [[*key, b"changed"], *after]
    whole: Operation = ["scan", "s", None, None, None, False]
    return [
        [
            *OPEN,
            ["put", "s", before],
            *(["put-reading", "s", changed, key], ["get", "s", key], whole),
            *(
                ["put-while-threads-read", "s", [[*row[:3], b"again"] for row in changed], key],
                ["get", "s", key],
                whole,
            ),
        ],
        [
            *OPEN,
            ["put", "s", before],
            *(["begin", f"scan-{number}", "s", None, None, None, bool(number % 2)] for number in range(40)),
            *(["next", f"scan-{number}", 1 + number] for number in range(40)),
            ["put", "s", after],
            ["delete", "s", ["a"], ["b"]],
            whole,
            *(["next", f"scan-{number}", 1000] for number in range(40)),
        ],
    ]


# ---- processes

READERS = 3
LOOKS = 120
VERSIONS = 150
ROWS_REWRITTEN = 60

DELETED_ROWS, DELETIONS, COUNTS = 60_000, 3, 40


def processes(subject: SubjectFacade, rng: Random) -> None:
    """Rewrite the same rows in one process while others look, which must see each batch whole; then all write."""
    keys = [row[:3] for row in draw_rows(rng, ROWS_REWRITTEN)]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", [[*key, b"0"] for key in keys]]]))
    look = ["scan", "s", None, None, None, False]
    for reader in range(READERS):
        subject.value("peer_start", f"reader-{reader}")
        gave(subject.value("peer_replay", f"reader-{reader}", OPEN))
    for reader in range(READERS):
        looks = [look if number % 2 else ["get-many", "s", keys] for number in range(LOOKS)]
        subject.value("peer_send", f"reader-{reader}", looks)
    for version in range(1, VERSIONS + 1):
        gave(subject.value("replay", [["put", "s", [[*key, b"%d" % version] for key in keys]]]))
    for reader in range(READERS):
        _check_looks(gave(subject.value("peer_receive", f"reader-{reader}", timeout_sec=CALL_SEC)))
        [last] = gave(subject.value("peer_replay", f"reader-{reader}", [["get-many", "s", keys]]))
        assert last == [b"%d" % VERSIONS] * len(keys), "what was acknowledged in one process is not seen in another"
    _all_write(subject)
    subject.value("reset", [FOLDER])
    _gets_of_one_state(subject, rng)
    _deletes_at_once(subject)


def _check_looks(looks: list[Any]) -> None:
    before = 0
    for look in looks:
        values = [row[3] if isinstance(row, list) else row for row in look]
        assert len(values) == ROWS_REWRITTEN, f"a reader saw {len(values)} of {ROWS_REWRITTEN} rows during a write"
        assert len(set(values)) == 1, "a reader in another process saw a batch in part: some rows new, some old"
        assert int(values[0]) >= before, "a reader saw an older state after a newer one"
        before = int(values[0])


MANY_KEYS = 20_000
REWRITTEN_EVERY = 100


def _gets_of_one_state(subject: SubjectFacade, rng: Random) -> None:
    """Get very many keys of an iterable in the midst of which another process writes: all values are of one state."""
    keys: list[Row] = [["many", number, 0] for number in range(MANY_KEYS)]
    places = [*range(0, MANY_KEYS, REWRITTEN_EVERY), MANY_KEYS - 1]
    gave(subject.value("replay", [*OPEN, ["put", "s", [[*key, b"0"] for key in keys]]]))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    for version, place in enumerate((MANY_KEYS - 1, MANY_KEYS // 2, rng.randrange(2, MANY_KEYS)), 1):
        write: Operation = ["put", "s", [[*keys[row], b"%d" % version] for row in places]]
        [[values, written]] = gave(
            subject.value("replay", [["get-many-amid", "s", keys, place, "writer", write]], timeout_sec=CALL_SEC)
        )
        gave(written)
        assert len(values) == len(keys), f"get_many of {len(keys)} keys gave {len(values)} values"
        seen = {values[row] for row in places}
        assert len(seen) == 1, (
            f"another process stored a batch of {len(places)} rows while get_many took its {len(keys)} keys from an "
            f"iterable, and of these rows it gave some values of before and some of after: all are of one state"
        )
        assert seen <= {b"%d" % (version - 1), b"%d" % version}, (
            "get_many of very many keys gave values of another time"
        )
    subject.value("reset", [FOLDER])


def _deletes_at_once(subject: SubjectFacade) -> None:
    """Delete very many rows at once, while another process counts them: it sees all of them or none."""
    rows: list[Row] = [["many", number, 0, b"x"] for number in range(DELETED_ROWS)]
    gave(subject.value("replay", OPEN))
    subject.value("peer_start", "counter")
    gave(subject.value("peer_replay", "counter", OPEN))
    for _ in range(DELETIONS):
        gave(subject.value("replay", [["put", "s", rows]], timeout_sec=CALL_SEC))
        subject.value("peer_send", "counter", [["count", "s", ["many"]]] * COUNTS)
        [deleted] = gave(subject.value("replay", [["delete", "s", ["many"], None]], timeout_sec=CALL_SEC))
        assert deleted == len(rows), f"delete_range says that it deleted {deleted} of {len(rows)} rows"
        seen = set(gave(subject.value("peer_receive", "counter", timeout_sec=CALL_SEC)))
        assert seen <= {0, len(rows)}, (
            f"while delete_range deleted {len(rows)} rows, another process saw "
            f"{min(seen - {0, len(rows)})} of them: it deletes all or none"
        )
    subject.value("reset", [FOLDER])


def _all_write(subject: SubjectFacade) -> None:
    each = 150
    for reader in range(READERS):
        rows: list[Row] = [[f"writer-{reader}", number, 0, b"x"] for number in range(each)]
        subject.value("peer_send", f"reader-{reader}", [["put-each", "s", rows]])
    gave(subject.value("replay", [["put-each", "s", [["writer", number, 0, b"x"] for number in range(each)]]]))
    for reader in range(READERS):
        gave(subject.value("peer_receive", f"reader-{reader}", timeout_sec=CALL_SEC))
    counts = gave(subject.value("replay", [["count", "s", [f"writer-{reader}"]] for reader in range(READERS)]))
    assert counts == [each] * READERS, (
        f"{READERS + 1} processes wrote at once, and writes were lost: {counts} of {each}"
    )


# ---- parallel scans


def parallel(subject: SubjectFacade, rng: Random) -> None:
    """Fold ranges of skewed rows in parallel, and fail on the way."""
    rows = (
        draw_rows(rng, 9000, ("a",))
        + draw_rows(rng, 300, ("b", "c"))
        + [["z", number, 1, b"z"] for number in range(9000)]
    )
    rows[4321][3] = b"fail here"
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    rows.sort()
    middle = rows[4000][:3]
    ranges: list[tuple[Any, Any, int]] = [
        (None, None, 2),
        (None, None, 1),
        (None, None, 3),
        (["a"], ["b"], 2),
        (middle, ["z", 5000], 2),
        (["a", 0], None, 2),
        (["b"], ["c"], 2),
        (rows[17][:3], rows[18][:3], 2),
        (["q"], ["r"], 2),
        (["z"], ["a"], 2),
        (None, ["a"], 2),
    ]
    for lo, hi, workers in ranges:
        [parts] = gave(subject.value("replay", [["parallel", "s", lo, hi, workers]], timeout_sec=CALL_SEC))
        right = [row for row in rows if (lo is None or row >= lo) and (hi is None or row < hi)]
        found = [row for part in parts for row in part]
        assert found == right, (
            f"parallel_scan({lo}, {hi}, workers={workers}): the parts hold {len(found)} rows in all, "
            f"of which the first {_agreeing(found, right)} are right; there are {len(right)}"
        )
    [failed, after] = listed(
        subject.value(
            "replay",
            [["parallel-failing", "s", None, None, 2], ["parallel", "s", ["b"], None, 2]],
            timeout_sec=CALL_SEC,
        )
    )
    assert failed[:2] == ["raised", "ValueError"], f"a fold raised ValueError, and parallel_scan {failed[:2]}"
    assert after[0] == "gave", f"parallel_scan after one whose fold failed: {after}"
    assert [row for part in after[1] for row in part] == [row for row in rows if row >= ["b"]], (
        "parallel_scan is wrong after one whose fold failed"
    )
    _on_several_threads(subject, rows)
    subject.value("reset", [FOLDER])


THREAD_CALLS = 4


def _on_several_threads(subject: SubjectFacade, rows: list[Row]) -> None:
    """Scan in parallel on three threads at once: each call gives the rows of its own range."""
    ranges: list[tuple[Any, Any]] = [(["a"], ["b"]), (["b"], ["z"]), (["z"], None)]
    given: Operation = ["parallel-threads", "s", ranges, THREAD_CALLS]
    [answers] = gave(subject.value("replay", [given], timeout_sec=CALL_SEC))
    for (lo, hi), calls in zip(ranges, answers, strict=True):
        right = [row for row in rows if row >= lo and (hi is None or row < hi)]
        assert len(calls) == THREAD_CALLS, (
            f"parallel_scan({lo}, {hi}) on one of {len(ranges)} threads did not come back"
        )
        for answer in calls:
            assert answer[0] == "gave", (
                f"three threads called parallel_scan at once, and one of them raised {answer[1:]}"
            )
            parts = [part for part in answer[1] if part is not None]
            found = [parts[0][0], parts[-1][1], sum(part[2] for part in parts)] if parts else []
            assert found == [right[0][:3], right[-1][:3], len(right)], (
                f"three threads called parallel_scan at once, and that of {lo} to {hi} gave first key, last key and "
                f"number of rows as {found} instead of {[right[0][:3], right[-1][:3], len(right)]}"
            )


RETURNED = {
    "an exception": ["ValueError", "given"],
    "an error of the store": ["StoreError", "given"],
    "an exit": ["SystemExit", "given"],
    "a class": ["type", "<class 'ValueError'>"],
    "a pair": ["tuple", "(None, ValueError('given'))"],
    "false": ["bool", "False"],
    "a list": ["list", "[]"],
}
"""What folds return, by the driver's names: its class and its text."""

RAISED = {
    "FileNotFoundError": {"FileNotFoundError"},
    "_OfTwo": {"_OfTwo", "StoreError"},
    "SystemExit": {"SystemExit", "StoreError"},
}
"""What folds raise, and what then parallel_scan may raise; what can't be pickled, or is no `Exception`, may be told."""


def parallel_results(subject: SubjectFacade) -> None:
    """Fold single rows to whatever can be pickled, exceptions too, and raise whatever there is."""
    names = [*RETURNED, *RAISED]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", [["t", ts, 0, name.encode()] for ts, name in enumerate(names)]]]))
    for ts, (name, right) in enumerate(RETURNED.items()):
        for workers in (1, 2):
            asked: Operation = ["parallel-returning", "s", ["t", ts], ["t", ts + 1], workers]
            [answer] = listed(subject.value("replay", [asked], timeout_sec=CALL_SEC))
            assert answer == ["gave", [right]], (
                f"a fold returned {name} ({right[0]}: {right[1]}), and parallel_scan with workers={workers} "
                f"{answer[0]} {answer[1:]} instead of giving it"
            )
    for ts, (name, right_names) in enumerate(RAISED.items(), len(RETURNED)):
        raising: Operation = ["parallel-raising", "s", ["t", ts], ["t", ts + 1], 2]
        after: Operation = ["parallel-returning", "s", ["t", 0], ["t", 1], 2]
        [told, again] = listed(subject.value("replay", [raising, after], timeout_sec=CALL_SEC))
        [answer] = gave([told])
        assert answer[0] == "raised", f"a fold raised {name}, and parallel_scan raised nothing"
        assert answer[1] in right_names, (
            f"a fold raised {name}, and parallel_scan raised {answer[1]}: {answer[2]}; "
            f"right is {' or '.join(sorted(right_names))}"
        )
        assert again == ["gave", [RETURNED["an exception"]]], (
            f"a fold raised {name}, and the next parallel_scan, whose fold raised nothing, {again[0]} {again[1:]}"
        )
    subject.value("reset", [FOLDER])


def parallel_in_one_state(subject: SubjectFacade, rng: Random) -> None:
    """Fold in parallel while another process rewrites all rows over and over: every call sees one state."""
    keys = [row[:3] for row in draw_rows(rng, 120, ("a", "b"))]
    versions: list[Operation] = [["put", "s", [[*key, b"%d" % version] for key in keys]] for version in range(1, 150)]
    for rows in _folded_amid(subject, [[*key, b"0"] for key in keys], versions, PARALLEL_CALLS):
        assert [row[:3] for row in rows] == sorted(keys), "parallel_scan during writes lost rows"
        assert len({row[3] for row in rows}) == 1, (
            "parallel_scan during writes gave parts of different states of the store"
        )


HELD_ROUNDS = 2


def parallel_with_workers_held_up(subject: SubjectFacade, rng: Random) -> None:
    """Have worker processes of a parallel scan stand still, as a busy machine does, while another process writes."""
    staying = draw_rows(rng, 1100, ("a", "c"))
    middle, end = draw_rows(rng, 20, ("b",)), draw_rows(rng, 20, ("d",))
    states = [sorted(rows) for rows in (staying, staying + middle + end, staying + end)]
    writes: list[Operation] = [
        ["put", "s", middle + end],
        ["delete", "s", ["b"], ["c"]],
        ["delete", "s", ["d"], None],
    ]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", staying], ["parallel", "s", None, None, 2]]))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    for held in ("all", 0, -1) * HELD_ROUNDS:
        for write in writes:
            [parts] = gave(subject.value("replay", [["parallel-held", "s", 2, held, "writer", write]]))
            rows = [row for part in parts for row in part]
            assert rows in states, (
                "while worker processes stood still and another process stored rows or deleted them, "
                f"parallel_scan gave {len(rows)} rows that were never there together"
            )
    subject.value("reset", [FOLDER])


def parallel_while_rows_come_and_go(subject: SubjectFacade, rng: Random) -> None:
    """Fold in parallel while another process inserts rows in the middle and deletes them, over and over."""
    staying = sorted(draw_rows(rng, 1100, ("a", "c")))
    passing = sorted(draw_rows(rng, 20, ("b",)))
    states = (staying, sorted(staying + passing))
    writes: list[Operation] = [["put", "s", passing], ["delete", "s", ["b"], ["c"]]] * 80
    for rows in _folded_amid(subject, staying, writes, BRIEF_CALLS):
        assert rows in states, (
            f"while another process inserted {len(passing)} rows and deleted them, parallel_scan gave {len(rows)} rows "
            f"that were never there together, or not in their order; there are {len(states[0])} or {len(states[1])}"
        )


def _folded_amid(subject: SubjectFacade, rows: list[Row], writes: list[Operation], calls: int) -> Iterator[list[Row]]:
    """Store rows, and give all of them as parallel scans do while another process writes over and over."""
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    gave(subject.value("replay", [["parallel", "s", None, None, 2]], timeout_sec=CALL_SEC))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    until = time.monotonic() + PARALLEL_SEC
    for call in range(calls):
        if call % 6 == 0:
            if call:
                gave(subject.value("peer_receive", "writer", timeout_sec=CALL_SEC))
            subject.value("peer_send", "writer", writes)
        [parts] = gave(subject.value("replay", [["parallel", "s", None, None, 2]], timeout_sec=CALL_SEC))
        yield [row for part in parts for row in part]
        if time.monotonic() > until:
            break
    gave(subject.value("peer_receive", "writer", timeout_sec=CALL_SEC))
    subject.value("reset", [FOLDER])


def _agreeing(found: list[Any], right: list[Any]) -> int:
    pairs = enumerate(zip(found, right, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(found), len(right)))


# ---- answers


def listed(answers: object) -> list[Any]:
    """Insist that answers are a list."""
    assert isinstance(answers, list), "the answers have the wrong shape"
    return answers


def gave(answers: object) -> list[Any]:
    """Give what each operation gave; fails where one of them raised."""
    values = []
    for answer in listed(answers):
        match answer:
            case ["gave", value]:
                values.append(value)
            case ["raised", name, message]:
                raise AssertionError(f"an operation that must succeed raised {name}: {message}")
            case _:
                raise AssertionError("the answers have the wrong shape")
    return values
