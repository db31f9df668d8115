"""Hold the figures in specs and guides to what grades: whoever changes a constant finds the sentence that states it.

The hash map has a test of its own. `takehome lint` compares bars' thresholds with their rows in SPEC.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from grader.challenge import Challenge
from grader.declaration import read_declaration
from grader.intake.limits import BYTES, FILES
from grader.source_marks import FILE_BYTES
from harness.roster import LOAD_TIMEOUT_SEC
from harness.sandbox.local_sandbox import ADDRESS_SPACE_EXTRA_MB
from tests.challenges.loading import CHALLENGES, importing_from

Tell = Callable[[Any], tuple[str, ...]]
"""What a document must hold, by a grading module's constants."""

WORDS: dict[float, str] = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight", 9: "nine"}
WORDS |= {10: "ten", 12: "a dozen", 40: "forty"}
TIMES: dict[float, str] = {0.5: "half of", 2: "twice"}


def word(number: float) -> str:
    return WORDS.get(number, f"{number:g}")


def ms(seconds: float) -> str:
    return f"{1000 * seconds:g} ms"


def percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def kib(size: float) -> str:
    return f"{size / 1024:g} KiB"


def mb(size: float) -> str:
    return f"{size / 10**6:.0f} MB"


def turns(statistics: Any) -> int:
    """Count how often the asyncio executor's statistics measure one side."""
    launch = SimpleNamespace(rng=Random(1), candidate="candidate", reference="reference")
    return len(statistics.in_turn(launch, lambda side, rng: [side])[0])


def pure_python(workload: Any) -> tuple[str, ...]:
    """Tell of batches whose profiles say how long an item takes."""
    few, many = (make(Random(1)).profile for make in (workload.pure_python, workload.short_tasks))
    return (
        f"{few.tasks} items of about {ms(few.wall_sec)} of pure-Python arithmetic",
        f"{many.tasks:,} items of about {ms(many.wall_sec)} of the same",
    )


SPECS: dict[str, dict[str, Tell]] = {
    "asyncio-executor": {
        "workload": lambda m: (
            f"{m.IO_JOBS} `io` jobs of {ms(m.IO_WAIT_SEC)}, {m.BLOCKING_JOBS} `blocking` jobs of",
            f"jobs of {ms(m.BLOCKING_WAIT_SEC)}, {m.CPU_JOBS} `cpu` jobs of a few",
            f"{m.NESTED_JOBS} `nested` jobs of three jobs each",
            f"{m.CRASH_JOBS} `crash` jobs come with it",
            f"calls answered on the loop, one every {ms(m.PING_EVERY_SEC)}, by the loop itself or",
            f"by one of {m.HEARTS} `io` jobs",
            f"`io` jobs that return at once, one every {ms(m.IO_EVERY_SEC)}",
            f"with {m.ROOMY['io']} `io`, {m.ROOMY['cpu'] - 1} `cpu` and {m.ROOMY['nested']} `nested` jobs running",
        ),
        "statistics_of_launches": lambda m: (
            f"at least {m.SLOWEST_SPIN:g} times as far",
            f"while {word(m.MIXES)} mixes run",
            f"the quicker of yours takes at most {m.SLOWEST_MIX:g} times as long",
            f"on a warm executor, {word(turns(m) * m.TIMED_MIXES)} times (two",
            f"together, {word(turns(m) * m.CANCEL_ROUNDS)} times",
            f"a process idle, {word(turns(m) * m.SHUTDOWN_ROUNDS)} times",
        ),
        "cancelling": lambda m: (f"gets `CancelledError` within {ms(m.CANCEL_SEC)}",),
        "places": lambda m: (
            f"({m.PING_PATIENCE_SEC:g} s at most for what takes a millisecond)",
            f"a process for each of {m.PAIR} `cpu` or `crash` jobs",
        ),
        "timing_out": lambda m: (f"in one of {1 + m.ATTEMPTS} attempts",),
        "dying_at_start": lambda m: (f"(where that takes {ms(m.LEAD_SEC)} or more)",),
        "leftovers": lambda m: (f"{m.PRESENT} jobs that run are counted as such",),
        "limits": lambda m: (
            f"(see below; {m.MIX_PATIENCE_SEC:g} s)",
            f"({m.PROGRESS_PATIENCE_SEC:g} s for a few tenths of a second",
        ),
        "shutdowns": lambda m: (f"at most {m.GRACE_SEC:g} s after that", f"each in the best of {m.ATTEMPTS}"),
        "crowds": lambda m: (f"{m.CROWD:,} queued, half of them", f"{m.CROWD_PATIENCE_SEC:g} s each"),
    },
    "pool-choice": {
        "plan_rules": lambda m: (f"`1 <= workers <= {m.WORKERS_MOST}`",),
        "overlapping": lambda m: (
            f"at least {m.WAITING_LEAST} items under way at once",
            f"never more than {m.WAITING_MOST}.",
            f"the first stage keeps everything for {m.LATE_SEC:g} s",
        ),
        "stage_play": lambda m: (f"may take {m.HANG_SEC:g} before it counts as hanging",),
        "dying": lambda m: (
            f"not started more than {word(m.STARTS_MOST)} times",
            f"100 items of {m.PIPE_FILLING_BYTES / 1000:g} kB",
        ),
        "leftovers": lambda m: (
            f"grows by at most {m.GROWTH_MOST_MB:g} MiB",
            f"Within {word(m.ENDED_SEC / 2)} seconds after `run`",  # a busy machine gets as many again
            f"{m.RUNS} runs leave no files open",
            f"nothing has started by itself {m.IDLE_SEC:g} s after the import",
        ),
        "big_array": lambda m: (
            f"While {m.PARTS} items run that all refer to one array of {m.BIG_MB} MB",
            f"{m.PARTS} parts of one NumPy array of {m.BIG_MB} MB",
            f"beyond the reference's and {m.HELD_BEYOND_MB:g} MiB counts as growth",
        ),
        "predicting": lambda m: (
            f"less than {m.SHORT_SEC:g} s is measured twice",
            f"the fastest kind, or within {percent(m.TIE - 1)} of it",
            f"within a factor of {m.FACTOR:g} of the measured one",
            f"or of {m.FACTOR_OF_SMALL:g} where that is below {m.SMALL:g}",
            f"at least {m.WINNERS_NEEDED} of {len(m.WORKLOADS)} winners",
            f"{m.RATIOS_NEEDED} of {2 * len(m.WORKLOADS)} ratios",
        ),
        "test_bars": lambda m: (
            f"`{m.CORES + m.IDLE_ADDED:g} - min(cores, {m.CORES - m.IDLE_LEAST:g})` for each side",
            f"the sum of `min(c, {m.USEFUL:g} * r)` over a side's runs",
            f"{m.BIG_MB} MiB plus what the container's memory grows by",
            f"counts with at least {m.GROWTH_FLOOR_MB:g} MiB",
        ),
        "workload": lambda m: (
            *pure_python(m),
            f"{m.COMPRESSED_ITEMS} items of {mb(m.COMPRESSED_BYTES)}",
            f"{m.WAITING_ITEMS} items that each wait {ms(m.WAIT_SEC)} for an answer",
            f"for an answer, never more than {m.WAITING_MOST} at once",
            f"{m.TINY_ITEMS:,} items of less than",
            f"{m.PIPELINE_ITEMS} items that wait {ms(m.WAIT_SEC)}",
            f"compute for about {ms(m.PIPELINE_ITEM_SEC)} in pure Python",
        ),
    },
    "client-server": {
        "answers": lambda m: (
            f"a list of at most {m.BATCH_ITEMS} ids",
            f"A body of more than {kib(m.BODY_BYTES)}",
            f"for at least {m.KEPT_SEC:g} s (at least for the last {m.KEPT_ITEMS:,} items fetched)",
            f"later than {m.STALE_SEC:g} s after it was fetched",
            f"of {m.ASKED_TWICE} items asked for twice",
            f"{m.MANY_ITEMS:,} items of {kib(m.MANY_ITEM_BYTES)}",
        ),
        "lost_turns": lambda m: (f"{word(m.ROUNDS)} times in a row, all of `backend.limit`",),
        "overload": lambda m: (
            f"At most `{m.WAITING_PER_CALL} * backend.limit` more ids",
            f"waits for the backend for {m.REQUEST_SEC:g} s in all",
            f"{m.SAME} equal requests and a batch",
            f"{m.EXCESS} requests more than fit",
            f"its 503 and `Retry-After` within {m.AT_ONCE_SEC:g} s",
        ),
        "rough_clients": lambda m: (
            f"body included, {m.ARRIVAL_SEC:g} s after the connection was opened",
            f"up to {m.SERVED_SEC:g} s to arrive is served",
            f"{word(m.SILENT_CLIENTS)} that send nothing within {m.CLOSED_SEC:g} s",
            f"{m.SLOW_CLIENTS} connections that trickle a head or a body are ended within {m.CLOSED_SEC:g} s",
            f"({m.EXCESS_CLOSED_SEC:g} s where the body is too large)",
            f"a batch that takes {m.SENDING_SEC:g} s to arrive",
        ),
        "shutdown": lambda m: (
            f"have {m.GRACE_SEC:g} s to be answered",
            f"over within {m.GRACE_SEC + m.SPARE_SEC:g} s",
        ),
        "bookkeeping": lambda m: (f"`le` is {', '.join(f'`{bound}`' for bound in m.BOUNDS)} and `+Inf`",),
        "truth": lambda m: (
            f"within {m.TIMEOUT_SEC:g} s of when they were due",
            f"count as {1000 * m.TIMEOUT_SEC:,.0f} ms",
            f"the throughput within {percent(m.RATE_OFF)}",
            f"latencies within {percent(m.PERCENT_OFF)} plus {m.MS_OFF:g} ms",
            f"at most {percent(m.MAY_BE_LATE)} of the requests may arrive more than {ms(m.LATE_SEC)} after they are",
        ),
        "measuring": lambda m: (
            f"return within **{m.CAPACITY_SEC:g} s**",
            f"within {percent(m.CAPACITY_OFF)} of the truth",
        ),
        "pairs": lambda m: (f"closed-loop over {m.CONNECTIONS} connections",),
        "test_bars": lambda m: (
            f"{m.HOT_ITEMS} items in memory",
            f"{word(2 * m.LATENCY_BLOCKS)} of {ms(m.LATENCY_SEC)} for the latencies",
            f"at {TIMES.get(m.LOAD_SHARE)} the rate that the **reference** reaches",
            f"(200 within {m.GOOD_SEC:g} s) at {TIMES.get(m.OVERLOAD)} the rate that the backend can do",
            f"every item a different one, {ms(m.BACKEND_SEC)} a call",
            f"about {m.MEMORY_ITEMS:,} items of {kib(m.MEMORY_ITEM_BYTES)}",
        ),
        "limits": lambda m: (
            f"`limit` {m.NARROW[0]} to {m.NARROW[1]}",
            f"`limit` is {m.ROOMY[0]} to {m.ROOMY[1]}",
        ),
    },
    "format-choice": {
        "call_records": lambda m: (f"nested at most {m.DEPTH_MOST} deep",),
        "calling": lambda m: (
            f"makes memory grow by at most {m.MEMORY_MOST_MB:g} MiB",
            f"also after {m.LULLED_BY:,} good calls",
            f"calls of up to {kib(2 ** m.LARGE_POWERS[1])}, cut and lengthened",
            f"{m.LONG_NAMES} calls of a MiB with other long names each",
            f"a call takes at most {m.CALL_MOST_BYTES // 2**20} MiB",
            f"a usual one at most {kib(m.USUAL_MOST_BYTES)}",
        ),
        "eventing": lambda m: (
            f"a log of {m.SEGMENTS:,} segments",
            f"segments of up to {2**m.POWERS:,} events",
            f"of any size up to {2 * 2**m.POWERS:,} events",
            f"takes at most {kib(m.SEGMENT_MOST_BYTES)}, and {kib(m.EVENT_MOST_BYTES)} more an event",
            f"through up to {word(max(map(len, m.PATHS)) - 1)} readers of one version or both",
        ),
        "handing": lambda m: (
            f"looking at {m.LARGE_COLUMNS * m.COLUMN_MB:.0f} MiB of columns",
            f"own memory grow by at most {m.HELD_MOST_MB:g} MiB",
            f"with {word(m.LARGE_COLUMNS)} columns",
            f"the column and {m.READ_BEYOND_MB:g} MiB more",
        ),
        "handing_in_memory": lambda m: (f"tables of up to {2 ** (m.POWERS[-1] + 1):,} rows",),
        "archive_reading": lambda m: (
            f"{m.MEMORY_LIMIT_MB} MiB of memory",
            f"{m.BIG_ROWS:,} rows of which each has {8 * m.NOISE} random bytes",
            f"a file of {m.MEDIUM_ROWS:,} rows",
            f"a scan of {m.WINDOW_ROWS:,} rows, {m.NOISE + 1} of",
            f"of {m.CHANGES} bytes that are changed anywhere in the file",
            f"at most {percent(m.FILTERED_SHARE)} of the file plus {m.READ_BEYOND_MB:g} MiB",
            f"at most {percent(m.PROJECTED_SHARE)} plus {m.READ_BEYOND_MB:g} MiB",
        ),
        "archive_scans": lambda m: (f"{m.FLIGHTS:,} flights",),
        "archive_damage": lambda m: (
            f"in an archive of {m.TINY_ROWS} rows in its last {m.TINY_LAST} and {m.TINY_OTHERS} others",
            f"of a single column of {m.SINGLE_ROWS} texts",
            f"the lowest {['', 'one', 'two', 'three', 'four'][m.SINGLE_BITS]} bits of its first {m.SINGLE_FIRST} bytes",
        ),
        "large_archives": lambda m: (f"in archives of {2 ** m.POWERS[0]} rows up to {2 ** m.POWERS[1]:,}",),
        "predicting": lambda m: (
            f"A `size` is right within a factor of {m.FACTOR_OF_SIZE:g}, a time",
            f"a time within a factor of {m.FACTOR_OF_TIME:g}",
            f"where the measured ratio is below {m.SMALL:g}, of {m.FACTOR_OF_SMALL:g}",
            f"at least {m.NEEDED} of {sum(map(len, m.RATIOS.values()))} right",
        ),
        "call_turns": lambda m: (
            f"encode {m.CALLS:,} usual calls, one by one",
            f"the {m.PERCENT:g}th percentile of the times to encode {m.HANDFUL} calls and to decode {m.HANDFUL} calls",
            f"in each of {word(m.BLOCKS)} blocks of {2 * m.HANDFULS}",
            f"bytes of {m.ROUNDS * m.CALLS:,} usual calls",
        ),
        "event_turns": lambda m: (f"a segment of {m.EVENTS_LEAST:,} to {m.EVENTS_MOST:,} events",),
        "table_turns": lambda m: (
            f"{word(m.COLUMNS)} int columns, some {mb(4 * (m.ROWS_LEAST + m.ROWS_MOST) * m.COLUMNS)}",
            f"is read (one in {word(m.WRITES)})",
            f"one of {word(m.FILES)} files ({mb(8 * m.FILE_ROWS * m.FILE_COLUMNS)} each)",
            f"sum {m.PART_ROWS:,} rows of one column; {word(m.READS)} times",
        ),
        "archive_turns": lambda m: (
            f"archive {m.ROWS:,} flights",
            f"{word(len(m.PROJECTIONS))} scans of one to three number columns",
            f"{word(m.WINDOWS)} scans of three columns",
        ),
        "archive_memory": lambda m: (
            f"while an archive of {m.ROWS:,} rows",
            f"all columns but at most {word(m.LEFT_OUT_MOST)}",
            f"at least {m.FLOOR_MB:g} MiB count",
            f"up to {m.HELD_BEYOND_MB:g} MiB beyond the reference's",
        ),
        "sides": lambda m: (f"more than {m.AHEAD_MOST:g} times as long as with the reference",),
    },
    "lmdb-store": {
        "sequences": lambda m: (f"{len(m.TENANTS)} tenants (prefixes of each other",),
        "faults": lambda m: (
            f"{len(m.ODD_KEYS)} keys, {len(m.ODD_VALUES)} values and {len(m.ODD_BOUNDS)} bounds that are none",
            f"raise {word(len(m.RAISED_BY_ITEMS))} kinds of exceptions",
            f"to {max(m.EQUAL_KEYS):,} items",
            f"a batch of {m.TOO_LARGE_ROWS * 64 / 1024:g} MiB that does not fit",
            f"batches of {m.BATCH_ROWS * m.VALUE_BYTES / 1000:g} KB until the disk is full",
        ),
        "processes": lambda m: (
            f"{word(m.READERS)} processes read the same {m.ROWS_REWRITTEN} rows",
            f"a fourth rewrites them {m.VERSIONS} times",
            f"`get_many` of {m.MANY_KEYS:,} keys while",
            f"`put_many` and `delete_range` of {m.LEAST_ROWS:,} to {m.MANY_ROWS:,} rows",
            f"`delete_range` of up to {m.MANY_ROWS + m.MORE_ROWS[1]:,}",
        ),
        "footprints": lambda m: (
            f"`map_size` {m.FIRST_MAP / m.MB:g} MiB",
            f"{mb(m.GROWN_BATCHES * m.GROWN_ROWS / 2 * m.GROWN_VALUE_BYTES)} are stored",
            f"{m.CHURN_ROUNDS} times {mb(m.CHURN_BYTES)} are stored",
            f"at most {m.MOST_MB:g} MiB on disk",
            f"{m.LARGE_ROWS:,} values of {kib(m.LARGE_BYTES)}",
        ),
        "crashes": lambda m: (
            f"{(len(m.SHAPES) + m.DRAWN_SHAPES) * m.CHILDREN_A_PLAN} processes and {m.KILLED_CONTAINERS} whole",
            f"up to {m.ROUNDS_OF_A_PLAN * len(m.draw_plan(Random(1), m.SMALL).steps):g} writes are waited for",
            f"{word(m.WRITTEN_SEC)} seconds at most",
        ),
        "plans": lambda m: (
            f"batches of {m.DRAWN_ROWS[0]} to {max(m.DRAWN_ROWS[1], m.MANY.rows):,} rows",
            f"of up to {mb(m.DRAWN_BYTES[1])}",
        ),
        "columns": lambda m: (f"{word(len(m.TENANT_SHARES))} tenants of",),
        "workload": lambda m: (
            f"Rows have {m.VALUE_BYTES} bytes of value",
            f"{m.Gets.gets:,} calls of `get` with random keys that are there, of {m.ROWS:,} rows",
            f"{m.GetMany.batches} calls of `get_many` with {m.GetMany.keys} keys",
            f"a scan of {m.Scan.rows:,} rows of {m.ROWS:,}",
        ),
        "loads": lambda m: (f"{word(m.BulkLoad.rows // m.BulkLoad.batch)} batches of {m.BulkLoad.batch:,} rows",),
        "beside_writer": lambda m: (
            f"of {m.GETS} single calls of `get`, as the mean of the slowest {percent(m.SLOWEST)}, {ms(m.PAUSE_SEC)}",
            f"until {word(m.STORED_AT_LEAST)} batches are stored",
            f"puts batches of {m.WRITTEN_ROWS:,} rows",
            f"a batch may take {word(m.SLOWEST_WRITER)} times as long",
        ),
        "on_two_cores": lambda m: (
            f"`parallel_scan` with {word(m.WORKERS)} workers",
            f"for each row; {word(m.PARALLEL_RUNS)} times, after a first call",
            f"in scans of {m.SERIAL_ROWS:,} rows one after another",
            f"counts as at most {m.SERIAL_MOST:g} times the reference's",
            f"at least {TIMES[m.LEAST_WORK]} what the reference's do",
        ),
        "snapshots": lambda m: (
            f"lookups and writes with {m.OPEN_SCANS} scans open",
            f"with up to {m.MANY_ROWS:,} rows",
        ),
        "parallel": lambda m: (f"a module that is new; {m.VERY_MANY_ROWS:,} rows with results of",),
        "sizes": lambda m: (f"{m.SIZED_ROWS:,} rows, put in random order in batches of {m.SIZED_BATCH:,}",),
        "tables": lambda m: (f"a scan of most of {m.LARGE_ROWS:,} rows about half way through",),
    },
}

GUIDES: dict[str, dict[str, Tell]] = {
    "asyncio-executor": {"leftovers": lambda m: (f"in {m.CYCLES} executors",)},
    "pool-choice": {
        "stage_play": lambda m: (f"({m.HANG_SEC:g} s for what takes less than one)",),
        "test_bars": lambda m: (f"with {m.IDLE_ADDED:g} added on both sides", f"at most {m.CORES - m.IDLE_LEAST:g}"),
        "big_array": lambda m: (f"up to {m.HELD_BEYOND_MB:g} MiB beyond the reference's",),
    },
    "lmdb-store": {
        "parallel": lambda m: (f"a fast writer up to {m.PARALLEL_CALLS + m.BRIEF_CALLS} times",),
        "on_two_cores": lambda m: (f"fold over scans of {m.SERIAL_ROWS:,} rows",),
    },
}

LIMITS = {
    "asyncio-executor": "{Cores} cores, {memory_mb} MiB of memory, {pids} processes and threads together, {open_files} "
    "open files in each process, {tmpfs_mb} MiB of temporary files, {shm_mb} MiB of shared memory",
    "pool-choice": "{cores} cores, {memory_mb} MiB of memory (shared memory of up to {shm_mb} MiB counts), {pids} "
    "processes and threads, {open_files} open files, {tmpfs_mb} MiB of temporary files",
    "client-server": "{Cores} core, {memory_mb} MiB of memory, {pids} processes or threads, {open_files:,} open files, "
    "{tmpfs_mb} MiB of temporary files",
    "format-choice": "{Cores} core, {memory_mb} MiB of memory (files in `/dev/shm`, at most {shm_mb} MiB, count; pages "
    "of other files are given back when memory is short), {pids} processes or threads, {open_files} open files, files "
    "of at most {disk_mb} MiB, {tmpfs_mb} MiB of temporary files",
    "lmdb-store": "{Cores} cores, {memory_mb} MiB of memory, {pids} processes or threads, {open_files} open files, a "
    "disk of {disk_mb:,} MiB, {tmpfs_mb} MiB of temporary files",
}
"""What SPEC.md must hold, by the limits of challenge.toml."""


def challenge(slug: str) -> Challenge:
    return read_declaration(CHALLENGES / slug / "challenge.toml", Challenge)


def document(slug: str, name: str = "SPEC.md") -> str:
    """Read a document as one line."""
    return " ".join((CHALLENGES / slug / name).read_text(encoding="utf-8").split())


def tells(document: str, text: str) -> bool:
    """Tell whether a document holds a text, whose first and last numbers are whole ones there."""
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(text)}(?!\w|[.,]\d)", document) is not None


@pytest.mark.parametrize(
    ("slug", "name", "module", "tell"),
    [
        pytest.param(slug, name, module, tell, id=f"{slug}-{name}-{module}")
        for name, told in (("SPEC.md", SPECS), ("GUIDE.md", GUIDES))
        for slug, modules in told.items()
        for module, tell in modules.items()
    ],
)
def test_figures_are_as_in_the_code(slug: str, name: str, module: str, tell: Tell) -> None:
    with importing_from(CHALLENGES / slug / "grading") as import_:
        texts = tell(import_(module))
    assert [text for text in texts if not tells(document(slug, name), text)] == []


@pytest.mark.parametrize("slug", SPECS)
def test_limits_are_told(slug: str) -> None:
    spec, declared = document(slug), challenge(slug)
    limits = declared.limits.model_dump()
    assert tells(spec, LIMITS[slug].format_map(limits | {"Cores": word(limits["cores"]).capitalize()}))
    assert tells(spec, f"At most {FILES:,} files and {BYTES // 2**20} MiB handed in")
    assert tells(spec, f"Importing `solution` may take {LOAD_TIMEOUT_SEC:g} s")
    assert tells(spec, f"each of which has at most {FILE_BYTES // 2**20} MiB") or slug == "hashmap"  # it asks for less
    assert tells(spec.lower(), f"{word(declared.minutes / 60)} hours")


def test_what_practice_limits_is_told() -> None:
    address_space_mb = challenge("lmdb-store").limits.memory_mb + ADDRESS_SPACE_EXTRA_MB
    assert tells(document("lmdb-store"), f"in *practice*, without Docker, it is, to {address_space_mb} MiB")


@pytest.mark.parametrize("slug", SPECS)
def test_distinctions_are_told(slug: str) -> None:
    """Demand what lint lets a row leave out; whether the ratios there are right is its affair."""
    spec = (CHALLENGES / slug / "SPEC.md").read_text(encoding="utf-8")
    for bar in challenge(slug).bars:
        assert re.search(rf"^\| `{bar.id}` \|.*\| [\d.]+\S \| [\d.]+\S \|$", spec, re.MULTILINE), bar.id


@pytest.mark.parametrize(
    ("text", "told"),
    [("40 jobs", True), ("0 jobs", False), ("in 2", False), ("in 2.5", True), ("5 s", False), ("40 job", False)],
)
def test_part_of_a_number_or_word_tells_nothing(text: str, told: bool) -> None:
    assert tells("40 jobs in 2.5 s", text) is told
