"""Have the submission plan and run: for checks, for bars, for predictions. What is held between calls is held here."""

from array import array
from operator import is_not
from random import Random

import solution
from solution import Batch, Profile, Stage

from .answers import packed, told
from .functions import FUNCTIONS, Awkward, note_caller
from .workloads import KINDS, PUBLIC

_returned = None
"""The list that `run` returned last: the next must be another."""

_big = None
_big_made_of = None

_held = None
"""The public workload that is to be run."""


def rest():
    """Let go of what is held."""
    global _big, _big_made_of, _held, _returned  # noqa: PLW0603  one process serves one submission
    _big = _big_made_of = _held = _returned = None


def plans(profiles):
    """Plan each profile: [kind, workers, chunk size], or what was raised."""
    return [_planned(Profile(**profile)) for profile in profiles]


def _planned(profile):
    try:
        plan = solution.plan(profile)
        return ["plan", str(plan.kind), plan.workers, plan.chunk_size]
    except Exception as fault:  # noqa: BLE001  it is told as an answer
        return ["raised", type(fault).__name__, str(fault)]


# ---- for checks


def run(stages, items):
    """Run a batch whose items are plain data, and tell each entry of the result."""
    return _run_and_tell(_batch(stages, items))


def run_awkward(stages, numbers, awkward):
    """Run a batch of numbers, of which those at the places in `awkward` do not pickle."""
    items = [Awkward(number) if place in awkward else number for place, number in enumerate(numbers)]
    return _run_and_tell(_batch(stages, items))


def _run_and_tell(batch):
    """Run a batch, and see besides that the list is new and the batch as it was."""
    global _returned  # noqa: PLW0603  one process serves one submission
    before = list(batch.items)
    results, earlier = solution.run(batch), _returned
    _returned = results
    if results is batch.items:
        return ["not new", "the batch's own list of items"]
    if results is earlier:
        return ["not new", "the list that the run before had returned"]
    if len(batch.items) != len(before) or any(map(is_not, batch.items, before)):
        return ["changed", "the batch's list of items"]
    return told(results)


def _batch(stages, items):
    note_caller()
    made = {}
    for name, profile in stages:
        told = repr([name, profile])
        if told not in made:
            made[told] = Stage(function=FUNCTIONS[name], profile=Profile(**profile))
    # What is told twice is one stage, twice in the batch.
    return Batch(stages=tuple(made[repr([name, profile])] for name, profile in stages), items=items)


# ---- what bars time: the items come with the call, and the results leave with its answer


def run_packed(stages, items):
    """Run a batch and answer its results as uint64 where they are that, else entry by entry."""
    return packed(solution.run(_batch(stages, items)))


def run_numbers(stages, raw):
    """Do the same with items sent as uint64."""
    return run_packed(stages, list(array("Q", raw)))


def run_blocks(stages, blocks, length):
    """Run a batch of large blocks of bytes, each some noise and then one byte over and over."""
    return run_packed(stages, [noise + bytes([filler]) * (length - len(noise)) for noise, filler in blocks])


def hold_big(seed, length):
    """Hold a large array of random numbers, made from `seed`, unless it is held already."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    global _big, _big_made_of  # noqa: PLW0603
    if _big_made_of != [seed, length]:
        _big = np.random.default_rng(seed).random(length)
        _big_made_of = [seed, length]


def run_parts(stages, parts, step):
    """Run a batch of parts of the held array."""
    return run_packed(stages, [(_big, first, last, step) for first, last in parts])


# ---- the kinds side by side, for the predictions: called in the reference's container only


def hold_public(name, seed):
    """Hold the items of a public workload."""
    global _held  # noqa: PLW0603
    _held = None
    _held = PUBLIC[name](Random(seed))


def run_public(kind):
    """Run the held public workload by one kind and answer how many results there were."""
    return len(KINDS[kind](_held))
