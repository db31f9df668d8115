"""Four jobs, four formats: MessagePack for calls and events, Arrow for tables handed over, Parquet for the archive."""

from archive import scan_archive, write_archive
from calls import decode_call, encode_call
from events import decode_events, encode_events
from faults import FormatError
from tables import read_columns, write_table

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
