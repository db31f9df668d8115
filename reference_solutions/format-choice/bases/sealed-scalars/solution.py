"""Four jobs for data in bytes: the names that SPEC.md asks for. Each job has a module of its own; NOTES.md says why."""

from fc_archive import scan_archive, write_archive
from fc_calls import decode_call, encode_call
from fc_errors import FormatError
from fc_events import decode_events, encode_events
from fc_tables import read_columns, write_table

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
