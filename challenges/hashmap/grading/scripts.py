"""Explicit sequences for the bugs that hash maps are known for: each finds its bug every time, by whatever seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from model import Operation, Spec
from worlds import MERSENNE

TABLE_SIZES = tuple(2**n for n in range(3, 12))
"""Sizes that a small table may have; a run of keys that start in its last slot must go on in its first."""

PRIMES = (11, 13, 17, 29, 31, 37, 53, 61, 97, 101, 127, 193, 257, 389, 521, 769, 1543)
"""Sizes that tables of prime size often have."""


@dataclass(frozen=True)
class Script:
    """A named sequence with its keys."""

    name: str
    specs: list[Spec]
    operations: list[Operation]


def ints(*values: int) -> list[Spec]:
    """Describe int keys."""
    return [["plain", value] for value in values]


def looks(keys: range, m: int = 0) -> list[Operation]:
    """Look at a map in every way."""
    return [
        ["items", m],
        ["iter", m],
        ["len", m],
        *(["get", m, key, -1] for key in keys),
        *(["in", m, key] for key in keys),
    ]


def model_scripts() -> Iterator[Script]:
    """Yield the known bugs of maps with ordinary keys."""
    yield from _deletions_in_chains()
    yield _growth()
    yield _order_after_reinsertion()
    yield _overwriting_never_inserts()
    yield _defaults()
    yield _updates()
    yield _clearing()
    yield from _clearing_with_holes()
    yield _draining()
    yield _queue()


def pattern_scripts() -> Iterator[Script]:
    """Yield hash patterns that defeat weak probing, each through insertion, deletion, reinsertion and draining."""
    patterns = {
        "all hashes equal": [42] * 40,
        "hashes -1 and -2": [-1, -2] * 12,
        "hash 0": [0] * 20,
        "descending hashes": list(range(60, 0, -1)),
        "negative hashes": [-3 * i for i in range(1, 60)],
        "extreme hashes": [2**63 - 1 - i for i in range(15)] + [-(2**63) + i for i in range(15)],
        "hashes around the modulus": [MERSENNE + i for i in range(-10, 10)] + [-MERSENNE + i for i in range(-10, 10)],
        "hashes in pairs": [i // 2 for i in range(60)],
    }
    patterns |= {
        f"equal low {bits} bits": [5 + (i << bits) for i in range(40)] for bits in (3, 5, 8, 12, 16, 20, 32, 48, 56)
    }
    patterns |= {f"last slot of {size}": [size - 1 + size * i for i in range(24)] for size in (*TABLE_SIZES, *PRIMES)}
    patterns |= {
        f"stride {stride}": [stride * i for i in range(48)] for stride in (3, 5, 7, 9, 31, 33, 63, 65, 1021, 1023)
    }
    for name, hashes in patterns.items():
        specs: list[Spec] = [["object", hashed, group] for group, hashed in enumerate(hashes)]
        yield Script(name, specs, _through_everything(len(specs)))
    yield from _most_of_long_runs_deleted()
    yield Script("long runs at a table's end", _run_across_the_end(), _through_everything(2 * len(TABLE_SIZES) * 3))


def _most_of_long_runs_deleted() -> Iterator[Script]:
    """Delete most of three long runs of equal hashes, in three orders: all that is left is found, and nothing else."""
    n, left = 270, 96
    specs: list[Spec] = [["object", key // (n // 3), key] for key in range(n)]
    orders = {
        "oldest first": list(range(n)),
        "newest first": list(range(n))[::-1],
        "here and there": sorted(range(n), key=lambda key: key * 89 % n),
    }
    for name, order in orders.items():
        gone = order[:-left]
        operations: list[Operation] = [["set", 0, key, key + 1] for key in range(n)]
        for number, key in enumerate(gone):
            operations += [["del", 0, key], ["get", 0, order[-1 - number % left], -1]]
        operations += [["get", 0, key, -1] for key in range(n)] + [["iter", 0], ["len", 0]]
        operations += [["setdefault", 0, key, -key] for key in range(n)] + [["items", 0]]
        yield Script(f"most of three long runs deleted, {name}", specs, operations)


def _run_across_the_end() -> list[Spec]:
    """Three keys for each table size that start in its last slot, and those that sit in the first slots already."""
    values = [size * i - 1 for size in TABLE_SIZES for i in (1, 2, 4)] + [
        size * i for size in TABLE_SIZES for i in (3, 5, 7)
    ]
    return [["object", value, group] for group, value in enumerate(values)]


def _through_everything(n: int) -> list[Operation]:
    """Insert n keys, delete every third, look, insert those again, overwrite all, look, and drain in another order."""
    operations: list[Operation] = []
    for key in range(n):
        operations += [["set", 0, key, key + 1], ["get-item", 0, key], ["in", 0, (key * 7 + 1) % n]]
    operations += looks(range(n))
    for key in range(0, n, 3):
        operations += [["del", 0, key], ["in", 0, key], ["get", 0, (key + 3) % n], ["get", 0, (key + 1) % n]]
    operations += looks(range(n))
    for key in range(0, n, 3):
        operations += [["setdefault", 0, key, 1000 + key], ["len", 0]]
    for key in range(n):
        operations += [["set", 0, key, 2000 + key], ["len", 0]]
    operations += looks(range(n))
    for key in sorted(range(n), key=lambda key: key * 17 % 23):
        operations += [["pop", 0, key], ["pop", 0, key, -1], ["len", 0]]
    return [*operations, *looks(range(n)), ["set", 0, 0, 1], ["items", 0]]


def _deletions_in_chains() -> Iterator[Script]:
    """Delete keys of one chain in every order: none may hide those behind it, none may come back or come twice."""
    for step in (8, 64, 1 << 10, 1 << 20):
        specs = ints(*(step * i + 5 for i in range(1, 5)), 6, 7)
        operations: list[Operation] = []
        for order in permutations(range(4)):
            operations += [["set", 0, key, key] for key in (0, 1, 2, 3, 4, 5)]
            for key in order:
                operations += [["del", 0, key], ["in", 0, key], *(["get", 0, other, -1] for other in range(6))]
                operations += [["set", 0, order[-1], 70 + key], ["len", 0], ["items", 0]]
            operations += [["pop", 0, key, -1] for key in range(6)] + [["len", 0], ["items", 0]]
        yield Script(f"chains with step {step}", specs, operations)


def _growth() -> Script:
    """Every entry is there after every insertion through many resizes, and after deletions on the way down."""
    n = 400
    operations: list[Operation] = []
    for key in range(n):
        operations += [
            ["set", 0, key, key],
            ["len", 0],
            ["get", 0, key // 2, -1],
            ["get", 0, 0, -1],
            ["get", 0, key, -1],
        ]
        if key % 16 == 15:
            operations += [["items", 0]]
    operations += looks(range(n))
    for key in range(0, n, 2):
        operations += [["del", 0, key], ["get", 0, key + 1, -1], ["get", 0, n - 1, -1]]
    operations += looks(range(n))
    return Script("growth", ints(*(i * 37 - 1000 for i in range(n))), operations)


def _order_after_reinsertion() -> Script:
    n = 30
    operations: list[Operation] = [["set", 0, key, key] for key in range(n)]
    for key in (0, 7, n - 1, 3):
        operations += [
            ["del", 0, key],
            ["set", 0, key, 100 + key],
            ["iter", 0],
            ["values", 0],
            ["items", 0],
            ["keys", 0],
        ]
    for key in range(n):
        operations += [["set", 0, key, 200 + key]]
    operations += [
        ["items", 0],
        ["pop", 0, 5],
        ["set", 0, 5, 1],
        ["iter", 0],
        ["copy", 1, 0],
        ["iter", 1],
        ["items", 1],
    ]
    return Script("order", ints(*((i * 13) % n for i in range(n))), operations)


def _overwriting_never_inserts() -> Script:
    operations: list[Operation] = []
    for key in range(12):
        operations += [["set", 0, key, 1], ["set", 0, key, 2], ["set", 0, key, 3], ["len", 0], ["get-item", 0, key]]
    for value in range(200):
        operations += [["set", 0, value % 12, value], ["len", 0]]
    return Script("overwriting", ints(*range(12)), [*operations, ["items", 0]])


def _defaults() -> Script:
    return Script(
        "defaults",
        ints(1, 2, 3),
        [
            *(
                ["get", 0, 0],
                ["get", 0, 0, 5],
                ["len", 0],
                ["pop", 0, 0, 6],
                ["pop", 0, 0, None],
                ["pop", 0, 0],
                ["len", 0],
            ),
            *(
                ["setdefault", 0, 0, 7],
                ["setdefault", 0, 0, 8],
                ["get-item", 0, 0],
                ["setdefault", 0, 1],
                ["setdefault", 0, 1, 9],
            ),
            *(
                ["get", 0, 1, 3],
                ["items", 0],
                ["len", 0],
                ["pop", 0, 1, 4],
                ["pop", 0, 0, 4],
                ["pop", 0, 0, 4],
                ["len", 0],
            ),
            *(
                ["set", 0, 2, None],
                ["get", 0, 2, 1],
                ["in", 0, 2],
                ["pop", 0, 2, 1],
                ["in", 0, 2],
                ["bool", 0],
                ["items", 0],
            ),
            *(["set", 0, 2, False], ["setdefault", 0, 2, 1], ["set", 0, 0, 0], ["setdefault", 0, 0, 1], ["items", 0]),
            *(operation for value in (None, 0, False) for operation in _as_its_default(value)),
        ],
    )


def _as_its_default(value: object) -> list[Operation]:
    """Give the value that a key has as the default for where it is missing: it is there all the same."""
    return [
        ["set", 0, 2, value],
        ["get", 0, 2, value],
        ["setdefault", 0, 2, value],
        ["pop", 0, 2, value],
        ["in", 0, 2],
        ["len", 0],
        ["items", 0],
    ]


def _updates() -> Script:
    pairs = [[0, 1], [1, 2], [0, 3], [2, 4], [1, 5]]
    return Script(
        "updates",
        ints(10, 20, 30, 40),
        [
            *(
                ["update", 0, pairs],
                ["items", 0],
                ["update", 0, []],
                ["len", 0],
                ["update-keys", 0, [[3, 9], [0, 8]]],
                ["items", 0],
            ),
            *(
                ["new", 1, pairs],
                ["items", 1],
                ["eq", 0, 1],
                ["update-map", 1, 0],
                ["items", 1],
                ["eq", 0, 1],
                ["update-map", 1, 1],
            ),
            *(
                ["items", 1],
                ["new-from-map", 2, 1],
                ["items", 2],
                ["eq", 1, 2],
                ["set", 2, 0, 77],
                ["eq", 1, 2],
                ["items", 1],
            ),
            *(
                ["new-empty", 1],
                ["update-map", 1, 2],
                ["items", 1],
                ["new", 2, []],
                ["len", 2],
                ["bool", 2],
                ["bool", 1],
            ),
        ],
    )


def _clearing() -> Script:
    operations: list[Operation] = []
    for n in (0, 1, 5, 6, 11, 30, 3):
        operations += [["set", 0, key, key] for key in range(n)]
        operations += [
            ["copy", 1, 0],
            ["clear", 0],
            ["len", 0],
            ["items", 0],
            ["in", 0, 0],
            ["get", 0, 0],
            ["items", 1],
            ["bool", 0],
        ]
    return Script("clearing", ints(*range(30)), operations)


def _clearing_with_holes() -> Iterator[Script]:
    """Clear maps whose oldest, newest or every second entries are gone, and fill them again: no trace is left."""
    for size in (20, 200, 2_000):
        for name, first, count, step in (
            ("oldest", 0, size * 3 // 4, 1),
            ("newest", size // 4, size * 3 // 4, 1),
            ("second", 0, size, 2),
        ):
            looks: list[Operation] = [["len", 0], ["items", 0], ["iter", 0]]
            operations: list[Operation] = [
                ["fill", 0, 0, size],
                ["thin", 0, first, count, step],
                ["clear", 0],
                *looks,
                ["fill", 0, 0, size],
                *looks,
            ]
            yield Script(f"clearing {size} entries without the {name}", ints(*range(size)), operations)


def _draining() -> Script:
    """Fill and empty a map again and again; deleted slots must neither fill the table nor stop a search."""
    operations: list[Operation] = []
    for turn in range(12):
        operations += [["set", 0, key, turn] for key in range(turn, turn + 9)]
        operations += [["in", 0, key] for key in range(24)]
        operations += [["del", 0, key] for key in range(turn, turn + 9)] + [["len", 0], ["in", 0, turn], ["items", 0]]
    return Script("filling and emptying", ints(*range(24)), operations)


def _queue() -> Script:
    """Insert at the end and delete at the front, at a small steady size, for longer than any table is big."""
    n = 300
    operations: list[Operation] = []
    for key in range(n):
        operations += [["set", 0, key, key], ["in", 0, (key + 1) % n]]
        if key >= 4:
            operations += [["del", 0, key - 4], ["len", 0], ["get", 0, key - 1, -1], ["iter", 0]]
    return Script("a queue", ints(*(i * 8 for i in range(n))), operations)
