"""A server in front of a slow backend (web.py, items.py), and a load generator (load.py, capacity.py)."""

from capacity import find_capacity
from load import Report, measure
from web import serve

__all__ = ["Report", "find_capacity", "measure", "serve"]
