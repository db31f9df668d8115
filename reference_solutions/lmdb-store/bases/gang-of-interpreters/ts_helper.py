"""A helper process of `parallel_scan`: a fresh interpreter that opens the store itself, and folds parts on demand.

It obeys four messages: `pin` (begin to read, and say of which state), `part` (fold one), `drop` (let the state go), and
the end of the socket.  Between two calls it holds nothing.
"""

import importlib
import os
import pickle
import select
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ts_wire  # noqa: E402


def packed_fault(fault):
    """Give an exception as a pickle that can be read back, or None."""
    if not isinstance(fault, Exception):
        return None
    try:
        blob = pickle.dumps(fault, pickle.HIGHEST_PROTOCOL)
        return blob if type(pickle.loads(blob)) is type(fault) else None
    except Exception:
        return None


class Helper:
    """What lives as long as the process."""

    def __init__(self, path, map_size):
        from ts_engine import Engine
        from ts_scan import Scan

        self.engine = Engine(path, map_size)
        self.scan = Scan
        self.txn = None
        self.blob = None

    def pin(self, paths, folder, cpus, blob):
        sys.path[:] = paths
        if folder is not None:
            try:
                os.chdir(folder)
            except OSError:
                pass
        try:
            if cpus != os.sched_getaffinity(0):
                os.sched_setaffinity(0, cpus)
        except OSError:
            pass
        self.blob = blob
        self.drop()
        self.txn = self.engine.lasting_snapshot()
        return ("pinned", self.txn.id())

    def drop(self):
        txn, self.txn = self.txn, None
        if txn is not None:
            self.engine.release(txn)
        return ("dropped",)

    def part(self, lo, hi):
        rows = None
        try:
            importlib.invalidate_caches()
            fold = pickle.loads(self.blob)
            rows = self.scan(self.engine, self.txn, lo, hi, own=False)
            result = fold(rows)
        except BaseException as fault:
            return ("raised", packed_fault(fault), f"{type(fault).__name__}: {fault}")
        finally:
            if rows is not None:
                rows.close()
        try:
            return ("done", pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
        except Exception as fault:
            return ("raised", None, f"what the fold returned can't be pickled: {type(fault).__name__}: {fault}")


def serve(sock):
    """Obey until the other side is gone."""
    parent = os.getppid()
    first = ts_wire.receive(sock)
    sys.path[:] = [os.path.dirname(os.path.abspath(__file__)), *first["paths"]]
    helper = Helper(first["path"], first["map_size"])
    obey = {"pin": helper.pin, "part": helper.part, "drop": helper.drop}
    while True:
        # a forked child of the store's process may hold the other end open: look now and then who the parent is
        while not select.select([sock], [], [], 1.0)[0]:
            if os.getppid() != parent:
                return
        name, *what = ts_wire.receive(sock)
        try:
            answer = obey[name](*what)
        except Exception as fault:
            answer = ("broken", f"{type(fault).__name__}: {fault}")
        ts_wire.send(sock, answer)
        answer = None


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    except (EOFError, OSError):
        pass
    os._exit(0)
