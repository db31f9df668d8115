"""Four jobs for data in bytes. SPEC.md says what each must do, NOTES.md why it is done like this."""

from archive import scan_archive, write_archive
from common import FormatError
from events import decode_events, encode_events
from interchange import read_columns, write_table
from rpc import decode_call, encode_call

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
