"""Run batches of work: the thread that calls `run` is the only one that decides anything.

It hands chunks to threads and to processes that are free, and waits for whichever answers first. Threads answer through a queue and ring a bell
(a socket); processes answer through their connection. No state is shared, so there are no locks.
"""

import pickle
import socket
import threading
from collections import deque
from multiprocessing import get_context
from multiprocessing.connection import wait
from queue import SimpleQueue

import pool_child
from model import Batch, Failed, Plan, Profile, Stage, WorkerDied, plan

__all__ = ["Batch", "Failed", "Plan", "Profile", "Stage", "WorkerDied", "plan", "run"]

THREADS_OF_A_RUN = 100
HANDED_AT_MOST = 3
BAD_STARTS_AT_MOST = 3


class Untransportable(Exception):
    """What stands for something that did not get to a process or back from it."""


def run(batch: Batch) -> list:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    plans = [plan(stage.profile) for stage in batch.stages]
    if not items:
        return []
    if all(each.kind == "inline" for each in plans):
        return _inline(batch.stages, items)
    dispatcher = _Dispatcher(batch.stages, plans, items)
    try:
        dispatcher.work()
    finally:
        dispatcher.dismiss()
    return dispatcher.entries


def _inline(stages, items):
    entries, left = items, range(len(items))
    for stage in stages:
        function, came, failed = stage.function, [], set()
        for place in left:
            try:
                came.append(function(entries[place]))
            except BaseException as error:
                came.append(Failed(_plain(error)))
                failed.add(place)
        for place, value in zip(left, came, strict=True):
            entries[place] = value
        if failed:
            left = [place for place in left if place not in failed]
    return entries


def _plain(error):
    """Let go of the frames that an exception holds, and of those of the exceptions behind it."""
    seen, behind = set(), [error]
    while behind:
        each = behind.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            BaseException.with_traceback(each, None)
            behind += [each.__cause__, each.__context__]
    return error


class _ThreadStage:
    """Threads of one stage; they are started when there is work for them."""

    def __init__(self, place, stage, workers, chunk, dispatcher):
        self.place, self.function, self.workers, self.chunk = place, stage.function, workers, chunk
        self.queue = deque()
        self.inbox = SimpleQueue()
        self.threads = []
        self.busy = 0
        self.outbox, self.bell = dispatcher.outbox, dispatcher.bell

    def hand_out(self, dispatcher):
        """Give all the work there are hands for."""
        while self.queue and self.busy < self.workers:
            if self.busy == len(self.threads) and not self.start():
                if self.busy or dispatcher.busy():
                    self.workers = max(1, self.busy)
                    return
                work = self.queue.popleft()  # nobody else is there to do it
                dispatcher.settle(self.place, [(work[0], *_called(self.function, work[1]))])
                continue
            work = [self.queue.popleft() for _ in range(min(self.chunk, len(self.queue)))]
            self.busy += 1
            self.inbox.put(work)
            del work

    def start(self):
        """Start one more thread, if the system lets us."""
        thread = threading.Thread(target=_serve, args=(self.place, self.function, self.inbox, self.outbox, self.bell))
        try:
            thread.start()
        except RuntimeError:
            return False
        self.threads.append(thread)
        return True


def _serve(place, function, inbox, outbox, bell):
    while (work := inbox.get()) is not None:
        outbox.put((place, [(index, *_called(function, value)) for index, value in work]))
        del work
        if bell is not None:
            try:
                bell.send(b"!")
            except BlockingIOError:
                pass  # it rings already


def _called(function, value):
    try:
        return True, function(value)
    except BaseException as error:
        return False, _plain(error)


class _Worker:
    """A process, the connection to it, and what it has been handed."""

    def __init__(self, stage):
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        try:
            self.process = context.Process(target=pool_child.work, args=(theirs, stage.function))
            self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.ready = False  # it has said that it is up
        self.begun = False  # it has begun what it was handed last
        self.handed = []  # (place of the item, pickled argument, how often handed out before)


class _ProcessStage:
    """Processes of one stage."""

    def __init__(self, place, stage, workers, chunk, _dispatcher):
        self.place, self.stage, self.chunk = place, stage, chunk
        self.queue = deque()
        self.again = deque()  # what a dead process had been handed: each goes out alone
        self.bad_starts = 0
        self.workers = []
        for _ in range(workers):
            self.start()

    def start(self):
        """Start one more process, if the system lets us."""
        try:
            self.workers.append(_Worker(self.stage))
        except Exception:
            self.bad_starts += 1

    @property
    def busy(self):
        """How many are at work or about to come up."""
        return len([worker for worker in self.workers if worker.handed or not worker.ready])

    def hand_out(self, dispatcher):
        """Give work to all who are free."""
        for worker in list(self.workers):
            while worker.ready and not worker.handed and (self.again or self.queue):
                worker.handed = self.next_chunk(dispatcher)
                if worker.handed and not self.send(worker):
                    self.lost(worker, dispatcher)
                    break
        while (self.queue or self.again) and not self.workers:
            if self.bad_starts < BAD_STARTS_AT_MOST:
                self.start()
                continue
            places = [each[0] for each in (*self.again, *self.queue)]
            self.again.clear()
            self.queue.clear()
            dispatcher.settle(self.place, [(each, False, WorkerDied("no process came up")) for each in places])

    def next_chunk(self, dispatcher):
        """Take items that pickle; those which don't have failed."""
        if self.again:
            return [self.again.popleft()]
        chunk = []
        while self.queue and len(chunk) < self.chunk:
            place, value = self.queue.popleft()
            try:
                chunk.append((place, pickle.dumps(value, 5), 0))
            except BaseException as error:
                text = "the argument does not pickle: " + pool_child.describe(error)
                dispatcher.settle(self.place, [(place, False, Untransportable(text))])
        return chunk

    def send(self, worker):
        """Hand a worker its chunk. It has told that it reads, so this does not wait long."""
        worker.begun = False
        try:
            worker.connection.send_bytes(pickle.dumps([argument for _, argument, _ in worker.handed], 5))
        except OSError:
            return False
        return True

    def hear(self, worker, dispatcher):
        """Take a message of a worker, or see its end."""
        try:
            message = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self.lost(worker, dispatcher)
            return
        if message == b"ready":
            worker.ready = True
            self.bad_starts = 0
        elif message == b"begun":
            worker.begun = True
        else:
            answers = pickle.loads(message)
            handed, worker.handed = worker.handed, []
            outcomes = [(each[0], *_opened(answer)) for each, answer in zip(handed, answers, strict=True)]
            dispatcher.settle(self.place, outcomes)

    def lost(self, worker, dispatcher):
        """A process has ended: see to what it was at, and start another where one is needed."""
        self.workers.remove(worker)
        if not worker.ready:
            self.bad_starts += 1
        handed, worker.handed = worker.handed, []
        if worker.begun and len(handed) == 1:
            dispatcher.settle(self.place, [(handed[0][0], False, WorkerDied("the process of this item ended"))])
        else:
            for place, argument, times in handed:
                if times + 1 < HANDED_AT_MOST:
                    self.again.append((place, argument, times + 1))
                else:
                    dispatcher.settle(self.place, [(place, False, WorkerDied("the processes of this item ended"))])
        _end(worker)
        if dispatcher.to_come[self.place] + len(self.queue) + len(self.again) > 0 and self.bad_starts < BAD_STARTS_AT_MOST:
            self.start()


def _end(worker):
    """See that a process ends, and that its files are closed."""
    worker.connection.close()
    for patience, push in ((1.5, worker.process.terminate), (1.0, worker.process.kill)):
        if worker.process.is_alive():
            worker.process.join(patience)
        if worker.process.is_alive():
            push()
    worker.process.join()


def _opened(answer):
    tag, *rest = answer
    if tag == "lost":
        return False, Untransportable(rest[0])
    if tag == "result":
        try:
            return True, pickle.loads(rest[0])
        except BaseException as error:
            text = "the result does not unpickle: " + pool_child.describe(error)
        return False, Untransportable(text)
    pickled, name, text = rest
    try:
        error = None if pickled is None else pickle.loads(pickled)
    except BaseException:
        error = None
    if isinstance(error, BaseException) and type(error).__qualname__ == name:
        return False, error
    return False, Untransportable(text)


class _Dispatcher:
    """The loop. Everything but `_serve` and the undertaker runs in the thread that called `run`."""

    def __init__(self, stages, plans, items):
        self.entries = [None] * len(items)
        self.left = len(items)
        self.to_come = [0] + [len(items)] * (len(stages) - 1)  # items that may still come to a stage
        self.outbox = SimpleQueue()
        self.bell = self.ear = None
        self.stages = []
        try:
            if any(each.kind == "processes" for each in plans):
                self.bell, self.ear = socket.socketpair()
                self.bell.setblocking(False)
                self.ear.setblocking(False)
            threads = sum(each.workers for each in plans if each.kind != "processes")
            share = min(1.0, THREADS_OF_A_RUN / max(1, threads))
            for place, (stage, each) in enumerate(zip(stages, plans, strict=True)):
                workers = min(each.workers, len(items))
                kind = _ProcessStage
                if each.kind != "processes":
                    kind, workers = _ThreadStage, min(workers, max(16, int(each.workers * share)))
                chunk = each.chunk_size if len(stages) == 1 else 1
                self.stages.append(kind(place, stage, workers, chunk, self))
        except BaseException:
            self.dismiss()
            raise
        self.stages[0].queue.extend(enumerate(items))

    def busy(self):
        """Whether anybody will answer."""
        return any(stage.busy for stage in self.stages)

    def work(self):
        """Hand out, listen, note, until every item has its entry."""
        while self.left:
            for stage in self.stages:
                stage.hand_out(self)
            if self.left and self.busy():
                self.listen()

    def listen(self):
        """Wait for answers and note them."""
        if self.bell is None:
            self.note(*self.outbox.get())
        else:
            herds = [stage for stage in self.stages if isinstance(stage, _ProcessStage)]
            ends = {worker.connection: (herd, worker) for herd in herds for worker in herd.workers}
            heard = wait([self.ear, *ends], timeout=1.0)
            for end in heard:
                if end is self.ear:
                    self.ear.recv(4096)
                else:
                    herd, worker = ends[end]
                    herd.hear(worker, self)
            if not heard:  # perhaps a child of a dead process holds its end of the connection open
                for herd, worker in ends.values():
                    if not worker.process.is_alive() and not worker.connection.poll(0):
                        herd.lost(worker, self)
        while not self.outbox.empty():
            self.note(*self.outbox.get())

    def note(self, place, outcomes):
        """Take the answer of a thread."""
        self.stages[place].busy -= 1
        self.settle(place, outcomes)

    def settle(self, place, outcomes):
        """Note what became of items: triples of place, whether there is a result, result or error."""
        after = place + 1
        for index, good, value in outcomes:
            if good and after < len(self.stages):
                self.stages[after].queue.append((index, value))
                self.to_come[after] -= 1
            else:
                self.entries[index] = value if good else Failed(value)
                self.left -= 1
                for later in range(after, len(self.stages)):
                    self.to_come[later] -= 1

    def dismiss(self):
        """Tell everybody to go, and leave it to a thread to see that they do."""
        threads, workers = [], []
        for stage in self.stages:
            if isinstance(stage, _ThreadStage):
                threads += stage.threads
                for _ in stage.threads:
                    stage.inbox.put(None)
            else:
                workers += stage.workers
                stage.workers = []
        for worker in workers:
            worker.connection.close()
        ends = [end for end in (self.bell, self.ear) if end is not None]
        if threads or workers or ends:
            try:
                threading.Thread(target=_undertaker, args=(threads, workers, ends)).start()
            except RuntimeError:
                _undertaker(threads, workers, ends)


def _undertaker(threads, workers, ends):
    while workers:
        _end(workers.pop())
    for thread in threads:
        thread.join()
    for end in ends:
        end.close()
