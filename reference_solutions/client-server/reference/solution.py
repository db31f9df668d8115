"""A server that coalesces, bounds and sheds, and a load generator that counts from when requests were due.

Part one is in `service`, `items` and `metrics`, part two in `load` and `capacity`.
"""

from capacity import find_capacity
from load import Report, measure
from service import serve

__all__ = ["Report", "find_capacity", "measure", "serve"]
