"""Items: what is in memory, which calls of the backend are under way or wait for their turn, and who waits for them.

Everything here is plain callbacks on the event loop; the only tasks are the calls themselves, at most `limit` of them.
"""

import asyncio
from collections import OrderedDict, deque

PATIENCE_SEC = 1.0
KEEP_SEC = 1.8
KEEP_ITEMS = 1024
LINE_PER_PLACE = 4

Outcome = tuple  # (status, bytes or None)
REFUSED = (503, None)
LATE = (504, None)


class Call:
    """One call of the backend, and the requests that share it. Nobody owns it; it lives while somebody waits."""

    __slots__ = ("given_up", "id", "task", "under_way", "waits")

    def __init__(self, id):
        self.id = id
        self.waits = {}
        self.task = None
        self.under_way = False
        self.given_up = False


class Wait:
    """A request that waits for one item or for several."""

    __slots__ = ("answers", "due", "finish", "missing")

    def __init__(self, due, finish):
        self.due = due
        self.finish = finish
        self.answers = {}
        self.missing = set()

    def settle(self, id, outcome):
        self.missing.discard(id)
        self.answers[id] = outcome
        if not self.missing:
            self.end()

    def end(self):
        """Hand over the answers; keep neither them nor the request, as we may stand in the line of deadlines for a while."""
        finish, answers = self.finish, self.answers
        self.finish = self.answers = None
        finish(answers)


class Items:
    def __init__(self, loop, backend):
        self.loop = loop
        self.backend = backend
        self.limit = backend.limit
        self.longest_line = LINE_PER_PLACE * backend.limit
        self.kept = OrderedDict()  # id -> (bytes, until), in the order in which they were fetched
        self.calls = {}  # id -> Call that may be joined
        self.line = OrderedDict()  # id -> Call that waits for its turn
        self.places_taken = 0
        self.tasks = set()
        self.deadlines = deque()  # Waits; all have the same patience, so they are sorted
        self.timer = None
        self.closed = False
        self.total = 0
        self.in_flight = 0

    # ---- asking

    def from_memory(self, id, now):
        kept = self.kept.get(id)
        if kept is None:
            return None
        if now >= kept[1]:
            del self.kept[id]
            return None
        return kept[0]

    def ask(self, ids, now, finish):
        """Give a map of outcomes when nothing is to be waited for, otherwise a Wait, which calls `finish` with the map."""
        wait = Wait(now + PATIENCE_SEC, finish)
        answers, missing = wait.answers, wait.missing
        for id in ids:
            body = self.from_memory(id, now)
            if body is not None:
                answers[id] = (200, body)
                continue
            call = self.calls.get(id)
            if call is None:
                call = self._admit(id)
                if call is None:
                    answers[id] = REFUSED
                    continue
            call.waits[wait] = None
            missing.add(id)
        if not missing:
            wait.finish = wait.answers = None
            return answers
        self.deadlines.append(wait)
        if self.timer is None:
            self._arm()
        return wait

    def forget(self, wait):
        """Its client is gone."""
        wait.finish = wait.answers = None
        for id in wait.missing:
            self._leave(id, wait)
        wait.missing = set()

    def _admit(self, id):
        if self.closed:
            return None
        call = Call(id)
        if self.places_taken < self.limit:
            self._start(call)
        elif len(self.line) < self.longest_line:
            self.line[id] = call
        else:
            return None
        self.calls[id] = call
        return call

    def _leave(self, id, wait):
        call = self.calls.get(id)
        if call is None or wait not in call.waits:
            return
        del call.waits[wait]
        if not call.waits:
            self._give_up(call)

    def _give_up(self, call):
        del self.calls[call.id]  # who asks from now on gets a call of its own
        call.given_up = True
        if call.task is None:
            del self.line[call.id]
        elif call.under_way:
            call.task.cancel()
        # else its task has not run yet, and will see that it need not

    # ---- calling

    def _start(self, call):
        self.places_taken += 1
        call.task = self.loop.create_task(self._run(call))
        self.tasks.add(call.task)
        call.task.add_done_callback(self.tasks.discard)

    async def _run(self, call):
        outcome = None
        try:
            if not call.given_up:
                outcome = await self._fetch(call)
        finally:
            self.places_taken -= 1
            while self.line and self.places_taken < self.limit:
                self._start(self.line.popitem(last=False)[1])
        if outcome is None or call.given_up:
            return
        del self.calls[call.id]
        if outcome[0] == 200:
            self._keep(call.id, outcome[1])
        for wait in list(call.waits):
            wait.settle(call.id, outcome)

    async def _fetch(self, call):
        call.under_way = True
        self.total += 1
        self.in_flight += 1
        try:
            return 200, await self.backend.get(call.id)
        except KeyError:
            return 404, None
        except Exception:  # noqa: BLE001
            return 502, None
        except asyncio.CancelledError:
            return None if call.given_up else (502, None)
        finally:
            self.in_flight -= 1
            call.under_way = False

    def _keep(self, id, body):
        kept = self.kept
        now = self.loop.time()
        kept.pop(id, None)
        kept[id] = (body, now + KEEP_SEC)
        while len(kept) > KEEP_ITEMS or next(iter(kept.values()))[1] <= now:
            kept.popitem(last=False)

    # ---- time

    def _arm(self):
        deadlines = self.deadlines
        while deadlines and deadlines[0].finish is None:
            deadlines.popleft()
        self.timer = self.loop.call_at(deadlines[0].due, self._ring) if deadlines else None

    def _ring(self):
        now = self.loop.time() + 0.001
        deadlines = self.deadlines
        try:
            while deadlines and (deadlines[0].finish is None or deadlines[0].due <= now):
                wait = deadlines.popleft()
                if wait.finish is not None:
                    self._expire(wait)
        finally:
            self._arm()

    def _expire(self, wait):
        late, wait.missing = wait.missing, set()
        for id in late:
            self._leave(id, wait)
            wait.answers[id] = LATE
        wait.end()

    # ---- the end

    def close(self):
        """Give up every call; `tasks` holds those that are still to end."""
        self.closed = True
        if self.timer is not None:
            self.timer.cancel()
        self.deadlines.clear()
        for call in list(self.calls.values()):
            call.waits.clear()
            self._give_up(call)
