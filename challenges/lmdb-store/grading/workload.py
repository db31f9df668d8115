"""The rounds of the bars that ask a store: fresh questions to one that each side has built for itself beforehand.

Before most of them another process changes some of the rows that are asked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from changes import Changes, draw_changes
from columns import Key, Table, columns_of, key_columns

from harness.duel.round import Call, Round

FOLDER = "table"
HOLD = Call("hold", (FOLDER,))
ROWS = 60_000
VALUE_BYTES = 48

ABSENT_BELOW = 32
"""Of 256: one key in eight that `get_many` is asked for is not there."""

BESIDE = ", perhaps where another process had just changed something"


@dataclass(frozen=True)
class Gets:
    """Get random keys that are there, one by one."""

    table: Table
    gets: int = 2_500

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        keys = rng.choices(self.table.order, k=self.gets)
        changes = draw_changes(rng, self.table, keys, VALUE_BYTES, deleting=False)
        for key in changes.added:
            keys[rng.randrange(self.gets)] = key
        right = b"".join(filter(None, _values(self.table, changes, keys)))
        timed = Call("gets", (key_columns(keys),))
        return Round((HOLD, *changes.prepare()), timed, same(right, f"get gave another value{BESIDE}"))


@dataclass(frozen=True)
class GetMany:
    """Get random keys, of which one in eight is not there, some hundreds at once."""

    table: Table
    batches: int = 12
    keys: int = 400

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        there = rng.choices(self.table.order, k=self.batches * self.keys)
        changes = draw_changes(rng, self.table, there, VALUE_BYTES, deleting=True)
        changed = changes.now
        keys = [
            self._absent(key) if byte < ABSENT_BELOW and key not in changed else key
            for key, byte in zip(there, rng.randbytes(len(there)), strict=True)
        ]
        for key in changes.added:
            keys[rng.randrange(len(keys))] = key
        asked = [keys[start : start + self.keys] for start in range(0, len(keys), self.keys)]
        right = [_as_sent(_values(self.table, changes, some)) for some in asked]
        timed = Call("get_many", ([key_columns(some) for some in asked],))
        return Round((HOLD, *changes.prepare()), timed, same(right, f"get_many gave other values{BESIDE}"))

    def _absent(self, key: Key) -> Key:
        tenant, ts, seq = key
        return tenant, ts, seq ^ 1


def _as_sent(values: list[bytes | None]) -> list[bytes]:
    """Give values as they travel: those that are there end to end, and which are not."""
    return [b"".join(filter(None, values)), bytes(value is None for value in values)]


@dataclass(frozen=True)
class Scan:
    """Scan so many rows from a random place on."""

    table: Table
    reverse: bool
    rows: int = 5_000

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        order = self.table.order
        place = rng.randrange(len(order) - self.rows)
        lo, hi = order[place], order[place + self.rows]
        inside = order[place : place + self.rows]
        changes = draw_changes(rng, self.table, inside, VALUE_BYTES, deleting=True)
        keys = sorted([*inside, *(key for key in changes.added if lo <= key < hi)], reverse=self.reverse)
        values = _values(self.table, changes, keys)
        right = columns_of([(key, value) for key, value in zip(keys, values, strict=True) if value is not None])
        timed = Call("scan_rows", (list(lo), list(hi), None, self.reverse))
        return Round((HOLD, *changes.prepare()), timed, same(right, f"the scan gave other rows{BESIDE}"))


def _values(table: Table, changes: Changes, keys: Iterable[Key]) -> list[bytes | None]:
    """Give what there is now at each of `keys`."""
    now, before = changes.now, table.values
    return [now[key] if key in now else before.get(key) for key in keys]


def same(right: object, wrong: str) -> Callable[[object], str | None]:
    """Make a check that demands one answer."""
    return lambda answer: None if answer == right else wrong
