"""Who connects to anything within the grader's network.

Theory of operation: a socket stays in the network in which it was made, whoever holds it. A submission is handed a
listener of the grader's network, so the connections that it accepts are sockets of that network too, and one that has
been disconnected can be connected anew: to the reference's server, which listens beside its own. The kernel counts
every connection that is asked for in a network. In the grader's container nobody but the grader has any to ask for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COUNTERS = Path("/proc/self/net/snmp")
"""Of the network that this process is in; Linux has it, and elsewhere there is no container."""


def asked_for(counters: str) -> int | None:
    """Read how many TCP connections were asked for in this network since it was made. Pure."""
    names, values = ([line.split()[1:] for line in counters.splitlines() if line.startswith("Tcp:")] + [[], []])[:2]
    return int(dict(zip(names, values, strict=False)).get("ActiveOpens", -1)) if names else None


def _now() -> int | None:
    try:
        return asked_for(COUNTERS.read_text("ascii"))
    except OSError:
        return None


OURS_ALONE = _now() == 0
"""Whether this network was made for this grading: before its first connection, nobody had asked for one."""

_ours = 0


def connecting() -> None:
    """Take note of a connection that the grader asks for; call it right before."""
    global _ours  # noqa: PLW0603  one grading is one process, and has one network
    _ours += 1


@contextmanager
def to_ourselves() -> Iterator[None]:
    """Demand that nobody else connects meanwhile; raises AssertionError, also in place of what came of it."""
    before = _foreign()
    try:
        yield
    finally:
        others = _foreign() - before
        assert others <= 0, (
            f"connections that were asked for and not by the grader: {others}; they came from the socket that serve "
            "was given, or from those accepted on it, and a server connects to nobody (it could reach the reference's)"
        )


def _foreign() -> int:
    asked = _now() if OURS_ALONE else None
    return 0 if asked is None else asked - _ours
