r"""A server for part two, planted in the grader: it behaves as told, and logs when each request came and was answered.

Wire: `welcome\n` when a connection may be used, or its end where it may not; then requests `<number>\n`, one at a
time, each answered by `<number> ok\n` or `<number> error\n`, wrongly by another number's, by closing the connection,
or never.
"""

import asyncio
import math
import re
from dataclasses import dataclass
from pathlib import Path

from behaviours import Behaviour, Word

REQUEST = re.compile(rb"(\d{1,9})\n")
REQUESTS_KEPT = 100_000
"""No planted server is asked as often; a flood must not fill the grader's memory."""

LATE_SEC = 0.010
"""An answer of ours that is later than this is a disturbance of this machine."""


@dataclass
class Entry:
    """One request, by the loop's clock; `answered_at` is None where there was no answer."""

    number: int
    arrived_at: float
    word: Word
    answered_at: float | None = None


class PlantedServer:
    """One server, and its log."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.log: list[Entry] = []
        self.faults: list[str] = []
        self.connections = 0
        self.latest_sec = 0.0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self, path: Path) -> None:
        """Listen at `path`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Conversation(self), path, backlog=1024)
        path.chmod(0o666)

    def close(self) -> None:
        """Accept no more, and hang up."""
        if self._server is not None:
            self._server.close()
        for transport in self._open:
            transport.abort()

    def opened(self, transport: asyncio.Transport) -> None:
        """Take note of a connection."""
        self.connections += 1
        self._open = {other for other in self._open if not other.is_closing()} | {transport}

    def blame(self, fault: str) -> None:
        """Note a breach of the protocol; the first few will do."""
        if len(self.faults) < 5:
            self.faults.append(fault)


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: PlantedServer) -> None:
        self._server = server
        self._buffer = b""
        self._busy: Entry | None = None
        self._welcome = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.opened(transport)
        loop = asyncio.get_running_loop()
        at = self._server.behaviour.welcome_at(loop.time())
        if at == math.inf:
            transport.close()
        elif at <= loop.time():
            self._say_welcome()
        else:
            loop.call_at(at, self._say_welcome)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        found = REQUEST.fullmatch(self._buffer)
        if found is None:
            if b"\n" in self._buffer or len(self._buffer) > 16:
                self._refuse("a request was not `<number>\\n`, or two came at once on one connection")
            return
        self._buffer = b""
        if self._busy is not None:
            self._refuse("a request came on a connection whose last one was not answered yet")
        elif not self._welcome:
            self._refuse("a request came before the connection was opened")
        elif len(self._server.log) >= REQUESTS_KEPT:
            self._refuse("far too many requests")
        else:
            self._begin(int(found[1]))

    def _begin(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        fate = self._server.behaviour.fate(number, now)
        entry = Entry(number, now, fate.word)
        self._server.log.append(entry)
        self._busy = entry
        if fate.word is not Word.NEVER:
            loop.call_at(fate.at, self._answer, entry, fate.at)

    def _answer(self, entry: Entry, due_at: float) -> None:
        if self._transport.is_closing():
            return
        now = asyncio.get_running_loop().time()
        self._server.latest_sec = max(self._server.latest_sec, now - due_at)
        entry.answered_at = now
        self._busy = None
        if entry.word is Word.CLOSE:
            self._transport.close()
        else:
            wrong = entry.word is Word.WRONG
            word = Word.OK if wrong else entry.word
            self._transport.write(b"%d %s\n" % (entry.number + wrong, word.encode()))

    def _say_welcome(self) -> None:
        self._welcome = True
        self._transport.write(b"welcome\n")

    def _refuse(self, fault: str) -> None:
        self._server.blame(fault)
        self._transport.abort()
