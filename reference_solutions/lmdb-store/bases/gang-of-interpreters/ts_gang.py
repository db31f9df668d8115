"""The helpers of one store, and how a range becomes parts.

All see one state: each begins to read by itself and says which transaction was the last it sees.  Where these differ
as somebody wrote meanwhile, they begin again, from the fourth time on while this process holds LMDB's lock of writers.
"""

import os
import pickle
import select
import sys
import threading
from bisect import bisect_left, bisect_right
from itertools import islice

import lmdb
import ts_wire
from ts_errors import StoreError
from ts_scan import keys_from

HERE = os.path.dirname(os.path.abspath(__file__))
FREE_TRIES = 3
PARTS_EACH = 4
STEP = 128
WHOLE = 250_000


class Gone(Exception):
    """A helper is not there any more."""


class Sketch:
    """Every so many-th key of a range as it once was: good enough to cut by, as cuts change no result."""

    def __init__(self, lo, hi, entries, state, keys):
        self.lo, self.hi, self.entries, self.state, self.keys = lo, hi, entries, state, keys

    def serves(self, lo, hi, entries, state):
        wide = self.lo <= lo and (not self.hi or (bool(hi) and hi <= self.hi))
        return wide and state - self.state <= 16 and abs(entries - self.entries) * 10 <= self.entries

    def within(self, lo, hi):
        first = bisect_right(self.keys, lo)
        last = bisect_left(self.keys, hi) if hi else len(self.keys)
        return self.keys[first:last]


class Gang:
    """The helpers, one call at a time."""

    def __init__(self, engine, map_size):
        self.engine = engine
        self.map_size = map_size
        self.lock = threading.Lock()
        self.hands = []
        self.sketch = None

    # -- processes

    def _hire(self):
        import socket  # here, as most programs never need them
        import subprocess

        mine, other = socket.socketpair()
        try:
            process = subprocess.Popen(
                [sys.executable, os.path.join(HERE, "ts_helper.py"), str(other.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        except BaseException:
            mine.close()
            raise
        finally:
            other.close()
        self.hands.append((mine, process))
        paths = [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]
        self._tell(mine, {"paths": paths, "path": self.engine.path, "map_size": self.map_size})

    def _tell(self, sock, message):
        try:
            ts_wire.send(sock, message)
        except OSError as fault:
            raise Gone(str(fault)) from None

    def _hear(self, sock):
        try:
            answer = ts_wire.receive(sock)
        except (OSError, EOFError) as fault:
            raise Gone(str(fault)) from None
        if answer[0] == "broken":
            raise Gone(answer[1])
        return answer

    def dismiss(self, patience=3.0):
        """End all helpers."""
        hands, self.hands = self.hands, []
        if not hands:
            return
        import socket
        import subprocess

        for sock, process in hands:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # children of ours may hold it too
            except OSError:
                pass
            sock.close()
        for _, process in hands:
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def disown(self):
        """Be in a forked child: these are the parent's."""
        for sock, process in self.hands:
            sock.close()
            process.returncode = 0
        self.hands = []

    # -- one state

    def _pin_once(self, socks, words):
        txn = self.engine.lasting_snapshot()
        try:
            for sock, word in zip(socks, words, strict=True):
                self._tell(sock, word)
            states = [self._hear(sock)[1] for sock in socks]
            if all(state == txn.id() for state in states):
                return txn
        except BaseException:
            self.engine.release(txn)
            raise
        self.engine.release(txn)
        return None

    def _pin(self, socks, blob):
        paths = [os.path.abspath(entry) if isinstance(entry, str) else entry for entry in sys.path]
        try:
            folder = os.getcwd()
        except OSError:
            folder = None
        cpus = sorted(os.sched_getaffinity(0))
        apart = len(socks) <= len(cpus)
        words = [("pin", paths, folder, {cpus[n]} if apart else set(cpus), blob) for n in range(len(socks))]
        for _ in range(FREE_TRIES):
            txn = self._pin_once(socks, words)
            if txn is not None:
                return txn
        held = self.engine.env.begin(write=True)
        self.engine.live.add(held)
        try:
            txn = self._pin_once(socks, words)
        finally:
            self.engine.live.discard(held)
            held.abort()
        if txn is None:
            raise StoreError("the helpers do not see the store's state")
        return txn

    # -- parts

    def _cuts(self, txn, lo, hi, parts):
        """Give keys between the parts."""
        entries = txn.stat(self.engine.rows)["entries"]
        sketch = self.sketch
        if sketch is None or not sketch.serves(lo, hi, entries, txn.id()):
            low, high = (b"", b"") if entries <= WHOLE else (lo, hi)
            keys = list(islice(keys_from(txn, low, high), 0, None, STEP))
            sketch = self.sketch = Sketch(low, high, entries, txn.id(), keys)
        keys = sketch.within(lo, hi)
        places = sorted({len(keys) * n // parts for n in range(1, parts)})
        return [keys[place] for place in places] if len(keys) >= parts else []

    def _work(self, socks, parts):
        """Have all parts folded; give the answers in order."""
        answers = [None] * len(parts)
        at = {}
        todo = iter(range(len(parts)))
        for sock in socks:
            number = next(todo, None)
            if number is not None:
                at[sock] = number
                self._tell(sock, ("part", *parts[number]))
        failed = False
        while at:
            for sock in select.select(list(at), [], [])[0]:
                answer = self._hear(sock)
                answers[at.pop(sock)] = answer
                failed = failed or answer[0] != "done"
                number = None if failed else next(todo, None)
                if number is not None:
                    at[sock] = number
                    self._tell(sock, ("part", *parts[number]))
        return answers

    def _folded(self, lo, hi, count, blob):
        while len(self.hands) < count:
            self._hire()
        socks = [sock for sock, _ in self.hands[:count]]
        txn = self._pin(socks, blob)
        try:
            cuts = self._cuts(txn, lo, hi, PARTS_EACH * count)
            edges = [lo, *cuts, hi]
            return self._work(socks, list(zip(edges, edges[1:], strict=False)))
        finally:
            self.engine.release(txn)
            for sock in socks:
                self._tell(sock, ("drop",))
            for sock in socks:
                self._hear(sock)

    def run(self, lo, hi, count, fold):
        """Fold a range by so many helpers."""
        try:
            blob = pickle.dumps(fold, pickle.HIGHEST_PROTOCOL)
        except Exception as fault:
            raise StoreError(f"fold can't be pickled: {fault}") from fault
        with self.lock:
            self.engine.check()
            if any(process.poll() is not None for _, process in self.hands):
                self.dismiss()
            try:
                answers = self._folded(lo, hi, count, blob)
            except Gone as fault:
                self.dismiss(0.2)
                raise StoreError(f"a worker process ended before its part did: {fault}") from None
            except (OSError, lmdb.Error) as fault:
                self.dismiss(0.2)
                raise StoreError(f"the worker processes can't be used: {fault}") from fault
            except BaseException:
                self.dismiss(0.2)
                raise
        return self._opened(answers)

    @staticmethod
    def _opened(answers):
        """Read results back, or raise what the first failed fold raised."""
        for answer in answers:
            if answer is not None and answer[0] == "raised":
                fault = None
                if answer[1] is not None:
                    try:
                        fault = pickle.loads(answer[1])
                    except Exception:
                        fault = None
                if not isinstance(fault, Exception):
                    raise StoreError(f"a fold failed: {answer[2]}")
                try:
                    raise fault
                finally:
                    del fault
        results = []
        for place, answer in enumerate(answers):
            answers[place] = None
            try:
                results.append(pickle.loads(answer[1]))
            except Exception as fault:
                raise StoreError(f"what a fold returned can't be read back: {fault}") from fault
        return results
