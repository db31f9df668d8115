"""The rules of SPEC.md for plans, as functions of a profile and a plan, and profiles to try them on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from profiles import Profile

KINDS = ("inline", "threads", "processes")
WORKERS_MOST = 64
PROFILES_OF_ANY_KIND = 400
PROFILES_A_CASE = 40

HUGE = 2**62
"""Whole numbers in profiles are below 2**63."""


@dataclass(frozen=True)
class Plan:
    """What a submission planned."""

    kind: str
    workers: int
    chunk_size: int


def read_plan(reply: object) -> Plan | str:
    """Read one plan of the driver's answer, or say why there is none."""
    if isinstance(reply, list) and len(reply) == 3 and reply[0] == "raised":
        return f"plan() raised {str(reply[1])[:100]}: {str(reply[2])[:200]}"
    if not (isinstance(reply, list) and len(reply) == 4 and reply[0] == "plan"):
        return "there is no plan to read"
    _, kind, workers, chunk_size = reply
    if kind not in KINDS:
        return f"the kind is {str(kind)[:50]!r}"
    if type(workers) is not int or type(chunk_size) is not int:
        return "workers and chunk_size must be ints"
    return Plan(kind, workers, chunk_size)


def broken_rule(profile: Profile, plan: Plan) -> str | None:
    """Say which of rules 1 to 9 a plan breaks."""
    return _bounds(profile, plan) or _forced(profile, plan) or _clear_case(profile, plan)


def _bounds(profile: Profile, plan: Plan) -> str | None:
    if not 1 <= plan.workers <= WORKERS_MOST or (profile.tasks and plan.workers > profile.tasks):
        return f"rule 1: {plan.workers} workers for {profile.tasks} items"
    if plan.kind == "inline" and plan.workers != 1:
        return "rule 1: inline has one worker"
    if plan.kind == "processes" and plan.workers > profile.cores:
        return f"rule 1: {plan.workers} processes on {profile.cores} cores"
    if plan.chunk_size < 1 or (profile.tasks and plan.chunk_size * (plan.workers - 1) >= profile.tasks):
        return (
            f"rule 2: with chunks of {plan.chunk_size}, {profile.tasks} items do not give {plan.workers} workers work"
        )
    return None


def _forced(profile: Profile, plan: Plan) -> str | None:
    if profile.may_die and plan.kind != "processes":
        return f"rule 3: {plan.kind} for what may end its process"
    pickles = profile.arguments_pickle and profile.results_pickle
    if not pickles and plan.kind == "processes":
        return "rule 3: processes for what does not pickle"
    if profile.slowest_sec >= 10 * profile.wall_sec and plan.chunk_size != 1:
        return f"rule 4: chunks of {plan.chunk_size}, with an item that takes ten times as long as others"
    return None


def _clear_case(profile: Profile, plan: Plan) -> str | None:
    if profile.may_die:
        return None
    work = profile.tasks * profile.wall_sec
    if (work <= 0.001 or profile.tasks <= 1) and plan.kind != "inline":
        return f"rule 5: {plan.kind} for next to no work"
    long_waits = profile.wall_sec >= 0.005 and profile.cpu_sec <= 0.1 * profile.wall_sec
    if long_waits and profile.tasks >= 64 and work >= 1:
        return None if plan.kind == "threads" and plan.workers >= 16 else f"rule 6: {_told(plan)} for waiting"
    if profile.cpu_sec == profile.wall_sec and profile.gil_free == 0.0:
        return _holding(profile, plan, work)
    if profile.cpu_sec == profile.wall_sec and profile.gil_free == 1.0:
        return _letting_go(profile, plan, work)
    return None


def _holding(profile: Profile, plan: Plan, work: float) -> str | None:
    if profile.cores == 1:
        return None if plan.kind == "inline" else f"rule 7: {_told(plan)} for computing on one core"
    if work <= 0.02:
        return "rule 7: processes for 20 ms of work or less" if plan.kind == "processes" else None
    pickles = profile.arguments_pickle and profile.results_pickle
    small = profile.argument_bytes <= 10_000 and profile.result_bytes <= 10_000
    if profile.tasks >= 32 and profile.wall_sec >= 0.001 and work >= 3 and pickles and small:
        right = plan.kind == "processes" and plan.workers == _as_many_as_cores(profile)
        return None if right else f"rule 8: {_told(plan)} for much pure Python on {profile.cores} cores"
    return None


def _letting_go(profile: Profile, plan: Plan, work: float) -> str | None:
    many = profile.cores >= 2 and profile.tasks >= 16 and work >= 0.2
    if many and profile.argument_bytes >= 1_000_000 and 0.002 <= profile.wall_sec <= 0.02:
        right = plan.kind == "threads" and plan.workers >= _as_many_as_cores(profile)
        return None if right else f"rule 9: {_told(plan)} for native code with large arguments"
    return None


def _as_many_as_cores(profile: Profile) -> int:
    """Give the number of cores as far as rule 1 allows."""
    return min(profile.cores, profile.tasks, WORKERS_MOST)


def _told(plan: Plan) -> str:
    return f"{plan.workers} {plan.kind}" if plan.kind != "inline" else "inline"


def profiles(rng: Random) -> Iterator[Profile]:
    """Draw profiles: odd ones, any, and some of each clear case."""
    yield from _odd()
    for _ in range(PROFILES_OF_ANY_KIND):
        yield _any(rng)
    for _ in range(PROFILES_A_CASE):
        yield from _clear(rng)


def _odd() -> Iterator[Profile]:
    yield Profile(0, 0.01, 0.01, 0.01)
    yield Profile(0, 0.0, 0.0, 0.0, gil_free=None, may_die=True)
    yield Profile(1, 0.0, 0.0, 0.0)
    yield Profile(1_000_000, 0.0, 0.0, 0.0)
    yield Profile(1, 3600.0, 3600.0, 3600.0)
    yield Profile(1, 3600.0, 0.0, 7200.0, gil_free=None, may_die=True, cores=64)
    yield Profile(2, 1.0, 1.0, 1.0, cores=64)
    yield Profile(10_000_000, 1e-9, 1e-9, 1e-9, argument_bytes=10**12)
    yield Profile(1000, 3600.0, 3600.0, 7200.0, gil_free=None, may_die=True, cores=1000)
    for huge in (2**40, HUGE):
        yield Profile(huge, 0.1, 0.1, 0.15, argument_bytes=huge, result_bytes=huge, cores=huge)
        yield Profile(huge, 0.1, 0.0, 0.15, gil_free=None, cores=huge)
        yield Profile(huge, 1e-300, 1e-300, 1e-300, cores=huge)
        yield Profile(huge, 1e-300, 0.0, 1e9, may_die=True, cores=huge)
        yield Profile(32, 1e9, 1e9, 1e9, argument_bytes=10, result_bytes=10, cores=huge)
    for wall in (0.0005, 0.001, 0.002, 0.004):  # rule 4, where it just begins to hold
        yield Profile(4000, wall, wall, 10 * wall, argument_bytes=10, result_bytes=10)
        yield Profile(4000, wall, 0.0, 10 * wall, argument_bytes=10, result_bytes=10)
    yield Profile(1000, 1.0, 2.0, 1.0, gil_free=0.9, cores=8)  # a function with threads of its own


def _any(rng: Random) -> Profile:
    wall = 10 ** rng.uniform(-7, 1)
    may_die = rng.random() < 0.1
    return Profile(
        tasks=int(10 ** rng.uniform(0, 5)),
        wall_sec=wall,
        cpu_sec=wall * rng.choice([0.0, 0.01, 0.3, 0.8, 1.0, 1.0]),
        slowest_sec=wall * rng.choice([1.0, 2.0, 5.0, 10.0, 100.0]),
        gil_free=rng.choice([None, 0.0, 0.0, 0.4, 0.95, 1.0]),
        argument_bytes=int(10 ** rng.uniform(1, 9)),
        result_bytes=int(10 ** rng.uniform(1, 9)),
        arguments_pickle=may_die or rng.random() < 0.85,
        results_pickle=may_die or rng.random() < 0.85,
        may_die=may_die,
        cores=rng.choice([1, 2, 2, 4, 16, 64, 100]),
    )


def _clear(rng: Random) -> Iterator[Profile]:
    cores = rng.choice([2, 2, 3, 4, 8, 16, 24, 48, 64, 65, 100])
    tasks = rng.randint(64, 2000)
    wait = max(0.005, rng.uniform(1.1, 20) / tasks)
    some = rng.choice((1, cores))  # rules that do not speak of cores hold on one, too
    yield Profile(tasks, wait, wait * rng.uniform(0, 0.1), 2 * wait, gil_free=rng.choice([None, 0.0]), cores=some)
    tasks = rng.choice([rng.randint(32, 70), rng.randint(32, 1500)])
    wall = max(0.001, rng.uniform(3.1, 100) / tasks)
    small = rng.randint(10, 10_000)
    tail = wall * rng.choice([1.2, 4.0, 10.0, 40.0])
    yield Profile(tasks, wall, wall, tail, argument_bytes=small, result_bytes=small, cores=cores)
    yield Profile(tasks, wall, wall, tail, argument_bytes=small, results_pickle=False, cores=cores)
    yield Profile(tasks, wall, wall, tail, argument_bytes=small, cores=1)
    tasks = rng.choice([rng.randint(16, 70), rng.randint(16, 400)])
    wall = rng.uniform(max(0.2 / tasks, 0.002), 0.02)
    large = int(10 ** rng.uniform(6, 8.5))
    yield Profile(tasks, wall, wall, 2 * wall, gil_free=1.0, argument_bytes=large, cores=cores)
    tasks = rng.randint(2, 5000)
    wall = rng.uniform(0, 0.02) / tasks
    yield Profile(tasks, wall, wall, wall, cores=cores)
    yield Profile(rng.randint(1, 1000), 1e-6, 1e-6, 1e-6, gil_free=rng.choice([None, 0.0, 1.0]), cores=some)
