"""Several processes with one store."""

from collections.abc import Callable
from random import Random
from typing import Any

from answers import CALL_SEC, gave
from model import Operation, Row
from ordering import FOLDER, OPEN
from plans import log_uniform
from rows import draw_rows

from grader.plugin.facade import SubjectFacade

READERS = 3
LOOKS = 120
VERSIONS = 150
ROWS_REWRITTEN = 60

LEAST_ROWS, MANY_ROWS, COUNTING_SEC = 2_000, 250_000, 30.0
"""Rows of one batch, and of one range, and how long another process counts them at most meanwhile."""

MORE_ROWS = 70_000, 100_000
"""Beyond those, of what is deleted at once: as many as fit into memory while they are."""

TIMES_AS_MANY = 5
"""One batch is drawn from each range of sizes whose end is so many times its beginning; and one is the largest."""

FULL_ROWS = 50_000, 70_000
"""Rows of a store that is opened when it holds as many as the bars' do."""


def look_and_write(subject: SubjectFacade, rng: Random) -> None:
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
    _all_open(subject)
    subject.value("reset", [FOLDER])
    _tenants_come_and_go(subject, rng)
    _gets_of_one_state(subject, rng)
    _looks_one_after_another(subject, rng)
    _all_or_nothing(subject, rng)


OPENINGS = 40


def _all_open(subject: SubjectFacade) -> None:
    """Open a store that is not there yet in two processes at the same moment, many times: either makes it."""
    readers = [f"reader-{reader}" for reader in range(2)]
    opening: Operation = ["open-together", readers, "together", OPENINGS]
    [answers] = gave(subject.value("replay", [opening], timeout_sec=CALL_SEC))
    failed = next((answer for answer in answers if answer[0] != "gave"), None)
    assert failed is None, f"two processes opened a store at once that was not there yet, and one raised {failed[1:]}"


def _check_looks(looks: list[Any]) -> None:
    before = 0
    for look in looks:
        values = [row[3] if isinstance(row, list) else row for row in look]
        assert len(values) == ROWS_REWRITTEN, f"a reader saw {len(values)} of {ROWS_REWRITTEN} rows during a write"
        assert None not in values, "a reader in another process did not find rows that had been acknowledged"
        assert len(set(values)) == 1, "a reader in another process saw a batch in part: some rows new, some old"
        assert int(values[0]) >= before, "a reader saw an older state after a newer one"
        before = int(values[0])


TENANTS, REFILLS, TENANT_ROWS = ("first", "second", "third"), 8, 3


def _tenants_come_and_go(subject: SubjectFacade, rng: Random) -> None:
    """Empty tenants in one process and fill them again in another order: what another had learnt of them is over."""

    def here(operations: list[Operation]) -> list[Any]:
        return gave(subject.value("replay", operations))

    def there(operations: list[Operation]) -> list[Any]:
        return gave(subject.value("peer_replay", "other", operations))

    full: Operation = ["put-numbered", "s", "kept", rng.randint(*FULL_ROWS)]
    subject.value("peer_start", "other")
    here([*OPEN, full, ["forget", "s"], *OPEN])
    there(OPEN)
    for number in range(REFILLS):
        write = here if number & 2 else there  # twice each: what is learnt by writing oneself is no help
        write([["delete", "s", [tenant], [f"{tenant}\0"]] for tenant in rng.sample(TENANTS, len(TENANTS))])
        if number & 4:  # else nobody looks before they are filled again
            _look_at(here, [], "emptied tenants")
            _look_at(there, [], "emptied tenants")
        others: list[Row] = [[f"other-{number}-{rng.getrandbits(16)}", 0, 0, b"x"]]
        rows: list[Row] = [
            [tenant, ts, 0, f"{tenant} {ts} {number}".encode()]
            for tenant in rng.sample(TENANTS, len(TENANTS))
            for ts in range(TENANT_ROWS)
        ]
        write([["put", "s", batch] for batch in (others, rows[:-TENANT_ROWS], rows[-TENANT_ROWS:])])
        _look_at(here, rows, "emptied tenants and filled them again")
        _look_at(there, rows, "emptied tenants and filled them again")
    subject.value("reset", [FOLDER])


def _look_at(look: Callable[[list[Operation]], list[Any]], rows: list[Row], what: str) -> None:
    """Require that every way to look at the tenants gives `rows`, lookups first."""
    keys: list[Row] = [[tenant, ts, 0] for tenant in TENANTS for ts in range(TENANT_ROWS)]
    right = {tuple(row[:3]): row[3] for row in rows}
    values = [right.get(tuple(key)) for key in keys]
    many, *singly = look([["get-many", "s", keys], *(["get", "s", key] for key in keys)])
    counts = look([["count", "s", [tenant]] for tenant in TENANTS])
    scans = look([["scan", "s", [tenant], [f"{tenant}\0"], None, False] for tenant in TENANTS])
    assert [many, singly] == [values, values], f"a process {what}, and lookups do not give what is there now"
    assert counts == [sum(row[0] == tenant for row in rows) for tenant in TENANTS], (
        f"a process {what}, and count is wrong"
    )
    assert [row for scan in scans for row in scan] == sorted(rows), (
        f"a process {what}, and scans do not give what is there now"
    )


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
    _gets_beside_a_writer(subject, keys)
    subject.value("reset", [FOLDER])


BESIDE_SEC = 0.8
"""For so long another process writes: some dozens of batches come and go during each `get_many` of so many keys."""


def _gets_beside_a_writer(subject: SubjectFacade, keys: list[Row]) -> None:
    """Get very many keys over and over while another process rewrites some of them: all values are of one state."""
    places = [0, MANY_KEYS // 3, MANY_KEYS - 1]
    writing: Operation = ["put-versions", "s", [keys[place] for place in places], BESIDE_SEC]
    beside: Operation = ["get-many-beside", "s", keys, places, "writer", writing]
    before: Operation = ["put", "s", [[*keys[place], b"before"] for place in places]]
    [_, [looks, written]] = gave(subject.value("replay", [before, beside], timeout_sec=CALL_SEC))
    gave(written)
    for look in looks:
        assert len(set(look)) == 1, (
            f"another process rewrote three rows over and over, all in one batch, and get_many of {len(keys)} keys "
            f"gave values of several batches, {look}: all are of one state"
        )


WAYS = ("get", "get_many", "scan", "reverse scan")
WRITES_SEEN = 4


def _looks_one_after_another(subject: SubjectFacade, rng: Random) -> None:
    """Look at one row over and over while another process replaces it: no look gives what was there before that."""
    keys = [row[:3] for row in draw_rows(rng, 50)]
    gave(subject.value("replay", [*OPEN, ["put", "s", [[*key, b"0"] for key in keys]]]))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    for way in WAYS:
        for version in range(WRITES_SEEN):
            key, value = rng.choice(keys), f"{way} {version}".encode()
            asked: Operation = ["look-until", "s", way, key, "writer", ["put", "s", [[*key, value]]]]
            [[found, written]] = gave(subject.value("replay", [asked], timeout_sec=CALL_SEC))
            gave(written)
            assert found == value, (
                f"amid calls of {way}, one right after the other, another process replaced a row; when that had been "
                f"acknowledged, the next call gave {found!r} instead of {value!r}"
            )
    subject.value("reset", [FOLDER])


def _all_or_nothing(subject: SubjectFacade, rng: Random) -> None:
    """Store and delete many rows at once, while another process counts them: it sees all of them or none."""
    gave(subject.value("replay", OPEN))
    subject.value("peer_start", "counter")
    gave(subject.value("peer_replay", "counter", OPEN))
    for rows in _sizes(rng):
        writes: dict[str, tuple[Operation, int]] = {
            "put_many stored": (["put-numbered", "s", "many", rows], rows),
            "delete_range deleted": (["delete", "s", ["many"], None], 0),
        }
        for what, (write, left) in writes.items():
            _demand_whole(subject, what, write, rows, left, ["many"])
    _delete_still_more(subject, rng)
    _delete_at_once(subject, rng)
    subject.value("reset", [FOLDER])


def _delete_still_more(subject: SubjectFacade, rng: Random) -> None:
    """Delete at once what was stored in two batches, while another process counts it."""
    sizes = {"many": MANY_ROWS, "more": rng.randint(*MORE_ROWS)}
    total = sum(sizes.values())
    gave(subject.value("replay", [["put-numbered", "s", *each] for each in sizes.items()], timeout_sec=CALL_SEC))
    _demand_whole(subject, "delete_range deleted", ["delete", "s", None, None], total, 0, [])


DELETIONS = 3


def _delete_at_once(subject: SubjectFacade, rng: Random) -> None:
    """Delete the same rows in two processes at once: each row is counted by one of them."""
    for _ in range(DELETIONS):
        rows = rng.randint(*FULL_ROWS)
        gave(subject.value("replay", [["put-numbered", "s", "many", rows]], timeout_sec=CALL_SEC))
        delete: Operation = ["delete", "s", ["many"], None]
        subject.value("peer_send", "counter", [delete])
        [here] = gave(subject.value("replay", [delete], timeout_sec=CALL_SEC))
        [there] = gave(subject.value("peer_receive", "counter", timeout_sec=CALL_SEC))
        assert here + there == rows, (
            f"two processes deleted the same {rows} rows at once, and gave {here} and {there} as the number of those "
            "that they deleted"
        )


def _demand_whole(
    subject: SubjectFacade, what: str, write: Operation, rows: int, left: int, prefix: list[object]
) -> None:
    """Write so many rows at once, while another process counts them until so many are left: it sees all or none."""
    subject.value("peer_send", "counter", [["counts-until", "s", prefix, left, COUNTING_SEC]])
    [written] = gave(subject.value("replay", [write], timeout_sec=CALL_SEC))
    assert written == rows, f"{what} {rows} rows, and gives {written} as their number"
    [counts] = gave(subject.value("peer_receive", "counter", timeout_sec=CALL_SEC))
    seen = set(counts)
    assert seen <= {0, rows}, (
        f"while {what} {rows} rows, another process saw {min(seen - {0, rows})} of them: "
        "a batch is stored whole or not at all, and a range is deleted whole or not at all"
    )


def _sizes(rng: Random) -> list[int]:
    """Draw how many rows are stored at once: one of each range, and the most."""
    sizes, least = [MANY_ROWS], LEAST_ROWS
    while least < MANY_ROWS:
        sizes.append(round(log_uniform(rng, least, TIMES_AS_MANY * least)))
        least *= TIMES_AS_MANY
    return sizes


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
