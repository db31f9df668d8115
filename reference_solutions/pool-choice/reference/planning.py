"""Choose between inline, threads and processes by what each would cost.

The estimate knows four things: what holds the GIL adds up, what does not is shared by the cores (waiting by the
threads), a process costs its start, and every item costs its hand-over, by the byte where it is pickled.
"""

from contract import Plan, Profile

THREADS_MOST = 64
"""More waiting at once gains little and costs memory and sockets."""

PROCESS_START_SEC = 0.06
"""From asking for a process until it takes its first item; the interpreter and the imports, not the fork."""

THREAD_START_SEC = 0.0001
THREAD_ITEM_SEC = 0.00003
PROCESS_ITEM_SEC = 0.0002
"""Handing one item over, there and back."""

PIPE_BYTES_PER_SEC = 500e6
"""Pickling, the pipe and unpickling together."""

PYTHON_BYTES_PER_SEC = 20e6
"""Faster than any loop in Python looks at bytes."""

NATIVE_GIL_FREE = 0.9

WORKERS_MOST = 64
"""Of any kind, however many cores there are."""

WAITS = 0.1
"""What computes for no more than this part of its time is left to threads, however many cores there are."""

CHUNK_SEC = 0.02
"""Work in one message: a hundred times what a message costs, and little to wait for at the end."""

CHUNKS_A_WORKER = 8
"""At least so many, or the last chunk leaves the other workers idle for long."""

UNEVEN = 10
"""When the slowest item takes so many times the usual, nothing may wait behind it."""

LITTLE_SEC = 0.001
"""Work that is over before anybody could help."""

WORTH = 0.9
"""What another kind must save before it is worth its risk."""


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    if profile.may_die:
        return Plan("processes", max(1, min(profile.cores, profile.tasks, WORKERS_MOST)), 1)
    if profile.tasks < 2 or profile.tasks * profile.wall_sec <= LITTLE_SEC:
        return Plan("inline")
    best, best_sec = Plan("inline"), profile.tasks * profile.wall_sec
    for other, seconds in (_on_threads(profile), _in_processes(profile)):
        if seconds < WORTH * best_sec:
            best, best_sec = other, seconds
    return best


def _on_threads(profile: Profile) -> tuple[Plan, float]:
    waits = profile.cpu_sec < 0.5 * profile.wall_sec
    workers = min(profile.tasks, THREADS_MOST if waits else min(profile.cores, WORKERS_MOST))
    held = profile.cpu_sec * (1.0 - _gil_free(profile))
    item = max(profile.wall_sec / workers, profile.cpu_sec / profile.cores, held)
    seconds = workers * THREAD_START_SEC + profile.tasks * (item + THREAD_ITEM_SEC)
    return Plan("threads", workers, 1), seconds


def _gil_free(profile: Profile) -> float:
    """Guess where nobody knows: what gets through bytes so fast is native code, which mostly lets go of the GIL."""
    if profile.gil_free is not None:
        return profile.gil_free
    is_native = profile.argument_bytes > PYTHON_BYTES_PER_SEC * profile.cpu_sec
    return NATIVE_GIL_FREE if is_native else 0.0


def _in_processes(profile: Profile) -> tuple[Plan, float]:
    workers = min(profile.tasks, profile.cores, WORKERS_MOST)
    waits = profile.cpu_sec <= WAITS * profile.wall_sec
    if waits or not (profile.arguments_pickle and profile.results_pickle) or workers < 2:
        return Plan("inline"), float("inf")
    chunk_size = _chunk_size(profile, workers)
    moving = (profile.argument_bytes + profile.result_bytes) / PIPE_BYTES_PER_SEC + PROCESS_ITEM_SEC / chunk_size
    seconds = PROCESS_START_SEC + profile.tasks * (profile.wall_sec / workers + moving)
    return Plan("processes", workers, chunk_size), seconds


def _chunk_size(profile: Profile, workers: int) -> int:
    if profile.slowest_sec >= UNEVEN * profile.wall_sec:
        return 1
    by_time = int(CHUNK_SEC / max(profile.wall_sec, 1e-7))
    by_share = profile.tasks // (workers * CHUNKS_A_WORKER)
    return max(1, min(by_time, by_share))
