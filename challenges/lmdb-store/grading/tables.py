"""The data sets that the bars' stores hold."""

from functools import cache

from columns import Table, draw_table
from workload import ROWS, VALUE_BYTES

from harness.unforeseen import Unforeseen

LARGE_FOLDER = "large"
LARGE_ROWS = 200_000


@cache
def small_table(seed: int) -> Table:
    """Draw what most bars' stores hold."""
    return draw_table(Unforeseen(seed), ROWS, VALUE_BYTES)


@cache
def large_table(seed: int) -> Table:
    """Draw what a long scan goes through."""
    return draw_table(Unforeseen(seed), LARGE_ROWS, VALUE_BYTES)
