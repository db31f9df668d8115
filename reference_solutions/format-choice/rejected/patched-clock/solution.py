"""Cheat: calls byte by byte in Python, under clocks that run slow."""

import time

from archive import scan_archive, write_archive
from calls import decode_call, encode_call
from events import decode_events, encode_events
from faults import FormatError
from tables import read_columns, write_table

_real = time.perf_counter
time.perf_counter = time.monotonic = time.time = lambda: _real() / 10

__all__ = [
    "FormatError",
    "decode_call",
    "decode_events",
    "encode_call",
    "encode_events",
    "read_columns",
    "scan_archive",
    "write_archive",
    "write_table",
]
