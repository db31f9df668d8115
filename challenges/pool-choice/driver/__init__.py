"""Runs beside the submission: builds batches, has them run, and tells what came back as plain data.

Theory of operation: the grader names functions and sends items, and the submission runs them where it likes, in the
process that answers the grader or in processes that it spawns:

    grader ──► batches ──► solution.run ──┬──► here, on one thread or many ──► copies of computing, asking, failures,
           ◄── answers ◄──                └──► in a spawned process ─────────► forks

At each start those four modules are copied, and modules and functions get names that are drawn then, so that nothing
about a function says that it is one of these. A spawned process unpickles a function by its drawn name and imports its
module from a folder that is put on its path, and neither this package nor the submission for it: starts are timed.

The public workloads run as they are, by `driver.computing.squarings` say: a process spawned for them loads this package
with forks and workloads. (Without workloads starts would be faster than those that `python workloads.py` shows.)

    batches         plans; run, run_awkward; run_packed, run_numbers, run_blocks; hold_big, run_parts;
                    hold_public, run_public; rest
    leftovers       open_files, end_tracker, reap, results_kept

    answers         results as they travel
    drawn           copies modules under drawn names
    functions       what items can go through, by name; copied from
        computing   squarings, compressed, part_of_array, mixed, turned, logged, naps
        asking      asked and its like, which wait for a server that the grader planted; on_a_lifeline, leaves_a_thread
        failures    raising, handles, asked_then, named, aloof, approached, opened, dying
        forks       whereabouts, runs_seen; and what gives a fork away, which has to be wherever the functions are
    workloads       the public workloads, which predictions are about

What is imported below `if` is what the grader can call.
"""

import multiprocessing
import os
import sys

from . import forks as forks
from . import workloads as workloads

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib takes longer to import

if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)  # spawned processes are given this path

if multiprocessing.parent_process() is None:  # a spawned process has one
    multiprocessing.set_start_method("spawn", force=True)
    from .batches import hold_big as hold_big
    from .batches import hold_public as hold_public
    from .batches import plans as plans
    from .batches import rest as rest
    from .batches import run as run
    from .batches import run_awkward as run_awkward
    from .batches import run_blocks as run_blocks
    from .batches import run_numbers as run_numbers
    from .batches import run_packed as run_packed
    from .batches import run_parts as run_parts
    from .batches import run_public as run_public
    from .leftovers import end_tracker as end_tracker
    from .leftovers import open_files as open_files
    from .leftovers import reap as reap
    from .leftovers import results_kept as results_kept
