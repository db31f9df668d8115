"""The rounds of the bars that are duels: fresh questions to a store that each side has built for itself beforehand."""

from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from columns import Key, Table, batches_of, draw_table, key_columns

from harness.duel.round import Call, Round

FOLDER = "table"
HOLD = Call("hold", (FOLDER,))
ROWS = 60_000
VALUE_BYTES = 48


BESIDE_TENANT = "~beside"
"""After every tenant of a table, so that no scan of the bars meets its rows."""

BESIDE_ROWS = 16
BESIDE_EVERY = 4
"""One round in so many, drawn at random: whoever answers from memory must notice what others write."""


def beside(rng: Random) -> dict[Key, bytes]:
    """Draw the rows that another process stores just before the questions; mostly none."""
    if rng.randrange(BESIDE_EVERY):
        return {}
    return {
        (BESIDE_TENANT, rng.getrandbits(40), rng.getrandbits(32)): rng.randbytes(VALUE_BYTES)
        for _ in range(BESIDE_ROWS)
    }


def _held_with(rows: dict[Key, bytes]) -> tuple[Call, ...]:
    written = [[*key, value] for key, value in rows.items()]
    return (HOLD, Call("write_beside", (written,))) if rows else (HOLD,)


@dataclass(frozen=True)
class Gets:
    """Get random keys that are there, one by one."""

    table: Table
    gets: int = 2_500

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        others = beside(rng)
        keys = [*rng.choices(self.table.order, k=self.gets - len(others)), *others]
        rng.shuffle(keys)
        right = b"".join(others[key] if key in others else self.table.values[key] for key in keys)
        timed = Call("gets", (key_columns(keys),))
        return Round(_held_with(others), timed, _same(right, "get gave another value"))


@dataclass(frozen=True)
class GetMany:
    """Get random keys, of which one in eight is not there, some hundreds at once."""

    table: Table
    batches: int = 12
    keys: int = 400

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        others = beside(rng)
        asked = [[self._key(rng) for _ in range(self.keys)] for _ in range(self.batches)]
        for key in others:
            rng.choice(asked)[rng.randrange(self.keys)] = key
        values = ChainMap(others, self.table.values)
        right = [
            [b"".join(values.get(key, b"") for key in keys), bytes(key not in values for key in keys)] for keys in asked
        ]
        timed = Call("get_many", ([key_columns(keys) for keys in asked],))
        return Round(_held_with(others), timed, _same(right, "get_many gave other values"))

    def _key(self, rng: Random) -> Key:
        tenant, ts, seq = rng.choice(self.table.order)
        return (tenant, ts, seq) if rng.randrange(8) else (tenant, ts, seq ^ 1)


@dataclass(frozen=True)
class Scan:
    """Scan so many rows from a random place on."""

    table: Table
    reverse: bool
    rows: int = 5_000

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        place = rng.randrange(len(self.table.order) - self.rows)
        lo, hi = self.table.order[place], self.table.order[place + self.rows]
        columns = self.table.scanned(lo, hi, None, self.reverse)
        timed = Call("scan_rows", (list(lo), list(hi), None, self.reverse))
        return Round((HOLD,), timed, _same(columns, "the scan gave other rows"))


LOADS = count()


@dataclass(frozen=True)
class BulkLoad:
    """Load batches in random order into a new store, and read everything back."""

    rows: int = 4_000
    batch: int = 2_000

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        table = draw_table(rng, self.rows, VALUE_BYTES)
        batches = batches_of(table, self.batch)
        number = next(LOADS)
        right: list[Any] = [[self.batch] * len(batches), table.scanned(None, None, None, False)]
        prepare = (Call("remove", (f"load-{number - 1}",)), Call("remove", (f"load-{number}",)))
        return Round(
            prepare, Call("bulk_load", (f"load-{number}", batches)), _same(right, "what was loaded is not there")
        )


def _same(right: object, wrong: str) -> Callable[[object], str | None]:
    return lambda answer: None if answer == right else wrong
