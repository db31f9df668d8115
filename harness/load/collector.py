"""Keep the garbage collector out of a run: its pauses would count as the server's latency."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """Collect now, and not again until the end; a run of load makes no cycles worth mentioning."""
    was_on = gc.isenabled()
    gc.collect(1)  # the oldest generation holds whatever the program has imported, and nothing of a run
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
