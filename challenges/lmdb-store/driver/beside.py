"""The other process that has the bars' stores open too: a peer that stays, with one store open at a time.

It writes to the held store just before that is asked for, and takes that back afterwards; it reads what the held store
was given, and what was loaded.
"""

import hashlib
import shutil

from .peers import peer_replay, peer_start, running_peers
from .stores import path_of

_PEER = "beside"

_open_at = None
_undoing = []
"""The operations by which what was written last is taken back."""

_seen = b""
"""What the other process saw when it last looked."""


def replay_beside(folder, operations):
    """Replay operations on "s", the store of a folder, in the other process; answer each."""
    global _open_at  # noqa: PLW0603  one process works beside this one
    if _PEER not in running_peers:
        peer_start(_PEER)
        _open_at = None
    if _open_at != folder:
        leave_beside()
        peer_replay(_PEER, [["open", "s", folder]])
        _open_at = folder
    return peer_replay(_PEER, operations)


def change_beside(folder, making, undoing):
    """Replay operations that change a store, and remember those that take it back."""
    answers = replay_beside(folder, making)
    _undoing[:] = undoing
    return answers


def take_back_beside():
    """Take back what was changed last."""
    if _undoing:
        replay_beside(_open_at, _undoing)
        _undoing.clear()


def leave_beside():
    """Close the store in the other process."""
    global _open_at  # noqa: PLW0603  one process works beside this one
    if _open_at is not None and _PEER in running_peers:
        peer_replay(_PEER, [["forget", "s"]])
    _open_at = None
    _undoing.clear()


def look_beside(folder):
    """Have the other process read all of a store: a copy of its folder, since a store is that and nothing else."""
    global _seen  # noqa: PLW0603  one process works beside this one
    copy = f"{folder}-copy"
    shutil.copytree(path_of(folder), path_of(copy))
    _seen = hashlib.sha256(repr(replay_beside(copy, [["columns", "s"]])).encode()).digest()
    leave_beside()
    shutil.rmtree(path_of(copy))


def last_seen_beside():
    """Give the digest of what the other process saw when it last looked, once."""
    global _seen
    seen, _seen = _seen, b""
    return seen
