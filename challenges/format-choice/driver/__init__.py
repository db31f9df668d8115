"""Adapt a submission's four pairs of functions to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: calls and events are plain data and travel as such. Tables travel column by column, small ones as
lists of plain values, large ones as raw bytes, or they are generated here, by the same arithmetic as in the grader,
from a seed. Files live in one folder on the disk; the grader names them, sees them from outside, and restarts this
process between writing and reading, so that nothing but the file connects the two.

    calls, events       encode_calls, decode_calls, ...: one answer for each item
    tables, archives    write_*, read_*, scan_*: written in one process, read in another
    files               clear, put, copy, ...: what becomes of files between the two
    held                hold_* keep what a timed call begins with; rest lets go of it
    predictions         measure_formats: the public workloads of formats.py; in the reference only

    answers             what a call gave or raised: ["gave", answer] or ["raised", which, text]
    columns             columns as plain values and as raw bytes
    generated           tables from a seed

timed_* are the bars: fresh input in, with the call or just before it, whole answer out, garbage collected before. The
names that are imported here, and `ping`, are what the grader can call; those of the modules below are not.
"""

from .archives import begin_scans as begin_scans
from .archives import hold_columns as hold_columns
from .archives import scan_columns as scan_columns
from .archives import scan_digests as scan_digests
from .archives import scan_flipped as scan_flipped
from .archives import scan_small_archive as scan_small_archive
from .archives import scan_sums as scan_sums
from .archives import scans_at_once as scans_at_once
from .archives import timed_scans as timed_scans
from .archives import timed_write_archive as timed_write_archive
from .archives import write_archive_within as write_archive_within
from .archives import write_journal as write_journal
from .archives import write_small_archive as write_small_archive
from .calls import decode_calls as decode_calls
from .calls import decode_calls_after as decode_calls_after
from .calls import decode_calls_twice as decode_calls_twice
from .calls import encode_calls as encode_calls
from .calls import encode_deep_calls as encode_deep_calls
from .calls import encode_shared_calls as encode_shared_calls
from .calls import timed_decode_calls as timed_decode_calls
from .calls import timed_encode_calls as timed_encode_calls
from .events import decode_events as decode_events
from .events import decode_logs as decode_logs
from .events import decode_twice as decode_twice
from .events import encode_events as encode_events
from .events import timed_decode_events as timed_decode_events
from .events import timed_encode_events as timed_encode_events
from .files import append as append
from .files import clear as clear
from .files import copy as copy
from .files import flip_in_place as flip_in_place
from .files import put as put
from .files import remove as remove
from .held import hold_values as hold_values
from .held import rest as rest
from .predictions import measure_formats as measure_formats
from .tables import hold_table as hold_table
from .tables import read_small_table as read_small_table
from .tables import read_small_tables as read_small_tables
from .tables import sums_of_table as sums_of_table
from .tables import sums_of_written as sums_of_written
from .tables import timed_read_tables as timed_read_tables
from .tables import timed_write_table as timed_write_table
from .tables import write_noise_table as write_noise_table
from .tables import write_slice_of_table as write_slice_of_table
from .tables import write_small_table as write_small_table
from .tables import write_table_in_pieces as write_table_in_pieces


def ping():
    """Do nothing, but load everything."""
