"""The operation that scans in parallel while worker processes stand still, as on a busy machine, and a peer writes.

Theory of operation: workers that are there are stopped before the scan begins. Beside it a thread stops those that it
starts, has the peer write, waits until that has answered or seems to wait for the stopped ones, and lets all go on.
"""

import select
import signal
import threading
import time

from .folding import fold_rows
from .peers import peer_receive, peer_send, running_peers
from .processes import send_signal, worker_processes
from .stores import open_stores

HOLD_AT_MOST_SEC = 0.1
"""A writer that waits for the held ones, as the store may have it, would wait for ever."""

BEGUN_SEC = 0.01
LOOK_EVERY_SEC = 0.0005


def _operation_parallel_held(store, workers, held, peer, write):
    """Scan in parallel with worker processes held up, while a peer writes once; `held` tells which: "all", 0 or -1."""
    stopped = set()
    _stop_workers(held, stopped)
    hold = threading.Thread(target=_hold_up, args=(held, stopped, peer, write))
    hold.start()
    try:
        return open_stores[store].parallel_scan(None, None, workers, fold_rows)
    finally:
        hold.join()
        peer_receive(peer)


def _hold_up(held, stopped, peer, write):
    """Stop worker processes that are being started, too; have the peer write; then let all go on."""
    until = time.monotonic() + BEGUN_SEC
    try:
        while time.monotonic() < until:
            time.sleep(LOOK_EVERY_SEC)
            _stop_workers(held, stopped)
        peer_send(peer, [write])
        select.select([running_peers[peer].process.stdout], [], [], HOLD_AT_MOST_SEC)
    finally:
        for pid in stopped:
            send_signal(pid, signal.SIGCONT)


def _stop_workers(held, stopped):
    workers = sorted(worker_processes())
    for pid in workers if held == "all" else workers[held:][:1]:
        if pid not in stopped:
            stopped.add(pid)
            send_signal(pid, signal.SIGSTOP)


OPERATIONS = {
    "parallel-held": _operation_parallel_held,
}
