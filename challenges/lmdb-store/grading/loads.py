"""The rounds of the bar that loads rows into new stores."""

import hashlib
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from columns import batches_of, draw_table
from workload import VALUE_BYTES, same

from harness.duel.round import Call, Round

LOADS = count()

LOOKED_AT_EVERY = 4
"""One round in so many, drawn at random, loads twice, and another process looks at what the first load stored."""


@dataclass(frozen=True)
class Load:
    """A load of fresh rows into a new folder: the call, and its answer but for what was seen before."""

    number: int
    call: Call
    answer: list[Any]

    @property
    def removals(self) -> tuple[Call, Call]:
        """Remove what was loaded before, and what may lie where this will be loaded."""
        return Call("remove", (f"load-{self.number - 1}",)), Call("remove", (f"load-{self.number}",))

    @property
    def look(self) -> Call:
        """Have another process read what was loaded; what it sees goes into the next load's answer."""
        return Call("look_beside", (f"load-{self.number}",))

    @property
    def seen(self) -> bytes:
        """Give the digest of what another process sees."""
        return hashlib.sha256(repr([["gave", self.answer[1]]]).encode()).digest()


@dataclass(frozen=True)
class BulkLoad:
    """Load batches in random order into a new store, and read everything back."""

    rows: int = 4_000
    batch: int = 2_000

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        looked_at = None if rng.randrange(LOOKED_AT_EVERY) else self._load(rng)
        timed = self._load(rng)
        right, wrong = [*timed.answer, b""], "what was loaded is not there"
        prepare = timed.removals
        if looked_at is not None:
            prepare = (*looked_at.removals, looked_at.call, looked_at.look, *timed.removals)
            right = [*timed.answer, looked_at.seen]
            wrong = "what was loaded is not there, or another process did not see what was loaded and closed before"
        return Round(prepare, timed.call, same(right, wrong))

    def _load(self, rng: Random) -> Load:
        table = draw_table(rng, self.rows, VALUE_BYTES)
        batches = batches_of(table, self.batch)
        number = next(LOADS)
        answer: list[Any] = [[self.batch] * len(batches), table.scanned(None, None, None, False)]
        return Load(number, Call("bulk_load", (f"load-{number}", batches)), answer)
