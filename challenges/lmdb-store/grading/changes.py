"""What another process changes in a table just before it is asked for, and how that is taken back afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from columns import Key, Table
from model import Operation

from harness.duel.round import Call

CHANGED_ROWS = 6
"""Of each kind: replaced, added, deleted."""

UNCHANGED_EVERY = 4
"""One round in so many, drawn at random, changes nothing: what is slow after a change is slow in most rounds."""


@dataclass(frozen=True)
class Changes:
    """Rows that another process stores and keys that it deletes; `originals` tells what was there before."""

    puts: dict[Key, bytes] = field(default_factory=dict)
    deleted: tuple[Key, ...] = ()
    originals: dict[Key, bytes | None] = field(default_factory=dict)

    @property
    def now(self) -> dict[Key, bytes | None]:
        """Give what there is now at each key that was changed."""
        return {**self.puts, **dict.fromkeys(self.deleted)}

    @property
    def added(self) -> list[Key]:
        """List the keys that were not there before."""
        return [key for key, value in self.originals.items() if value is None]

    def prepare(self) -> tuple[Call, ...]:
        """Have another process make these changes, and take them back when the store is next held."""
        if not self.originals:
            return ()
        before = {key: value for key, value in self.originals.items() if value is not None}
        making, undoing = _operations(self.puts, self.deleted), _operations(before, self.added)
        return (Call("write_beside", (making, undoing)),)


def draw_changes(rng: Random, table: Table, keys: Sequence[Key], value_bytes: int, deleting: bool) -> Changes:
    """Draw which of `keys`, all of them the table's, others replace and delete, and rows that they add beside these."""
    if not rng.randrange(UNCHANGED_EVERY):
        return Changes()
    changed = rng.sample(list(dict.fromkeys(keys)), 2 * CHANGED_ROWS)
    replaced, deleted = changed[:CHANGED_ROWS], changed[CHANGED_ROWS:] if deleting else []
    added = [(tenant, ts, rng.getrandbits(32)) for tenant, ts, _ in rng.choices(keys, k=CHANGED_ROWS)]
    puts = {key: rng.randbytes(value_bytes) for key in [*replaced, *added]}
    return Changes(puts, tuple(deleted), {key: table.values.get(key) for key in [*puts, *deleted]})


def _operations(puts: dict[Key, bytes], deleted: Sequence[Key]) -> list[Operation]:
    storing: Operation = ["put", "s", [[*key, value] for key, value in puts.items()]]
    return [storing, *(["delete", "s", list(key), _after(key)] for key in deleted)]


def _after(key: Key) -> list[object]:
    """Give the bound that is after `key` and before every other key."""
    tenant, ts, seq = key
    return [tenant, ts, seq + 1] if seq < 2**32 - 1 else [tenant, ts + 1]
