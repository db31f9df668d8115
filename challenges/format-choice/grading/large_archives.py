"""Archives of all sizes of which bytes were changed: a scan gives the right rows or `FormatError`, never others."""

from __future__ import annotations

from random import Random

from damage import flipped
from journal import Journal, batches_of
from replies import Subject, demand_raised, gave, place, raised, survived

POWERS, FLIPS = (9, 17), 4
"""Powers of two of the rows, and how many bytes of each are changed."""

NOISE_MOST = 10
BATCH_ROWS = (500, 20_000)


def written(submission: Subject, rng: Random) -> list[tuple[Journal, bytes]]:
    """Have archives written of between one power of two of rows and the next, up to such as in the bars."""
    journals = [
        Journal(rng.getrandbits(32), int(2 ** (power + rng.random())), rng.randrange(NOISE_MOST + 1))
        for power in range(*POWERS)
    ]
    return [
        (journal, journal.written(submission, "large", batches_of(journal.rows, rng.randint(*BATCH_ROWS))))
        for journal in journals
    ]


def demand_damage_is_seen(submission: Subject, journal: Journal, data: bytes, rng: Random) -> None:
    """Change bytes of an archive of any size, one at a time; of the last, none is changed."""
    what = f"scan_archive of an archive of {journal.rows:,} rows, {len(data)} bytes,"
    names = rng.sample(journal.names, len(journal.names))
    right = journal.digests(names)
    for number in range(FLIPS + 1):
        offset, mask = rng.randrange(len(data)), 1 << rng.randrange(8) if number < FLIPS else 0
        place(submission, "large", flipped(data, offset, mask))
        answer = survived(submission.call("scan_digests", "large", names, []), what)
        if mask and raised(answer) is not None:
            demand_raised(answer, "format", f"{what} with byte {offset} changed")
            continue
        assert gave(answer, what) == right, (
            f"{what} with byte {offset} changed by {mask}: it gives other rows than were written, and no FormatError"
        )
