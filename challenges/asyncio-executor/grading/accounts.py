"""What the kernel charges to the container, which no job and no driver has a say in: its processes and its CPU time."""

from stage import PATIENCE_SEC, SETTLE_SEC, Stage

REST_SHARE = 0.5
"""Of one core: whoever computes on takes all of one, and an event loop that waits next to nothing."""


def processes(on: Stage) -> list[int]:
    """Count the container's processes; nothing where this machine does not tell."""
    count = on.account().processes
    return [] if count is None else [count]


def demand_own_processes(on: Stage, before: int | None, least: int, when: str) -> None:
    """After the executor was shut down: see that of the processes `before`, so many were its own and are gone."""
    if before is None:
        return
    on.until(
        lambda: (on.account().processes or 0) <= before - least,
        f"{when}, the container had {before} processes; {least} of them at least, one for each cpu or crash job that "
        "runs, should have been the executor's and have gone with its shutdown",
    )


def demand_rest(on: Stage, what: str) -> None:
    """See that nothing computes any more, `what` having been stopped; what starts or ends may take a while."""
    for _ in range(round(PATIENCE_SEC / SETTLE_SEC)):
        before = on.account().cpu_sec
        on.settle()
        after = on.account().cpu_sec
        if before is None or after is None or after - before < REST_SHARE * SETTLE_SEC:
            return
    raise AssertionError(f"{what}, and {PATIENCE_SEC:g} s later something in the container still computes")
