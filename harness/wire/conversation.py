"""One conversation with a subject as a state machine: one question at a time, and each answered once. No I/O.

               ASKED               ANSWERED
      IDLE ───────────► AWAITING ───────────► IDLE
       │                    │
       │ NOISE, ENDED       │ NOISE, SILENCE, ENDED
       └──────► BROKEN ◄────┘

Nothing leads out of BROKEN: a late answer could be taken for the next one, so whoever owns the subject starts it again.
"""

from enum import Enum, auto
from typing import Final

from harness.wire.codec import DEFAULT_CAPS, Caps
from harness.wire.errors import WireError
from harness.wire.messages import Reply, parse_reply


class State(Enum):
    """Where a conversation is."""

    IDLE = auto()
    AWAITING = auto()
    BROKEN = auto()


class Event(Enum):
    """What happens to a conversation. NOISE is anything that came and is no answer to the question asked."""

    ASKED = auto()
    ANSWERED = auto()
    NOISE = auto()
    SILENCE = auto()
    ENDED = auto()


NEXT: Final = {
    (State.IDLE, Event.ASKED): State.AWAITING,
    (State.IDLE, Event.NOISE): State.BROKEN,
    (State.IDLE, Event.ENDED): State.BROKEN,
    (State.AWAITING, Event.ANSWERED): State.IDLE,
    (State.AWAITING, Event.NOISE): State.BROKEN,
    (State.AWAITING, Event.SILENCE): State.BROKEN,
    (State.AWAITING, Event.ENDED): State.BROKEN,
}
"""What is not in this table can't happen; that it did is our own fault."""


class Conversation:
    """The state of one conversation, and the nonce that the next reply must echo."""

    def __init__(self, caps: Caps = DEFAULT_CAPS) -> None:
        self.state = State.IDLE
        self._caps = caps
        self._nonce = b""

    def ask(self, nonce: bytes) -> None:
        """Note that the request with `nonce` is being sent."""
        self.note(Event.ASKED)
        self._nonce = nonce

    def hear(self, payload: bytes | memoryview) -> Reply:
        """Read the reply; raises WireError, and breaks, where it does not answer what was asked."""
        try:
            reply = parse_reply(payload, self._caps)
        except WireError:
            self.note(Event.NOISE)
            raise
        if reply.nonce != self._nonce:
            self.note(Event.NOISE)
            raise WireError("an answer to another question")
        self.note(Event.ANSWERED)
        return reply

    def note(self, event: Event) -> None:
        """Move on; raises ValueError for what can't happen."""
        try:
            self.state = NEXT[self.state, event]
        except KeyError:
            raise ValueError(f"{event.name} can't happen to a conversation that is {self.state.name}") from None
