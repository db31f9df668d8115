"""Which kind for which profile.

First what is not open to doubt (`_settled`), then a small model of what each kind costs (`_cheapest`). All numbers of a profile are
finite, but their products need not be: everything below lets infinities through, makes no NaN, and rounds only what is bounded.
"""

import math

from pc_types import Plan, Profile

MOST = 64

# Seconds, of an ordinary machine with two cores.
THREAD_START = 100e-6  # to start a thread and to end it
THREAD_ITEM = 30e-6  # to pass an item to a thread and its answer back
SPAWN = 0.1  # until a spawned process has imported what it needs
SPAWN_EACH = 4e-3  # what this process does to start one
PROCESS_ITEM = 15e-6  # to pickle, pass and unpickle a small item and its result
PROCESS_BYTE = 1.5e-9  # the same for each byte, on each side

# A chunk should take long against its way to a worker and back, and short against the whole.
PROCESS_CHUNK = 0.008
THREAD_CHUNK = 0.001
CHUNK_BYTES = 1_000_000
CHUNKS_EACH = 8

UNKNOWN_GIL_FREE = 0.3  # too high costs a factor when it is really pure Python; too low only the start of processes


def choose(profile: Profile) -> Plan:
    """Choose kind, workers and chunks."""
    kind = _settled(profile) or _cheapest(profile)
    if kind == "inline":
        return Plan("inline")
    workers = _threads(profile) if kind == "threads" else _processes(profile)
    return Plan(kind, workers, _chunk(profile, kind, workers))


def _settled(profile):
    """The kind, where it is not a matter of estimates; else None."""
    if profile.may_die:
        return "processes"
    tasks, wall = profile.tasks, profile.wall_sec
    work = tasks * wall
    if tasks <= 1 or work <= 0.001:
        return "inline"
    if _waits(profile) and tasks >= 64 and wall >= 0.005 and work >= 1.0:
        return "threads"
    if profile.cpu_sec != wall:
        return None
    if profile.gil_free == 0.0:
        if profile.cores == 1:
            return "inline"
        small = profile.argument_bytes <= 10_000 and profile.result_bytes <= 10_000
        if tasks >= 32 and wall >= 0.001 and work >= 3.0 and small and _pickles(profile):
            return "processes"
    if profile.gil_free == 1.0 and profile.cores >= 2:
        large = profile.argument_bytes >= 1_000_000
        if tasks >= 16 and work >= 0.2 and large and 0.002 <= wall <= 0.02:
            return "threads"
    return None


def _cheapest(profile):
    """The kind that should take the shortest; the plainer one where it makes little difference."""
    tasks = profile.tasks
    busy = min(profile.cpu_sec, profile.wall_sec)
    free = UNKNOWN_GIL_FREE if profile.gil_free is None else profile.gil_free
    inline = tasks * profile.wall_sec

    threads = _threads(profile)
    on_threads = threads * THREAD_START + tasks * THREAD_ITEM
    on_threads += max(inline / threads, tasks * (busy * (1.0 - free)), tasks * (busy / min(profile.cores, MOST)))
    kind, best = ("threads", on_threads) if on_threads < 0.9 * inline else ("inline", inline)

    if _pickles(profile) and profile.cores >= 2 and inline > 0.021:
        processes = _processes(profile)
        moved = PROCESS_BYTE * (profile.argument_bytes + profile.result_bytes)
        in_processes = SPAWN + processes * SPAWN_EACH + tasks * (moved / processes)
        in_processes += max(inline / processes, tasks * (PROCESS_ITEM + moved))  # one thread here serves all of them
        if in_processes < best and in_processes < 0.9 * inline:
            kind = "processes"
    return kind


def _pickles(profile):
    return profile.arguments_pickle and profile.results_pickle


def _waits(profile):
    """Whether at most a tenth is computing; what is lost by rounding is given back."""
    return profile.cpu_sec <= profile.wall_sec / 10 * (1 + 1e-9)


def _threads(profile):
    """As many as keep the cores busy beside what waits."""
    busy = min(profile.cpu_sec, profile.wall_sec)
    if busy <= profile.wall_sec / 2:
        useful = MOST
    else:
        useful = math.ceil(min(profile.cores, MOST) * (profile.wall_sec / busy))
    return max(1, min(useful, profile.tasks, MOST))


def _processes(profile):
    return max(1, min(profile.cores, profile.tasks, MOST))


def _chunk(profile, kind, workers):
    """One item where items are long, uneven or dangerous; more where each takes less than its way does."""
    if profile.may_die or profile.slowest_sec >= 10 * profile.wall_sec:
        return 1
    most = profile.tasks // (workers * CHUNKS_EACH)
    if workers > 1:
        most = min(most, (profile.tasks - 1) // (workers - 1))
    if kind == "processes":
        most = min(most, CHUNK_BYTES // max(1, profile.argument_bytes + profile.result_bytes))
    if most <= 1:
        return 1
    target = PROCESS_CHUNK if kind == "processes" else THREAD_CHUNK
    return max(1, int(min(target / profile.wall_sec, most)))  # not 0: then the first line has answered
