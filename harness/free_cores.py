"""Find out how many cores can be had in this moment, by asking for them.

Where a neighbour keeps one core of two busy, two processes do little more than one does, and a submission that uses one
core looks as quick as one that uses both. Times can't tell; the processor time that loops get can.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

LOOP: Final = """
import os, sys, time
if hasattr(os, "sched_setaffinity"): os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
print("ready", flush=True)
begin, end = map(float, sys.stdin.readline().split())
while time.monotonic() < begin: pass
used = time.process_time()
while time.monotonic() < end: pass
print(time.process_time() - used)
"""
"""One process's part; the monotonic clock is the same for all processes."""

READY_SEC: Final = 0.002


def free_cores(places: Sequence[Sequence[int]], window_sec: float) -> float:
    """Have a loop for each of `places`, free to move among its cores, run for `window_sec`; give the cores they got.

    That is 2.0 for two loops on two cores on which nothing else runs, and 1.3 to 1.5 where one other process does.
    Raises OSError where the loops cannot be started or may not run there.
    """
    command = [sys.executable, "-I", "-S", "-c", LOOP]
    loops = [
        subprocess.Popen(
            [*command, ",".join(map(str, cores))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for cores in places
    ]
    try:
        for loop in loops:
            _told(loop)
        begin = time.monotonic() + READY_SEC
        for loop in loops:
            _tell(loop, f"{begin} {begin + window_sec}\n")
        return sum(float(_told(loop)) for loop in loops) / window_sec
    finally:
        for loop in loops:
            loop.kill()
            loop.communicate()


def _tell(loop: "subprocess.Popen[str]", line: str) -> None:
    assert loop.stdin is not None
    loop.stdin.write(line)
    loop.stdin.flush()


def _told(loop: "subprocess.Popen[str]") -> str:
    assert loop.stdout is not None
    line = loop.stdout.readline()
    if not line:
        raise OSError(f"a loop on cores that were to be free ended with status {loop.wait()}")
    return line
