"""Scripts for single properties: keys, errors, iteration, independence, equality and repr."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from model import Operation, Spec
from scripts import Script, ints, looks
from worlds import MERSENNE

FEW = (3, 5, 10)
"""Sizes where more is tried than elsewhere."""

SIZES = (0, 1, 2, 4, 5, 6, 8, 10, 11, 16, 21, 22, 43)
"""Sizes of a map before the operation in question; they lie around the places where small tables grow."""

HASH_BITS = 64
"""A hash is a signed int of so many bits."""

ASKING: tuple[tuple[str, list[int | None]], ...] = (
    *(("get-item", []), ("del", []), ("in", []), ("get", []), ("get", [7]), ("pop", []), ("pop", [7]), ("pop", [None])),
    *(("setdefault", []), ("setdefault", [7]), ("set", [7])),
)
"""Every operation that takes a key, with the arguments after it."""


def asking(m: int, key: int) -> list[Operation]:
    """List every operation that takes a key, on one key."""
    single: list[Operation] = [[name, m, key, *rest] for name, rest in ASKING]
    return [*single, ["update", m, [[key, 8]]], ["update-keys", m, [[key, 9]]]]


def filled(n: int, first: int, m: int = 0) -> list[Operation]:
    """Insert n keys, from the number `first` on. No value is falsy: that is the model check's matter."""
    return [["set", m, first + i, i + 1] for i in range(n)]


def key_scripts() -> Iterator[Script]:
    """Yield what decides whether two keys are one."""
    yield from _equal_keys("numbers", _plain(1, 1.0, True))
    yield from _equal_keys("zeros", _plain(0, -0.0, False))
    yield from _equal_keys("big numbers", _plain(2**70, float(2**70), 2**70))
    yield from _equal_keys("tuples", [["tuple", [["plain", x], ["plain", "a"]]] for x in (2, 2.0, 2)])
    yield from _equal_keys("objects", [["object", 99, 1]] * 3)
    yield _different("numbers near -1", _plain(-1, -2, -1.5, -3, 2**61 - 2, -(2**61 - 2), 2**61 - 1, 0, 2**61, 1))
    yield _different("texts and bytes", _plain("a", b"a", "", b"", None, "None", "1", 1, "\u00e9", "e\u0301"))
    yield _different("NaNs", [["nan"], ["nan"], ["nan"], ["plain", "nan"], ["plain", float("inf")]])
    yield _different(
        "tuples with NaNs", [["tuple", [["nan"]]], ["tuple", [["nan"]]], ["tuple", []], ["tuple", [["tuple", []]]]]
    )
    yield from _equal_keys("objects whose != says yes all the same", [["contrary", 99, 1]] * 3)
    yield from _equal_keys("objects whose == gives no bool", [["vague", 99, 1]] * 3)
    yield _different("different objects whose == gives no bool", [["vague", 5, group] for group in range(8)])
    yield _different("different objects with one hash", [["object", 5, group] for group in range(12)])
    yield _different("objects that equal everything but differ in hash", [["object", 8 * i, None] for i in range(12)])
    yield _different("objects that equal everything but differ in one bit of their hash", _one_bit_apart(0))
    yield _different("such objects with larger hashes", _one_bit_apart(0x2B992DDFA23249D6))
    yield _different(
        "objects that equal everything and whose hashes are ints with one hash",
        [["object", 5 + i * MERSENNE, None] for i in range(-3, 4)],
    )
    yield _different(
        "an int, and objects with its hash", [["plain", 5], ["object", 5, 1], ["plain", 5.5], ["object", 5, 2]]
    )
    yield _different(
        "huge ints", _plain(*(2**61 - 1 + i for i in range(3)), *(-(2**61) + i for i in range(3)), 2**300, 2**300 + 1)
    )
    yield _different("equal hashes of ints", _plain(*((2**61 - 1) * i + 3 for i in range(20))))


def _one_bit_apart(hashed: int) -> list[Spec]:
    """Describe objects that equal everything: one of a given hash, and one for each of its 64 bits turned over."""
    hashes = [hashed, *(hashed ^ (1 << bit) for bit in range(HASH_BITS))]
    return [["object", each - (each >> (HASH_BITS - 1) << HASH_BITS), None] for each in hashes]


def _plain(*values: object) -> list[Spec]:
    return [["plain", value] for value in values]


def _equal_keys(name: str, specs: list[Spec]) -> Iterator[Script]:
    """Insert equal keys in every order: one entry, the first key stays, any finds and removes it."""
    others = ints(*range(1000, 1012))
    for a, b, c in permutations(range(3)):
        operations: list[Operation] = [
            *(
                ["set", 0, a, 1],
                ["set", 0, b, 2],
                ["len", 0],
                ["items", 0],
                ["get-item", 0, c],
                ["in", 0, c],
                ["setdefault", 0, b, 3],
            ),
            *(
                ["update", 0, [[c, 4]]],
                ["items", 0],
                ["copy", 1, 0],
                ["items", 1],
                *filled(12, 3),
                ["get-item", 0, c],
                ["set", 0, b, 5],
            ),
            *(
                ["items", 0],
                ["del", 0, c],
                ["in", 0, a],
                ["len", 0],
                ["set", 0, b, 6],
                ["items", 0],
                ["pop", 0, a],
                ["items", 0],
            ),
        ]
        yield Script(f"equal {name}", [*specs, *others], operations)


def _different(name: str, specs: list[Spec]) -> Script:
    """Insert keys that are all different, among others, and take them out again."""
    keys = range(len(specs))
    operations: list[Operation] = []
    for key in keys:
        operations += [["in", 0, key], ["set", 0, key, key + 1], ["len", 0], *(["get", 0, other, -1] for other in keys)]
    operations += [["set", 0, key, 100 + key] for key in keys] + looks(keys)
    operations += filled(20, len(specs)) + looks(keys)
    for key in keys:
        operations += [["del", 0, key], *(["get", 0, other, -1] for other in keys)]
    return Script(name, [*specs, *ints(*range(3000, 3020))], [*operations, *looks(keys)])


def key_error_scripts() -> Iterator[Script]:
    """Ask for what is not there: on empty maps, among others, behind colliding keys, after deletion, by equal keys."""
    absent: list[Spec] = [
        *_plain(1, 1.0, "a", None, -1, 2**80),
        ["nan"],
        ["tuple", [["plain", 1], ["plain", 2]]],
        ["object", 5, 1],
        ["object", 5, 1],
    ]
    missing = [["get-item"], ["del"], ["pop"]]
    for n in (0, 1, 5, 20):
        others = [["object", 5 if i % 2 else i, 100 + i] for i in range(n)]
        first = len(absent)
        operations = filled(n, first)
        for key in range(first):
            operations += [[*name, 0, key] for name in missing] + [
                ["get", 0, key],
                ["get", 0, key, 7],
                ["pop", 0, key, 8],
                ["len", 0],
            ]
        operations += [["set", 0, 0, 1], ["del", 0, 1], *([*name, 0, key] for name in missing for key in (0, 1))]
        operations += [["set", 0, 8, 1], ["pop", 0, 9], *([*name, 0, key] for name in missing for key in (8, 9))]
        operations += [["clear", 0], *([*name, 0, key] for name in missing for key in (first - 1, 0)), ["items", 0]]
        yield Script(f"a map of {n}", [*absent, *others], operations)


def unhashable_scripts(sizes: Iterable[int] = SIZES) -> Iterator[Script]:
    """Hand every operation an unhashable key."""
    kinds = ("list", "dict", "set", "bytearray", "tuple")
    for n in sizes:
        for kind in kinds if n in (0, 5) else kinds[:1]:
            specs = [["unhashable", kind], *ints(*range(n + 2))]
            operations = filled(n, 1)
            for operation in asking(0, 0):
                if n or operation[0] != "pop":  # `dict` itself does not hash what is popped from an empty one
                    operations += [operation, ["len", 0]]
            last = n + 2
            operations += [
                ["items", 0],
                ["update", 0, [[last - 1, 1], [0, 2], [last, 3]]],
                ["items", 0],
                ["new", 1, [[last, 1], [0, 2]]],
            ]
            yield Script(
                f"a {kind} in a map of {n}",
                specs,
                [*operations, ["items", 1], ["set", 0, last, 4], *looks(range(1, last + 1))],
            )


ITERATORS = ("iter", "keys", "values", "items")
"""Kinds of them."""


def iteration_scripts() -> Iterator[Script]:
    """Change a map at every step of every kind of iterator."""
    for what in ITERATORS:
        for n in SIZES[1:]:
            for given in sorted({1, (n + 1) // 2, n}):
                yield from changed_while_iterating(what, n, given)
            for gone in (0, 3):
                yield overwritten_while_iterating(what, n, gone)
        for n in FEW:
            yield from _cleared_while_iterating(what, n)
        yield _two_iterators(what)


def changed_while_iterating(what: str, n: int, given: int) -> Iterator[Script]:
    """Change a map of n in each way when so many entries are given."""
    changes: list[list[Operation]] = [
        *(
            [["set", 0, n, 1]],
            [["setdefault", 0, n, 1]],
            [["update", 0, [[0, 1], [n, 1]]]],
            [["del", 0, given - 1]],
            [["pop", 0, n - 1]],
        ),
        *(
            [["pop", 0, 0, 3]],
            [["clear", 0]],
            [["set", 0, n, 1], ["set", 0, n + 1, 1]],
            [["del", 0, 0], ["set", 0, n, 1], ["set", 0, 0, 1]],
        ),
    ]
    for change in changes:
        start: list[Operation] = [*filled(n, 0), ["open", 0, 0, what], *[["step", 0, what]] * given]
        operations = [*start, *change, ["step", 0, what], ["items", 0], ["len", 0]]
        yield Script(f"{what} over a map of {n}", ints(*range(n + 2)), operations)


def _cleared_while_iterating(what: str, n: int) -> Iterator[Script]:
    """Empty a map of n entries under an iterator, at once or one by one, and fill it with so many as it never had.

    Some were deleted before, and as many changes come before the iterator begins as after the map is empty: whoever
    counts changes, and begins anew where the map is empty, comes to the same count.
    """
    for deleted in (0, 1, 2):
        history: list[Operation] = [*filled(n, 0), *(["del", 0, key] for key in range(deleted))]
        start: list[Operation] = [*history, ["open", 0, 0, what], ["step", 0, what]]
        for emptied in ([["clear", 0]], [["pop", 0, key] for key in range(deleted, n)]):
            for count in range(n + 2 * deleted + 3):
                if count != n - deleted:
                    operations = [*start, *emptied, *filled(count, n), ["step", 0, what], ["items", 0]]
                    yield Script(f"{what} over a map of {n - deleted}", ints(*range(2 * n + 7)), operations)


def overwritten_while_iterating(what: str, n: int, gone: int = 0) -> Script:
    """Overwrite at each step what the iterator has given, the first entry and the last, which is still to come.

    And look at the map in ways that might put it in order: it is copied and compared. So many were there before
    the first, and are gone.
    """
    before = [*filled(gone, n + 1), *filled(n, 0), *(["del", 0, n + 1 + key] for key in range(gone))]
    operations: list[Operation] = [*before, ["open", 0, 0, what]]
    for key in range(n):
        operations += [
            ["step", 0, what],
            ["set", 0, key, 50 + key],
            ["set", 0, 0, 90 + key],
            ["set", 0, n - 1, 95 + key],
            ["update", 0, [[key, 60 + key], [0, 91]]],
            ["update-keys", 0, [[key, 70 + key]]],
            ["update-map", 0, 0],
            ["setdefault", 0, key, 80],
            ["get", 0, n],
            ["pop", 0, n, 1],
            ["in", 0, n],
            ["copy", 1, 0],
            ["eq", 0, 1],
            ["eq", 1, 0],
        ]
    operations += [["step", 0, what], ["step", 0, what], ["items", 0]]
    return Script(f"overwriting under {what} of a map of {n}", ints(*range(n + 1 + gone)), operations)


def _two_iterators(what: str) -> Script:
    operations: list[Operation] = [*filled(6, 0), ["open", 0, "outer", what]]
    for turn in range(6):
        operations += [["step", "outer", what], ["open", 0, turn, "keys"], *[["step", turn, "keys"]] * 7]
    return Script(f"loops within {what}", ints(*range(6)), [*operations, ["step", "outer", what], ["items", 0]])


def independence_scripts(sizes: Iterable[int] = SIZES) -> Iterator[Script]:
    """Change one map and look at the others."""
    for n in sizes:
        keys = range(n + 24)
        both = [*looks(keys, 0), *looks(keys, 1), ["eq", 0, 1]]
        more: list[Operation] = [["set", 0, n + i, 7] for i in range(12)]
        fewer: list[Operation] = [["pop", 0, i, 0] for i in range(0, n, 2)]
        for name, make in (
            ("copy", ["copy", 1, 0]),
            ("HashMap(m)", ["new-from-map", 1, 0]),
            ("update", ["update-map", 1, 0]),
        ):
            changes = (
                ("insertion", more),
                ("deletion", fewer),
                ("overwriting", filled(n, 0)[::-1]),
                ("clear", [["clear", 0]]),
            )
            for change, operations in changes:
                there = [*filled(n, 0), make, *operations, *both]
                back = [*filled(n, 0), make, *([op[0], 1, *op[2:]] for op in operations), *both]
                holes = [*filled(n, 0), *fewer, make, *operations, *both]
                yield from (Script(f"{change} after {name}", ints(*keys), listed) for listed in (there, back, holes))
        fresh = [
            *filled(n, 0),
            ["new-empty", 1],
            ["len", 1],
            ["items", 1],
            *more,
            ["set", 1, 0, 99],
            *both,
            ["new-empty", 2],
            ["items", 2],
        ]
        yield Script("a new map", ints(*keys), fresh)


def equality_scripts(sizes: Iterable[int] = SIZES) -> Iterator[Script]:
    """Compare maps that are equal in spite of their history, and maps that differ in one thing."""
    specs = [*ints(*range(40)), ["plain", 1.0], ["plain", True]]
    for n in sizes:
        same: list[Operation] = [
            *filled(n, 0, 0),
            *filled(n, 0, 1)[::-1],
            ["eq", 0, 1],
            ["eq", 1, 0],
            ["eq", 0, 0],
            ["eq", 0, 2],
            ["eq", 2, 0],
        ]
        grown: list[Operation] = [*(["set", 1, n + i, 0] for i in range(min(25, 40 - n))), ["eq", 0, 1], ["eq", 1, 0]]
        shrunk: list[Operation] = [
            *(["del", 1, n + i] for i in range(min(25, 40 - n))),
            ["eq", 0, 1],
            ["is-hashable", 0],
        ]
        operations = [*same, *grown, *shrunk] if n < 40 else same
        for kind in ("none", "int", "list", "object", "its class", "object with an attribute keys"):
            operations = [*operations, ["eq-other", 0, kind]]
        if n:
            operations += [["set", 1, n - 1, 77], ["eq", 0, 1], ["eq", 1, 0], ["set", 1, n - 1, n], ["eq", 0, 1]]
            operations += [
                ["del", 1, 0],
                ["eq", 0, 1],
                ["eq", 1, 0],
                ["set", 1, 39, 0],
                ["eq", 0, 1],
                ["eq", 1, 0],
                ["copy", 2, 1],
                ["eq", 2, 1],
            ]
        yield Script(
            f"maps of {n}", specs if n <= 40 else [*ints(*range(n + 1)), *specs], operations if n < 39 else same
        )
    yield _values_of_keys()
    yield _equal_hashes_in_another_order()
    yield Script(
        "a missing key is not a key with None",
        specs,
        [["set", 0, 0, None], ["set", 1, 1, None], ["eq", 0, 1], ["eq", 1, 0]],
    )
    yield Script(
        "equal keys of other types",
        specs,
        [["set", 0, 1, 5], ["set", 1, 40, 5], ["eq", 0, 1], ["set", 1, 41, 6], ["eq", 0, 1]],
    )


def _equal_hashes_in_another_order() -> Script:
    """Compare maps in which keys of one hash came in another order, beside others that came in the same."""
    specs: list[Spec] = [*ints(-1, -2, 7, 8), *(["object", 5, group] for group in range(4))]
    there: list[Operation] = [["set", 0, key, key] for key in range(len(specs))]
    swapped = [there[1], there[0], *there[2:4], *there[:3:-1]]
    back: list[Operation] = [["set", 1, *rest] for _, _, *rest in swapped]
    both: list[Operation] = [["eq", 0, 1], ["eq", 1, 0]]
    return Script(
        "keys of one hash in another order",
        specs,
        [*there, *back, *both, ["set", 1, 0, 1], ["set", 1, 1, 0], *both, ["set", 1, 0, 0], ["set", 1, 1, 1], *both],
    )


def _values_of_keys() -> Script:
    """Compare maps whose values are objects: some equal, some not, and of some the `==` gives no bool."""
    specs: list[Spec] = [["plain", 1], *([kind, 5, group] for kind in ("object", "vague") for group in (1, 1, 2))]
    operations: list[Operation] = []
    for first in (1, 4):
        for other in range(first, first + 3):
            operations += [["hold-key", 0, 0, first], ["hold-key", 1, 0, other], ["eq", 0, 1], ["eq", 1, 0]]
    return Script("objects as values", specs, operations)


def repr_scripts() -> Iterator[Script]:
    """Show maps of all kinds of keys, changed in all ways, and one inside itself."""
    specs = [*_plain(3, "a", "it's", None, 2.5, True, b"x", -7, "", "HashMap({})"), ["plain", "\n"]]
    operations: list[Operation] = [["repr", 0]]
    for key in range(len(specs)):
        operations += [["set", 0, key, None if key % 3 else key], ["repr", 0]]
    operations += [
        ["del", 0, 0],
        ["repr", 0],
        ["set", 0, 0, 9],
        ["repr", 0],
        ["set", 0, 1, -1],
        ["repr", 0],
        ["clear", 0],
        ["repr", 0],
    ]
    operations += [["set", 0, 3, 1], ["hold-itself", 0, 1], ["repr", 0], ["set", 0, 4, 2], ["repr", 0], ["repr", 1]]
    yield Script("repr", specs, operations)
    yield _repr_after_one_that_raised()
    yield _repr_of_maps_within_maps()
    yield _repr_of_maps_within_each_other()


def _repr_after_one_that_raised() -> Script:
    """Show a map again, and one inside itself, after a key's repr has raised in the middle."""
    specs: list[Spec] = [*ints(*range(4)), ["object", 5, 1]]
    operations: list[Operation] = [["set", 0, 0, 1], ["set", 0, 4, 2], ["set", 0, 1, 3]]
    operations += [["arm-repr", 4], ["repr", 0], ["len", 0], ["del", 0, 4], ["repr", 0], ["items", 0]]
    operations += [["hold-itself", 0, 2], ["repr", 0], ["set", 1, 0, 1], ["repr", 1]]
    return Script("repr after one that raised", specs, operations)


def _repr_of_maps_within_maps() -> Script:
    """Show a map whose value is another map, which is no recursion."""
    operations: list[Operation] = [["set", 2, 0, 345], ["hold", 1, 1, 2], ["repr", 1], ["hold", 0, 2, 1]]
    operations += [["repr", 0], ["set", 0, 3, 6], ["repr", 0], ["repr", 1], ["repr", 2]]
    return Script("repr of maps within maps", ints(*range(4)), operations)


def _repr_of_maps_within_each_other() -> Script:
    """Show maps that are inside themselves by way of others; then one of them, taken out."""
    operations: list[Operation] = [["hold", 0, 0, 1], ["hold", 1, 0, 0], ["repr-ends", 0], ["repr-ends", 1]]
    operations += [["hold", 1, 0, 2], ["hold", 2, 1, 0], *(["repr-ends", m] for m in range(3))]
    operations += [["set", 1, 0, 7], ["repr", 1], ["set", 0, 0, 8], ["repr", 0]]
    return Script("repr of maps within each other", ints(*range(2)), operations)
