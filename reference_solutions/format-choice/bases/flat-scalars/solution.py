"""Four jobs for data in bytes. SPEC.md says what each must do; one module does each."""

from calls import decode_call, encode_call
from errors import FormatError
from log import decode_events, encode_events
from tables import read_columns, write_table
from vault import scan_archive, write_archive

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
