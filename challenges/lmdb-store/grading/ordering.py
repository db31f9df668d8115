"""Operations on the order of keys, and on every kind of range. Pure."""

from itertools import pairwise, product
from random import Random

from model import Operation, Row
from sequences import SEQS, TENANTS, TIMES

FOLDER = "store"
FOLDERS = (FOLDER, "other")
OPEN: list[Operation] = [["open", "s", FOLDER]]

WORDS = ["".join(letters) for length in (1, 2, 3) for letters in product("\0\1\2\\a\xff", repeat=length)]
"""Every short tenant of what an encoding that ends or escapes texts may use for itself."""

CORNERED = 8
"""Tenants of which the very first and last keys are counted."""

NEIGHBOURS, NEIGHBOURHOODS = 5, 3
"""Keys of which each follows the one before at once."""


def every_key(rng: Random) -> list[Operation]:
    """Store keys of every tenant with times and numbers at the edges, in random order, and look at all of them."""
    rows: list[Row] = [[word, rng.choice(TIMES), rng.choice(SEQS), word.encode()] for word in WORDS]
    for tenant in TENANTS:
        rows += [[tenant, ts, 0, b"%d" % ts] for ts in TIMES]
        rows += [[tenant, 7, seq, b"seq"] for seq in SEQS]
        rows += [[tenant, rng.randint(-(2**63), 2**63 - 1), rng.randrange(2**32), rng.randbytes(9)] for _ in range(8)]
    rng.shuffle(rows)
    parts = [rows[start : start + 97] for start in range(0, len(rows), 97)]
    whole = [["scan", "s", None, None, None, reverse] for reverse in (False, True)]
    return [
        *OPEN,
        *(["put", "s", part] for part in parts),
        *whole,
        *(["scan", "s", [tenant], None, 3, False] for tenant in TENANTS),
        *(["scan", "s", None, [tenant], 3, True] for tenant in TENANTS),
        ["get-many", "s", [row[:3] for row in rows]],
        ["forget", "s"],
        *OPEN,
        *whole,
    ]


def corners(rng: Random) -> list[Operation]:
    """Store the first and the last key of each tenant, and of times at the edges; count them, and ask for both ends."""
    tenants = rng.sample(TENANTS, CORNERED)
    times, ends = (TIMES[0], -1, TIMES[-1]), (SEQS[0], SEQS[-1])
    rows: list[Row] = [[tenant, ts, seq, b"corner"] for tenant in tenants for ts in times for seq in ends]
    rng.shuffle(rows)
    prefixes = [[], *([t] for t in tenants), *([t, ts] for t in tenants for ts in times), *(row[:3] for row in rows)]
    asked: list[Operation] = []
    for prefix in prefixes:
        limit = rng.choice((None, 2))
        asked += [
            ["count", "s", prefix],
            ["scan", "s", prefix, None, limit, rng.random() < 0.5],
            ["scan", "s", None, prefix, limit, rng.random() < 0.5],
        ]
    for limit in (2**31, 2**63 - 1):  # as good as none
        asked += [["scan", "s", None, None, limit, reverse] for reverse in (False, True)]
    return [*OPEN, ["put", "s", rows], *asked]


def neighbours(rng: Random) -> list[Operation]:
    """Store keys of which each follows the one before at once; ask for each alone, and delete the last, in turn."""
    tenant, ts, first = rng.choice(TENANTS), rng.choice(TIMES), rng.choice((0, 250, 254, 65_533, rng.getrandbits(31)))
    keys: list[Row] = [[tenant, ts, first + number] for number in range(NEIGHBOURS)]
    operations: list[Operation] = [*OPEN, ["put", "s", [[*key, b"neighbour"] for key in keys]]]
    for last in reversed(keys):
        for key, following in pairwise(keys):
            operations += [
                ["count", "s", key],
                ["scan", "s", key, following, None, rng.random() < 0.5],
                ["scan", "s", None, key, 1, rng.random() < 0.5],
            ]
        operations += [["count", "s", last], ["delete", "s", last, None], ["count", "s", []]]
    return operations


def ranges(rng: Random) -> list[list[Operation]]:
    """Ask a small store and an empty one for ranges of every kind, in both directions, with limits."""
    tenants = ("", "a", "a\0", "a\0\1", "ab", "b")
    rows: list[Row] = [[tenant, ts, seq, b"v"] for tenant in tenants for ts in (-5, -1, 0, 3) for seq in (0, 9)]
    rng.shuffle(rows)
    bounds = [
        None,
        [],
        [""],
        ["a"],
        ["a\0"],
        ["aa"],
        ["b"],
        ["c"],
        ["a", -5],
        ["a", 0],
        ["a", 1],
        ["a", 3, 9],
        ["a", 4],
    ]
    asked: list[Operation] = [
        ["scan", "s", lo, hi, rng.choice((None, None, 1, 5)), reverse]
        for lo in bounds
        for hi in bounds
        for reverse in (False, True)
    ]
    limited: list[Operation] = [
        ["scan", "s", None, None, limit, reverse] for limit in (0, 1, 16, 17, 47, 48, 99) for reverse in (False, True)
    ]
    counted: list[Operation] = [
        ["count", "s", prefix]
        for prefix in ([], *([t] for t in tenants), ["x"], ["a", 0], ["a", -1], ["a", 1], ["a", 3, 9], ["a", 3, 8])
    ]
    deleted: list[Operation] = []
    for lo, hi in ((["a", 0], ["a", 3]), (["b"], ["a"]), (["a\0"], ["ab"]), (None, ["a"]), (["ab", -1, 9], None)):
        deleted += [["delete", "s", lo, hi], ["scan", "s", None, None, None, False], ["count", "s", []]]
    long_rows: list[Row] = [["t", number - 900, number % 3, b"%d" % number] for number in range(1800)]
    rng.shuffle(long_rows)
    long_asked: list[Operation] = [
        ["scan", "s", ["t", lo], ["t", hi], limit, reverse]
        for lo, hi, limit in ((-900, 900, None), (-300, 213, None), (-1, 1, None), (-600, 5, 500), (-3, 600, 600))
        for reverse in (False, True)
    ]
    return [
        [*OPEN, *asked[:40], *counted, ["delete", "s", None, None]],
        [*OPEN, ["put", "s", rows], *asked, *limited, *counted, *deleted],
        [
            *OPEN,
            ["put", "s", long_rows],
            *long_asked,
            ["count", "s", ["t"]],
            ["delete", "s", ["t", -850], ["t", 850]],
            *long_asked,
        ],
        corners(rng),
        *(neighbours(rng) for _ in range(NEIGHBOURHOODS)),
    ]


def two_stores(rng: Random) -> list[Operation]:
    """Ask one store for what only the other holds, in turn."""
    rows: list[Row] = [["t", rng.randint(-(2**40), 2**40), number, rng.randbytes(6)] for number in range(20)]
    keys = [row[:3] for row in rows]
    looks: list[Operation] = [
        look for name in "so" for look in (["get-many", name, keys], ["count", name, ["t"]], ["get", name, keys[0]])
    ]
    return [
        *OPEN,
        ["open", "o", "other"],
        *looks,
        ["put", "s", rows[:12]],
        *looks,
        ["put", "o", [[*row[:3], b"of the other"] for row in rows[6:]]],
        *looks,
        ["delete", "s", None, None],
        *looks,
        ["forget", "s"],
        ["put", "o", rows],
        *OPEN,
        *looks,
    ]
