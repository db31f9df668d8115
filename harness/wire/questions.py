"""Questions in flight: several at once, each answered once and in any order. No I/O.

What `conversation` is to one question at a time. A reply that answers no open question is noise, and after noise
nothing more is believed: a submission that guesses or repeats itself has broken the protocol.
"""

from harness.wire.codec import DEFAULT_CAPS, Caps
from harness.wire.errors import WireError
from harness.wire.messages import Reply, parse_reply


class Questions:
    """The open questions, each a nonce with the ticket that its asker knows it by."""

    def __init__(self, caps: Caps = DEFAULT_CAPS) -> None:
        self._caps = caps
        self._open: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Say how many have no answer yet."""
        return len(self._open)

    def ask(self, nonce: bytes, ticket: int) -> None:
        """Note that the request with `nonce` is being sent."""
        self._open[nonce] = ticket

    def hear(self, payload: bytes) -> tuple[int, Reply]:
        """Give a reply with the ticket it answers; raises WireError where it answers none."""
        reply = parse_reply(payload, self._caps)
        ticket = self._open.pop(reply.nonce, None)
        if ticket is None:
            raise WireError("an answer to no open question")
        return ticket, reply

    def give_up(self) -> list[int]:
        """Close all that are open, and name them in the order in which they were asked."""
        tickets = list(self._open.values())
        self._open.clear()
        return tickets
