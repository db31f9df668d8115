"""Plan batches of work and run them. SPEC.md says what is asked; NOTES.md says what was decided.

`pc_planner` chooses, `pc_inline` runs what needs nobody else, `pc_reactor` the rest; `pc_child` is what its processes run.
"""

from typing import Any

from pc_inline import run_inline
from pc_planner import choose
from pc_reactor import Reactor
from pc_types import Batch, Failed, Plan, Profile, Stage, Unportable, WorkerDied  # noqa: F401  the interface


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    return choose(profile)


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    if not items:
        return []
    plans = [plan(stage.profile) for stage in batch.stages]
    if all(each.kind == "inline" for each in plans):
        return run_inline([stage.function for stage in batch.stages], items)
    return Reactor(batch.stages, plans, items).run()
