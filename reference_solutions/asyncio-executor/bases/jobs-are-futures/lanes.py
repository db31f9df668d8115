"""A job, which is its own future, and the lanes in which jobs wait for slots. Everything here happens on the event loop's thread."""

import asyncio
from collections import OrderedDict

DOOR, QUEUED, RUNNING, ENDED, REFUSED = "door", "queued", "running", "ended", "refused"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"


class Entry(asyncio.Future):
    """One job, from `submit` to its end, and the future of its result: `cancel` acts at once."""

    def __init__(self, job, context, lane, loop, on_cancel):
        super().__init__(loop=loop)
        self.job, self.context, self.lane, self.on_cancel = job, context, lane, on_cancel
        self.state = DOOR
        self.confirmed = True  # False: let in, but its submitter may still turn out to be cancelled
        self.inside = False  # submitted by a nested job: doesn't count against `queue`
        self.slot = True  # has, or will have, a slot of its lane
        self.told = None  # what the future was made to say before the job ended
        self.halted = False  # was stopped, once
        self.timer = self.task = self.worker = None
        self.parent, self.children = None, set()
        self.waiter = None  # wakes the submitter
        self.let_in = None  # or is called, when a map submitted it

    def cancel(self, msg=None):
        if not super().cancel(msg):
            return False
        self.on_cancel(self)
        return True

    def tell_cancelled(self):
        """Cancel the future only."""
        super().cancel()


class Lane:
    """A limit, a queue, and a door before which submitters stand in line.

    `start(entry)` is called with each entry that gets a slot; it can't fail. `accept(entry)` when one is let in,
    `drop(entry)` when one at the head of the queue was cancelled and nobody has said so yet.
    """

    def __init__(self, limit, places, start, accept, drop):
        self.limit, self.places = limit, places
        self.running = 0
        self.queue = OrderedDict()  # as an ordered set: whoever is cancelled leaves in O(1)
        self.outside = 0  # how many in the queue count against `places`
        self.door = OrderedDict()
        self._start, self._accept, self._drop = start, accept, drop
        self._pumping = False

    def has_room(self):
        """Say whether one more from outside may come in; free slots are taken by what waits from inside first."""
        free = self.limit - self.running - (len(self.queue) - self.outside)
        return self.outside < self.places + max(0, free)

    def put(self, entry):
        self.queue[entry] = None
        self.outside += not entry.inside

    def remove(self, entry):
        del self.queue[entry]
        self.outside -= not entry.inside

    def release(self):
        """The one place where a slot comes back."""
        self.running -= 1

    def pump(self):
        """Start what can be started and let in whom there is room for, until nothing moves."""
        if self._pumping:
            return  # the loop below goes on with what the caller has changed
        self._pumping = True
        try:
            while self._start_one() or self._let_in_one():
                pass
        finally:
            self._pumping = False

    def _start_one(self):
        if self.running >= self.limit or not self.queue:
            return False
        entry = next(iter(self.queue))
        if not entry.confirmed:
            return False  # its submitter is about to run; nobody overtakes
        if entry.cancelled():
            self._drop(entry)
            return True
        self.remove(entry)
        self.running += 1  # the one place where a slot is taken
        self._start(entry)
        return True

    def _let_in_one(self):
        if not self.door or not self.has_room():
            return False
        entry, _ = self.door.popitem(last=False)
        if entry.cancelled() or (entry.waiter is not None and entry.waiter.done()):
            entry.state = ENDED  # was cancelled in this very moment: takes no place
            return True
        self.put(entry)
        self._accept(entry)
        return True
