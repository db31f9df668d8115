"""The latency of single lookups while another thread puts large batches."""

import time
from statistics import fmean

from answers import CALL_SEC, gave
from columns import Key, Table, columns_of, draw_table
from turns import Pair, taken
from workload import FOLDER, VALUE_BYTES

from grader.plugin.facade import PairedLaunch, SubjectFacade
from harness.unforeseen import Unforeseen

GETS = 500
PAUSE_SEC = 0.0003
"""Between gets, so that they meet every stage of several batches."""

WRITTEN_ROWS = 60_000
"""In order: sorting so many holds the interpreter for longer than all else, and that is not what is looked at."""

VERSIONS = 3
"""Batches in turn have the same keys with other values: who stores nothing the second time has the wrong ones."""

SAMPLED_ROWS = 200

STORED_AT_LEAST = 2
"""Batches while keys are got: the gets go on until then, or there was nothing for them to be measured beside."""

GETS_AT_ONCE = 20
FEWER_AFTER_SEC = 3.0
"""Where gets take so long, fewer tell enough."""

LONGEST_SEC = 8.0
SLOWEST_WRITER = 5.0
"""How much longer than the reference's a batch may take on average: a writer may not stand back for lookups."""

SLOWEST = 0.02
"""Share of the gets whose mean stands for the 99th percentile, which lies in their middle.

That one get alone would tell one of two times: the interpreter's lock is waited for once or twice, 5 ms each, and how
many of a hundred wait twice is a matter of luck.
"""


def latency(table: Table, launch: PairedLaunch) -> Pair:
    """Time single gets while another thread puts large batches, and give what about one in a hundred takes."""
    rows = sorted(draw_table(launch.rng, WRITTEN_ROWS, VALUE_BYTES).rows)
    written = columns_of(rows)
    batch_sec: dict[int, float] = {}

    def run(side: SubjectFacade, seed: int) -> float:
        rng = Unforeseen(seed)
        side.value("hold", FOLDER)
        side.value("start_writing", written, VERSIONS)
        began, elapsed_sec, stored = time.monotonic(), 0.0, 0
        seconds: list[float] = []
        while (len(seconds) < GETS and elapsed_sec < FEWER_AFTER_SEC) or (
            stored < STORED_AT_LEAST and elapsed_sec < LONGEST_SEC
        ):
            seconds += _gets(side, rng.choices(table.order, k=GETS_AT_ONCE), table)
            stored = _stored(side)
            elapsed_sec = time.monotonic() - began
        went_on = side.value("stop_writing", timeout_sec=CALL_SEC)
        in_all = _stored(side)
        places = rng.sample(range(len(rows)), SAMPLED_ROWS)
        seen = side.value("get_beside", [list(rows[place][0]) for place in places], timeout_sec=CALL_SEC)
        side.value("let_go")
        assert went_on is True, "put_many failed while keys were read on another thread"
        assert stored, (
            f"in {elapsed_sec:.0f} s, in which single keys were got, put_many on another thread stored not one batch "
            f"of {WRITTEN_ROWS} rows: a writer does not wait for lookups"
        )
        version = (in_all - 1) % VERSIONS
        assert gave(seen) == [[rows[(place + version) % len(rows)][1] for place in places]], (
            f"put_many stored {in_all} batches on another thread, and another process does not see the last one"
        )
        batch_sec[id(side)] = elapsed_sec / stored
        return fmean(sorted(seconds)[-max(round(SLOWEST * len(seconds)), 1) :])

    result = taken(launch, run)
    mine, theirs = batch_sec[id(launch.candidate)], batch_sec[id(launch.reference)]
    assert mine <= SLOWEST_WRITER * theirs, (
        f"while single keys were got, put_many on another thread took {1000 * mine:.0f} ms for each batch of "
        f"{WRITTEN_ROWS} rows, the reference's {1000 * theirs:.0f} ms; {SLOWEST_WRITER:.0f} times that is allowed: "
        "a writer does not stand back for lookups, nor sleep"
    )
    return result


def _gets(side: SubjectFacade, keys: list[Key], table: Table) -> list[float]:
    """Get keys one by one, and give how long each took."""
    seconds = []
    for key in keys:
        value, took = side.timed_call("get_one", list(key), timeout_sec=CALL_SEC)
        assert value == table.values[key], "get gave another value during a bulk write"
        seconds.append(took)
        time.sleep(PAUSE_SEC)
    return seconds


def _stored(side: SubjectFacade) -> int:
    stored = side.value("batches_written")
    assert isinstance(stored, int), "the driver's answer has the wrong shape"
    return stored
