"""Items of the backend: shared while they are fetched, kept for a moment, refused where there is no room."""

import asyncio
from collections import OrderedDict

KEEP_SEC = 1.5
KEEP_ITEMS = 1000
WAITING_PER_CALL = 4


class Call:
    """A call of the backend, under way or waiting. It belongs to all who ask; the last to leave ends it."""

    __slots__ = ("askers", "id", "started", "task")

    def __init__(self, given):
        self.id = given
        self.askers = {}
        self.task = None
        self.started = False


class Items:
    """The backend and what is known of its items."""

    def __init__(self, loop, backend):
        self.loop = loop
        self.backend = backend
        self.limit = backend.limit
        self.memory = OrderedDict()  # id: (data, when it is too old), oldest first
        self.calls = {}  # id: the call that new askers join
        self.waiting = OrderedDict()  # calls that wait for their turn
        self.taken = 0  # places at the backend
        self.tasks = set()
        self.calls_total = 0
        self.in_flight = 0
        self.closed = False

    def kept(self, given, now):
        entry = self.memory.get(given)
        return entry[0] if entry is not None and now < entry[1] else None

    def forget_old(self, now):
        memory = self.memory
        while memory:
            if next(iter(memory.values()))[1] > now:
                break
            memory.popitem(last=False)

    def _keep(self, given, data):
        now = self.loop.time()
        self.forget_old(now)
        self.memory.pop(given, None)
        if len(self.memory) >= KEEP_ITEMS:
            self.memory.popitem(last=False)
        self.memory[given] = (data, now + KEEP_SEC)

    def join(self, given, asker):
        """Give the call that will bring an item, or None where there is no room for one."""
        call = self.calls.get(given)
        if call is None:
            if self.taken >= self.limit and len(self.waiting) >= WAITING_PER_CALL * self.limit:
                return None
            call = self.calls[given] = Call(given)
            if self.taken < self.limit:
                self._start(call)
            else:
                self.waiting[call] = None
        call.askers[asker] = None
        return call

    def leave(self, call, asker):
        call.askers.pop(asker, None)
        if call.askers:
            return
        if self.calls.get(call.id) is call:
            del self.calls[call.id]
        if call.task is None:
            self.waiting.pop(call, None)
            return
        call.task.cancel()
        if not call.started:  # then its code never runs
            self._free()

    def _start(self, call):
        self.taken += 1
        call.task = self.loop.create_task(self._run(call))
        self.tasks.add(call.task)
        call.task.add_done_callback(self.tasks.discard)

    def _free(self):
        self.taken -= 1
        if self.waiting and not self.closed:
            call, _ = self.waiting.popitem(last=False)
            self._start(call)

    async def _run(self, call):
        call.started = True
        self.calls_total += 1
        self.in_flight += 1
        status, data = 502, None
        try:
            data = await self.backend.get(call.id)
            status = 200
        except KeyError:
            status = 404
        except asyncio.CancelledError:
            if self.closed or not call.askers:
                raise
        except Exception:  # noqa: BLE001, S110  whatever the backend raises is a 502
            pass
        finally:
            self.in_flight -= 1
            if self.calls.get(call.id) is call:
                del self.calls[call.id]
            self._free()
        if status == 200:
            self._keep(call.id, data)
        for asker in list(call.askers):
            asker.settle(call.id, status, data)

    async def close(self):
        """End all calls."""
        self.closed = True
        self.waiting.clear()
        while self.tasks:
            for task in self.tasks:
                task.cancel()
            try:
                await asyncio.wait(self.tasks)
            except asyncio.CancelledError:
                continue


class Question:
    """A request that waits for items, until a moment at most."""

    __slots__ = ("done", "items", "missing", "outcomes", "timer", "until")

    def __init__(self, items, ids, now, until):
        self.items = items
        self.until = until
        self.done = None
        self.timer = None
        self.outcomes = {}
        self.missing = {}
        for given in ids:
            data = items.kept(given, now)
            if data is not None:
                self.outcomes[given] = (200, data)
                continue
            call = items.join(given, self)
            if call is None:
                self.outcomes[given] = (503, None)
            else:
                self.missing[given] = call

    def wait(self, done):
        self.done = done
        self.timer = self.items.loop.call_at(self.until, self._expire)

    def settle(self, given, status, data):
        if self.missing.pop(given, None) is None:
            return
        self.outcomes[given] = (status, data)
        if not self.missing:
            self._finish()

    def _expire(self):
        missing, self.missing = self.missing, {}
        for given, call in missing.items():
            self.outcomes[given] = (504, None)
            self.items.leave(call, self)
        self._finish()

    def _finish(self):
        self.timer.cancel()
        done, self.done = self.done, None
        done(self.outcomes)

    def give_up(self):
        self.timer.cancel()
        self.done = None
        missing, self.missing = self.missing, {}
        for call in missing.values():
            self.items.leave(call, self)
