"""Tables handed over in memory, which lie in /dev/shm, and which another process reads."""

from __future__ import annotations

from random import Random

import numpy as np
from replies import Subject, demand_nothing_beside

IN_MEMORY = "/dev/shm/"

POWERS = (3, 7, 11, 14, 17)
"""Of two: the rows of tables, up to as many as in the bars."""

COLUMNS_MOST = 9


def on_disk(submission: Subject, name: str) -> str:
    """Have a file that lies in memory copied to the disk, which outlives the process; gives where it is then."""
    if name.startswith(IN_MEMORY):
        submission.value("copy", name, name.removeprefix(IN_MEMORY))
    return name.removeprefix(IN_MEMORY)


def demand_same_of_any_size(submission: Subject, rng: Random) -> None:
    """Write tables into memory, up to such as in the bars, and read them in another process."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    written = {}
    for power in POWERS:
        rows = int(2 ** (power + rng.random()))
        table = {f"c{n}": numbers.integers(-(2**62), 2**62, rows) for n in range(rng.randint(1, COLUMNS_MOST))}
        name = f"{IN_MEMORY}{power}"
        submission.value("hold_table", [[column, values.tobytes()] for column, values in table.items()])
        submission.value("timed_write_table", name)
        submission.value("rest")
        written[on_disk(submission, name)] = table
        submission.value("remove", name)
    demand_nothing_beside(submission, set(written))
    submission.restart()
    for disk_name, table in written.items():
        name = f"{IN_MEMORY}{disk_name}"
        submission.value("copy", disk_name, name)
        answer = submission.value("sums_of_table", name, [[column, 0, len(table[column])] for column in table])
        right = [int(values.sum(dtype=np.int64)) % 2**64 for values in table.values()]
        what = f"a table of {len(table['c0'])} rows in /dev/shm"
        assert answer == right, f"{what} is not what was written when another process reads it"
        submission.value("rest")
        submission.value("remove", name)
    submission.value("clear")
