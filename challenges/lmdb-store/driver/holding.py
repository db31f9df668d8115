"""The one store that the bars hold: filled where it lies, then used as a copy."""

import gc
import os
import shutil

from .peers import peer_kill, peer_replay, peer_start, running_peers
from .rows import batch_of
from .stores import path_of
from .submission import Store

_held = None

_BESIDE = "beside"
"""The peer that writes to the held store now and then."""


def held_store():
    """Give the held store itself."""
    return _held[1]


def let_go():
    """Close the held store."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is not None:
        _, store, copy = _held
        if _BESIDE in running_peers:
            peer_kill(_BESIDE)
        store.close()
        _held = None
        if copy:
            shutil.rmtree(copy)


def begin(folder):
    """Hold a new store in a folder, to fill it."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    remove(folder)
    _held = folder, Store.open(path_of(folder)), None


def hold(folder):
    """Hold the store of a folder unless it is held already: a copy, as processes of other containers hold it too."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is None or _held[0] != folder:
        let_go()
        copy = path_of(f"{folder}-{os.urandom(6).hex()}")
        shutil.copytree(path_of(folder), copy)
        _held = folder, Store.open(copy), copy
    gc.collect()


def remove(folder):
    """Remove a folder."""
    if _held is not None and _held[0] == folder:
        let_go()
    shutil.rmtree(path_of(folder), ignore_errors=True)


def put(batches):
    """Store batches in the held store."""
    return [_held[1].put_many(batch_of(columns)) for columns in batches]


def write_beside(rows):
    """Have another process store rows in the held store, which it keeps open too."""
    if _BESIDE not in running_peers:
        peer_start(_BESIDE)
        peer_replay(_BESIDE, [["open", "s", os.path.basename(_held[2])]])  # noqa: PTH119
    return peer_replay(_BESIDE, [["put", "s", rows]])
