"""Lanes: a limit, the jobs that share it, and who waits to submit more."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from jobs import Entry, ExecutorClosed


class Lane:
    """The jobs that share a limit: how many run, which wait, and who waits to submit."""

    def __init__(self, limit: int, room: int) -> None:
        self.limit = limit
        self.room = room
        self.running = 0
        self.outside = 0  # of those that wait: what nested jobs submit is never held back
        self.promised = 0  # places given to submitters that have not taken them yet
        self.waiting: OrderedDict[Entry, None] = OrderedDict()  # unlike a dict, fast at giving its oldest
        self.submitters: deque[asyncio.Future[None]] = deque()

    def has_room(self) -> bool:
        """Tell whether one more job from outside may come in."""
        return self.running + self.outside + self.promised < self.limit + self.room

    async def place(self) -> None:
        """Wait for room, first come, first served."""
        if self.has_room() and not self.submitters and not self.promised:
            return
        turn = asyncio.get_running_loop().create_future()
        self.submitters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # cancelled in the same moment as it was promised a place
                self.promised -= 1
                self.call_submitters()
            raise
        self.promised -= 1
        # Who came in between waits behind, and may come in when this one has.
        asyncio.get_running_loop().call_soon(self.call_submitters)

    def call_submitters(self) -> None:
        """Promise every place there is."""
        while self.submitters and self.has_room():
            turn = self.submitters.popleft()
            if not turn.done():
                self.promised += 1
                turn.set_result(None)

    def dismiss_submitters(self) -> None:
        """Send everybody away who waits."""
        for turn in self.submitters:
            if not turn.done():
                turn.set_exception(ExecutorClosed("the executor is shut down"))
        self.submitters.clear()
