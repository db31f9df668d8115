"""Run batches of work: a shepherd (a thread) for each worker, and one board from which they all take and to which they give."""

import pickle
import threading
import time
from collections import deque
from multiprocessing import get_context

import pool_child
from model import Batch, Failed, Plan, Profile, Stage, WorkerDied, plan

__all__ = ["Batch", "Failed", "Plan", "Profile", "Stage", "WorkerDied", "plan", "run"]

THREADS_OF_A_RUN = 100
TRIES_TO_START = 3
_starting = threading.Lock()


class LostOnTheWay(Exception):
    """An argument, result or exception that could not be brought to or from another process."""


def run(batch: Batch) -> list:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    plans = [plan(stage.profile) for stage in batch.stages]
    if all(each.kind == "inline" for each in plans):
        return _run_inline([stage.function for stage in batch.stages], items)
    if not items:
        return []
    return _run_with_shepherds(batch.stages, plans, items)


def _run_inline(functions, items):
    if len(functions) > 1:
        return [_through(functions, item) for item in items]
    (function,) = functions
    entries = []
    append = entries.append
    for item in items:
        try:
            append(function(item))
        except BaseException as error:
            append(Failed(_bare(error)))
    return entries


def _through(functions, value):
    for function in functions:
        good, value = _call(function, value)
        if not good:
            return Failed(value)
    return value


def _call(function, value):
    try:
        return True, function(value)
    except BaseException as error:
        return False, _bare(error)


def _bare(error):
    """Take the tracebacks off: their frames would keep the items and their files."""
    seen, left = set(), [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        BaseException.with_traceback(each, None)
        left += [each.__context__, each.__cause__]
    return error


class _Board:
    """Who has what to do. All methods may be called from any thread."""

    def __init__(self, stages, items):
        self.lock = threading.Lock()
        self.queues = [deque() for _ in range(stages)]
        self.changed = [threading.Condition(self.lock) for _ in range(stages)]
        self.awaited = [0] + [len(items)] * (stages - 1)  # items that may still come to the stage
        self.queues[0].extend(enumerate(items))
        self.entries = [None] * len(items)
        self.left = len(items)
        self.finished = threading.Condition(self.lock)
        self.stopped = False

    def take(self, stage, most):
        """Wait for items of a stage, at most `most`; an empty list says that there will be none."""
        queue = self.queues[stage]
        with self.lock:
            while not queue and self.awaited[stage] and not self.stopped:
                self.changed[stage].wait()
            if self.stopped:
                return []
            return [queue.popleft() for _ in range(min(most, len(queue)))]

    def give(self, stage, outcomes):
        """Note what became of items: triples of place, whether there is a result, result or error."""
        after = stage + 1
        with self.lock:
            for place, good, value in outcomes:
                if good and after < len(self.queues):
                    self.awaited[after] -= 1
                    self.queues[after].append((place, value))
                    self.changed[after].notify()
                else:
                    self.entries[place] = value if good else Failed(value)
                    self.left -= 1
                    for later in range(after, len(self.queues)):
                        self.awaited[later] -= 1
            for later in range(after, len(self.queues)):
                if not self.awaited[later]:
                    self.changed[later].notify_all()
            if not self.left:
                self.finished.notify_all()

    def wait(self):
        """Wait until every item has its entry."""
        with self.lock:
            while self.left:
                self.finished.wait()

    def stop(self):
        """Hand out nothing more."""
        with self.lock:
            self.stopped = True
            for changed in self.changed:
                changed.notify_all()


def _run_with_shepherds(stages, plans, items):
    board = _Board(len(stages), items)
    threads = [0 if each.kind == "processes" else each.workers for each in plans]
    share = 1.0 if sum(threads) <= THREADS_OF_A_RUN else THREADS_OF_A_RUN / sum(threads)
    order = sorted(range(len(stages)), key=lambda place: plans[place].kind != "processes")
    try:
        for place in order:  # processes first: they take longest to start
            each = plans[place]
            workers = min(each.workers, len(items))
            if each.kind != "processes":
                workers = min(workers, max(16, int(each.workers * share)))
            chunk = each.chunk_size if len(stages) == 1 else 1
            target = _herd_processes if each.kind == "processes" else _work_in_thread
            _start_threads(workers, target, (board, place, stages[place], chunk))
        board.wait()
    finally:
        board.stop()
    return board.entries


def _start_threads(count, target, args):
    """Start threads; where the system has no more of them, be content with fewer, but not with none."""
    started, until = 0, time.monotonic() + 5
    while started < count:
        try:
            threading.Thread(target=target, args=args).start()
        except RuntimeError:
            if started:
                return
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            started += 1


def _work_in_thread(board, place, stage, chunk):
    function = stage.function
    while work := board.take(place, chunk):
        board.give(place, [(index, *_call(function, value)) for index, value in work])
        del work


class _Worker:
    """A process and the connection to it. Used by one thread."""

    def __init__(self, stage):
        context = get_context("spawn")
        self.announces = stage.profile.may_die
        self.connection, theirs = context.Pipe()
        try:
            self.process = context.Process(
                target=pool_child.work, args=(theirs, stage.function, self.announces)
            )
            with _starting:
                self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()

    def ask(self, arguments):
        """Give (whether the work was begun, the answers or `None` if the process died)."""
        if not self._send(pickle.dumps(arguments, 5)):
            return False, None
        if self.announces and self._receive() is None:
            return False, None
        answers = self._receive()
        return True, None if answers is None else pickle.loads(answers)

    def _send(self, message):
        try:
            self.connection.send_bytes(message)
        except OSError:
            return False
        return True

    def _receive(self):
        try:
            while not self.connection.poll(1.0):
                # A child of the process may hold the other end open.
                if not self.process.is_alive() and not self.connection.poll(0):
                    return None
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self):
        """Close the connection, which tells the process to end, and see that it does."""
        self.connection.close()
        for patience, push in ((1.5, self.process.terminate), (1.0, self.process.kill)):
            if self.process.is_alive():
                self.process.join(patience)
            if self.process.is_alive():
                push()
        self.process.join()


def _herd_processes(board, place, stage, chunk):
    herd = _Herd(stage)
    try:
        herd.start()
        while work := board.take(place, chunk):
            board.give(place, herd.outcomes(work))
            del work
    finally:
        herd.end()


class _Herd:
    """One worker after the other."""

    def __init__(self, stage):
        self.stage = stage
        self.worker = None

    def start(self):
        """Have a worker if the system lets us."""
        if self.worker is None:
            try:
                self.worker = _Worker(self.stage)
            except Exception:
                time.sleep(0.1)

    def end(self):
        """End the worker, if there is one."""
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.end()

    def outcomes(self, work):
        """Do some work, and say what became of each item."""
        done, sent = [], []
        for index, value in work:
            try:
                sent.append((index, pickle.dumps(value, 5)))
            except BaseException as error:
                text = "the argument does not pickle: " + pool_child.describe(error)
                done.append((index, False, LostOnTheWay(text)))
        return done + self._ask(sent) if sent else done

    def _ask(self, sent):
        for _ in range(TRIES_TO_START):
            self.start()
            if self.worker is None:
                continue
            begun, answers = self.worker.ask([argument for _, argument in sent])
            if answers is not None:
                return [(index, *_opened(answer)) for (index, _), answer in zip(sent, answers, strict=True)]
            self.end()
            if begun:
                break
        if len(sent) > 1:  # it is not known which: each on its own
            return [outcome for each in sent for outcome in self._ask([each])]
        return [(sent[0][0], False, WorkerDied("the process of this item ended before the item did"))]


def _opened(answer):
    """Unpack one answer of a worker."""
    tag, *rest = answer
    if tag == "lost":
        return False, LostOnTheWay(rest[0])
    if tag == "result":
        try:
            return True, pickle.loads(rest[0])
        except BaseException as error:
            text = "the result does not unpickle: " + pool_child.describe(error)
        return False, LostOnTheWay(text)
    pickled, name, text = rest
    try:
        error = None if pickled is None else pickle.loads(pickled)
    except BaseException:
        error = None
    if isinstance(error, BaseException) and type(error).__qualname__ == name:
        return False, error
    return False, LostOnTheWay(text)
