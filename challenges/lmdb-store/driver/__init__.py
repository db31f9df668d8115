"""Adapt a submission's `Store` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: three kinds of calls.

    replay(operations)            checks: operations on named stores and scans, answered one by one
    peer_start, peer_replay, ...  the same in other processes, which are fresh interpreters that import this, or forks
    gets, scan_rows, ...          the bars: one held store, input in, whole answer out, garbage collector off

Stores live in folders below a root: the disk, or the small temporary file system, which can be filled. Keys travel as
lists; many rows as columns: tenants, each row's tenant by its place there, times, numbers, values end to end, lengths.

    replaying                     replay and reset, and what a peer does; the operations themselves are in
        stores                    on stores and scans by name
        forks, parallel, stalls   that fork; that scan in parallel; that scan so while workers stand still
    peers                         peer_*: other processes
    crashes                       keep_steps, write_for_ever, *_crash, found, found_only: writers that are killed
    capacity                      fill, ballast, ballast_to_the_brim; put_large, total: full disks, much data
    holding                       begin, put, hold, let_go, remove, write_beside, get_beside: the held store
    beside                        look_beside; the other process that has such a store open too
    bars                          gets, get_many, scan_rows, bulk_load, fold_*, get_one, *_writing, scan_halfway, ...

    submission                    `Store` and its errors; what using it came to: ["gave", answer] or ["raised", ...]
    rows                          keys, bounds and rows as they travel
    folding                       what parallel scans fold with, in the submission's own processes
    oddities                      what is no key and no value, and what iterables raise
    processes                     forks that answer, and the submission's workers

What is imported here is what the grader can call.
"""

from .bars import batches_written as batches_written
from .bars import bulk_load as bulk_load
from .bars import drop_scan as drop_scan
from .bars import fold_parallel as fold_parallel
from .bars import fold_serial as fold_serial
from .bars import get_many as get_many
from .bars import get_one as get_one
from .bars import gets as gets
from .bars import scan_halfway as scan_halfway
from .bars import scan_rows as scan_rows
from .bars import start_writing as start_writing
from .bars import stop_writing as stop_writing
from .beside import look_beside as look_beside
from .capacity import ballast as ballast
from .capacity import ballast_to_the_brim as ballast_to_the_brim
from .capacity import fill as fill
from .capacity import put_large as put_large
from .capacity import total as total
from .crashes import begin_crash as begin_crash
from .crashes import end_crash as end_crash
from .crashes import found as found
from .crashes import found_only as found_only
from .crashes import keep_steps as keep_steps
from .crashes import write_for_ever as write_for_ever
from .holding import begin as begin
from .holding import get_beside as get_beside
from .holding import hold as hold
from .holding import let_go as let_go
from .holding import put as put
from .holding import remove as remove
from .holding import write_beside as write_beside
from .peers import peer_kill as peer_kill
from .peers import peer_receive as peer_receive
from .peers import peer_replay as peer_replay
from .peers import peer_send as peer_send
from .peers import peer_start as peer_start
from .replaying import replay as replay
from .replaying import reset as reset
