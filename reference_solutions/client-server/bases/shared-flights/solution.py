"""The three entry points: `serve` (part one), `measure` and `find_capacity` (part two).

Part one is in the modules `desk_*`, part two in `range_*`; NOTES.md says how they hang together.
"""

from desk_house import serve
from range_capacity import find_capacity
from range_report import Report, measure

__all__ = ["Report", "find_capacity", "measure", "serve"]
