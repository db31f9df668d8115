"""Runs a batch with a stage on threads or in processes.

One thread, the one that called `run`, owns all state: entries, queues, who works on what. It sleeps in a selector, and there is no lock.
Threads of a crew take from a `SimpleQueue`, put answers into a deque and ring a bell that the selector hears; processes of a fleet
are at the other ends of sockets that never block on this side.
"""

import multiprocessing
import multiprocessing.connection  # Process.join wants it; not to be imported within a run
import pickle
import selectors
import socket
import threading
import time
from collections import deque
from functools import partial
from queue import Empty, SimpleQueue

from pc_child import HEADER, JOINED, PROTOCOL, RAISED, READY, RESULT, describe, serve
from pc_inline import attempt, detached
from pc_types import Failed, Unportable, WorkerDied

PULSE = 0.5  # how often to look for processes whose end their sockets do not tell
GRACE = 2.0  # how long a process may take to end
MOST_THREADS = 128  # of all stages together
ENOUGH_THREADS = 16  # that a stage that waits has in any case
MOST_STARTS = 3  # of one item
STILLBORN = 4  # processes in turn that end before they are ready; then it is no use

SPAWN = multiprocessing.get_context("spawn")
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Reactor:
    """One run of one batch."""

    def __init__(self, stages, plans, items):
        self._items = items
        self._entries = [None] * len(items)
        self._left = len(items)  # how many have no entry yet
        self._graves = []  # processes that are ending
        self._crews, self._fleets, self._stations = [], [], []
        self.outbox = deque()
        self.selector = selectors.DefaultSelector()
        self.bell = Bell()
        shares = thread_shares(plans, len(items))
        for number, (stage, plan, share) in enumerate(zip(stages, plans, shares, strict=True)):
            if plan.kind == "processes":
                size = min(plan.workers, len(items))
                station = Fleet(self, number, stage.function, size, plan.chunk_size, len(items))
                self._fleets.append(station)
            else:
                station = Crew(self, number, stage.function, share, plan.chunk_size, len(items))
                self._crews.append(station)
            self._stations.append(station)

    def run(self):
        """Run it, and hand the entries over."""
        try:
            for fleet in self._fleets:  # they take longest to be there
                fleet.open()
            self.selector.register(self.bell.ear, READ, self._rung)
            self._stations[0].offer(list(enumerate(self._items)))
            for crew in self._crews:
                crew.open()
            self._loop()
        finally:
            self._close()
        entries, self._entries = self._entries, None
        return entries

    def settle(self, number, answers):
        """Take pairs of an item's place and its outcome from stage `number`: to the next stage, or into the entries."""
        self._stations[number].ahead -= len(answers)
        following = self._stations[number + 1 :]
        onward = []
        for place, outcome in answers:
            if following and type(outcome) is not Failed:
                onward.append((place, outcome))
                continue
            self._entries[place] = outcome
            self._left -= 1
            for station in following:
                station.ahead -= 1
        if onward:
            following[0].offer(onward)

    def bury(self, worker, at_once):
        """See to it that a worker's process ends."""
        self.selector.unregister(worker.sock)
        worker.sock.close()  # a process that waits for items ends now
        if at_once:
            worker.process.kill()
        self._graves.append(worker.process)
        self._graves = [process for process in self._graves if not ended(process)]

    def _loop(self):
        pulse = time.monotonic() + PULSE
        while self._left:
            for key, events in self.selector.select(PULSE):
                key.data(events)
            if time.monotonic() >= pulse:
                for fleet in self._fleets:
                    fleet.check()
                pulse = time.monotonic() + PULSE

    def _rung(self, _events):
        self.bell.hush()
        while self.outbox:
            self.settle(*self.outbox.popleft())

    def _close(self):
        whole = self._left == 0  # else something was raised here, a KeyboardInterrupt say, and nobody wants the rest
        for fleet in self._fleets:
            fleet.close(whole)
        for crew in self._crews:
            crew.close()
        self.selector.close()
        if whole:
            for crew in self._crews:
                crew.join()
            self.bell.close()  # not before: a thread might ring what is another file by then
        self._crews, self._fleets, self._stations = [], [], []
        graves, self._graves = self._graves, []
        if graves:
            try:
                threading.Thread(target=reap, args=(graves,), name="pool-choice-reaper").start()
            except RuntimeError:  # no more threads
                reap(graves)


def thread_shares(plans, count):
    """How many threads each stage gets: as many as are planned, unless all together are more than a machine should be asked for."""
    wanted = [{"inline": 1, "threads": min(plan.workers, count), "processes": 0}[plan.kind] for plan in plans]
    total = sum(wanted)
    if total <= MOST_THREADS:
        return wanted
    return [max(min(want, ENOUGH_THREADS), want * MOST_THREADS // total) for want in wanted]


class Bell:
    """Wakes the selector from another thread."""

    def __init__(self):
        self.ear, self._cord = socket.socketpair()
        self.ear.setblocking(False)
        self._cord.setblocking(False)
        self._rung = False

    def ring(self):
        """Call after what is to be found was put where it is found. One ring serves all who come before `hush`."""
        if not self._rung:
            self._rung = True
            try:
                self._cord.send(b"!")
            except OSError:
                pass  # full of rings: nobody will oversleep

    def hush(self):
        """Call before looking for what was put: who comes now rings again."""
        try:
            self.ear.recv(4096)
        except BlockingIOError:
            pass
        self._rung = False

    def close(self):
        self.ear.close()
        self._cord.close()


class Crew:
    """A stage on threads. One that is planned inline beside others that are not is a crew of one."""

    def __init__(self, reactor, number, function, size, chunk, ahead):
        self.ahead = ahead
        self._size = size
        self._chunk = chunk
        self._inbox = SimpleQueue()
        self._work = (self._inbox, reactor.outbox, reactor.bell, number, function)
        self._threads = []

    def open(self):
        for _ in range(self._size):
            thread = threading.Thread(target=labour, args=self._work, name="pool-choice", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads: these will do, if there are any
                if not self._threads:
                    raise
                break
            self._threads.append(thread)

    def offer(self, tasks):
        """Queue items, pairs of place and value. Nobody ever waits here for room."""
        for first in range(0, len(tasks), self._chunk):
            chunk = tasks[first : first + self._chunk]
            chunk.reverse()
            self._inbox.put(chunk)

    def close(self):
        try:
            while True:  # nothing, unless the run is given up
                self._inbox.get_nowait()
        except Empty:
            pass
        for _ in self._threads:
            self._inbox.put(None)

    def join(self):
        for thread in self._threads:
            thread.join()


def labour(inbox, outbox, bell, number, function):
    """The life of a thread of a crew."""
    while True:
        chunk = inbox.get()
        if chunk is None:
            return
        answers = []
        while chunk:
            place, value = chunk.pop()
            answers.append((place, attempt(function, value)))
        outbox.append((number, answers))
        answers = value = None
        bell.ring()


class Task:
    """An item on its way to a process, and perhaps to another one after that."""

    __slots__ = ("payload", "place", "starts")

    def __init__(self, place, payload):
        self.place = place
        self.payload = payload
        self.starts = 0


class Worker:
    """A process of a fleet, as seen from here."""

    def __init__(self, process, sock, selector):
        self.process = process
        self.sock = sock
        self.ready = False  # it has loaded the function
        self.fresh = True  # it has answered nothing, so nothing that an item left behind is in it
        self.held = []  # the tasks it has been handed and has not answered
        self._selector = selector
        self._outgoing = deque()
        self._writing = False
        self._expect(HEADER.size, head=True)

    @property
    def unsent(self):
        """Whether the last frame has not gone out completely; then nothing of it was started."""
        return bool(self._outgoing)

    def hand(self, tasks):
        """Send tasks off, as far as they go without waiting."""
        self.held = tasks
        body = pickle.dumps([task.payload for task in tasks], PROTOCOL)
        head = HEADER.pack(len(body))
        if len(body) <= JOINED:
            self._outgoing.append(memoryview(head + body))
        else:
            self._outgoing += (memoryview(head), memoryview(body))
        self.flush()

    def flush(self):
        """Send what the socket takes of what is to go out."""
        while self._outgoing:
            view = self._outgoing[0]
            try:
                sent = self.sock.send(view)
            except BlockingIOError:
                self._write_later(True)
                return
            except OSError:  # the process has ended: reading will tell
                break
            if sent == len(view):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = view[sent:]
        self._write_later(False)

    def receive(self):
        """The frames that have come in, and whether there will be no more."""
        frames = []
        while True:
            try:
                count = self.sock.recv_into(self._view[self._have :])
            except BlockingIOError:
                return frames, False
            except OSError:
                return frames, True
            if count == 0:
                return frames, True
            self._have += count
            if self._have < len(self._view):
                continue
            if self._head:
                self._expect(HEADER.unpack(self._buffer)[0], head=False)
            else:
                frames.append(self._buffer)
                self._expect(HEADER.size, head=True)

    def _expect(self, size, head):
        self._head = head
        self._have = 0
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)

    def _write_later(self, writing):
        if writing != self._writing:
            self._writing = writing
            key = self._selector.get_key(self.sock)
            self._selector.modify(self.sock, READ | WRITE if writing else READ, key.data)


class Fleet:
    """A stage in processes.

    What becomes of items whose process ends: if it is certain that it ended under this one (it was the first and only one that this
    process ever had, and it arrived), it is `WorkerDied`. Otherwise the item is a suspect, and tried again alone in a fresh process.
    """

    def __init__(self, reactor, number, function, size, chunk, ahead):
        self.ahead = ahead  # how many items have still to get through this stage
        self._reactor = reactor
        self._number = number
        self._recipe = pickle.dumps(function, PROTOCOL)
        self._size = size
        self._chunk = chunk
        self._queue = deque()  # pairs of place and value
        self._suspects = deque()  # tasks
        self._workers = []
        self._stillborn = 0

    def open(self):
        self._tend()

    def offer(self, tasks):
        """Queue items, pairs of place and value."""
        self._queue.extend(tasks)
        self._tend()

    def check(self):
        """Look for processes that have ended while something else holds their sockets, and try again what could not be done."""
        for worker in tuple(self._workers):
            if worker in self._workers and worker.process.exitcode is not None:
                self._listen(worker, gone=True)
        self._tend()

    def close(self, whole):
        for worker in tuple(self._workers):
            self._retire(worker, at_once=not (whole and worker.ready))

    def _tend(self):
        """Start the processes that are missing, and give everyone who has nothing something to do."""
        while len(self._workers) < min(self._size, self.ahead):
            if self._launch() is None:
                break
        for worker in tuple(self._workers):
            if worker.ready and not worker.held:
                self._load(worker)
        # A suspect may be left that has no fresh process to come: one that has nothing else to do makes room for it.
        coming = sum(worker.fresh and not worker.held for worker in self._workers)
        while coming < len(self._suspects):
            if len(self._workers) >= self._size:
                idle = next((worker for worker in self._workers if not worker.held and not worker.fresh), None)
                if idle is None:
                    break
                self._retire(idle, at_once=False)
            if self._launch() is None:
                break
            coming += 1
        if self._stillborn >= STILLBORN:
            self._give_up()

    def _launch(self):
        """Start a process; None if that fails."""
        if self._stillborn >= STILLBORN:
            return None
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            self._stillborn += 1
            return None
        try:
            process = SPAWN.Process(target=serve, args=(theirs, self._recipe))
            process.start()
        except OSError:
            self._stillborn += 1
            ours.close()
            return None
        finally:
            theirs.close()
        ours.setblocking(False)
        worker = Worker(process, ours, self._reactor.selector)
        self._workers.append(worker)
        self._reactor.selector.register(ours, READ, partial(self._heard, worker))
        return worker

    def _load(self, worker):
        if worker.fresh and self._suspects:
            worker.hand([self._suspects.popleft()])
            return
        tasks, refused = [], []
        while self._queue and len(tasks) < self._chunk:
            place, value = self._queue.popleft()
            try:
                tasks.append(Task(place, pickle.dumps(value, PROTOCOL)))
            except BaseException as error:
                refusal = pickle.PicklingError("the item does not pickle: " + describe(error))
                refused.append((place, Failed(refusal)))
        if tasks:
            worker.hand(tasks)
        if refused:
            self._reactor.settle(self._number, refused)

    def _heard(self, worker, events):
        if worker not in self._workers:
            return  # it was retired a moment ago
        if events & WRITE:
            worker.flush()
        if events & READ:
            self._listen(worker)

    def _listen(self, worker, gone=False):
        frames, ended_now = worker.receive()
        for frame in frames:
            if frame == READY:
                worker.ready = True
                self._stillborn = 0
            else:
                self._answered(worker, frame, gone or ended_now)
        if gone or ended_now:
            self._lost(worker)
        elif not frames:
            return
        self._tend()

    def _answered(self, worker, frame, over):
        held, worker.held = worker.held, []
        worker.fresh = False
        if not over:
            self._load(worker)  # first of all: it works on while the answers are read here
        answers = pickle.loads(frame)
        self._reactor.settle(self._number, [(task.place, decoded(answer)) for task, answer in zip(held, answers, strict=True)])

    def _lost(self, worker):
        """A process has ended that should not have."""
        held, worker.held = worker.held, []
        certain = worker.fresh and len(held) == 1 and not worker.unsent
        if not worker.ready:
            self._stillborn += 1
        self._retire(worker, at_once=True)
        dead = []
        for task in held:
            task.starts += 1
            if certain or task.starts >= MOST_STARTS:
                dead.append((task.place, Failed(WorkerDied("the process ended under this item"))))
            else:
                self._suspects.append(task)
        if dead:
            self._reactor.settle(self._number, dead)

    def _retire(self, worker, at_once):
        self._workers.remove(worker)
        self._reactor.bury(worker, at_once)

    def _give_up(self):
        """Processes end before they are ready, one after the other: what nobody will work on gets its entry."""
        places = [task.place for task in self._suspects]
        self._suspects.clear()
        if not self._workers:
            places += [place for place, _ in self._queue]
            self._queue.clear()
        if places:
            gone = [(place, Failed(WorkerDied("no process could be started for this item"))) for place in places]
            self._reactor.settle(self._number, gone)


def decoded(answer):
    """The outcome that an answer from a process tells of."""
    tag, payload, text = answer
    if tag == RESULT:
        try:
            return pickle.loads(payload)
        except BaseException as trouble:
            return Failed(pickle.UnpicklingError("the result does not unpickle: " + describe(trouble)))
    if tag == RAISED:
        error = revived(payload)
        return Failed(Unportable(text) if error is None else error)
    return Failed(pickle.PicklingError(text))


def revived(payload):
    """The exception that was pickled beside its class, or None if it does not come back as one of that class."""
    if payload is None:
        return None
    try:
        kind, error = pickle.loads(payload)
    except BaseException:
        return None
    return detached(error) if type(error) is kind else None


def ended(process):
    """Whether a process has ended; if so, it is through with, and its files close when it is let go of."""
    process.join(0)
    return process.exitcode is not None


def reap(processes):
    """Wait for processes that are ending, and help those that do not."""
    deadline = time.monotonic() + GRACE
    while processes:
        process = processes.pop()
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
