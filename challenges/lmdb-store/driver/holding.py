"""The one store that the bars hold: filled where it lies, then used as a copy."""

import gc
import os
import shutil

from .beside import change_beside, leave_beside, replay_beside, take_back_beside
from .rows import batch_of
from .stores import path_of
from .submission import Store

_held = None


def held_store():
    """Give the held store itself."""
    return _held[1]


def let_go():
    """Close the held store."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is not None:
        _, store, copy = _held
        leave_beside()
        store.close()
        _held = None
        if copy:
            shutil.rmtree(path_of(copy))


def begin(folder):
    """Hold a new store in a folder, to fill it."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    let_go()
    remove(folder)
    _held = folder, Store.open(path_of(folder)), None


def hold(folder):
    """Hold the store of a folder, as it was built, unless it is held: a copy, as other containers hold it too."""
    global _held  # noqa: PLW0603  one process holds one store at a time
    if _held is None or _held[0] != folder:
        let_go()
        copy = f"{folder}-{os.urandom(6).hex()}"
        shutil.copytree(path_of(folder), path_of(copy))
        _held = folder, Store.open(path_of(copy)), copy
    take_back_beside()
    gc.collect()


def remove(folder):
    """Remove a folder."""
    if _held is not None and _held[0] == folder:
        let_go()
    shutil.rmtree(path_of(folder), ignore_errors=True)


def put(batches):
    """Store batches in the held store."""
    return [_held[1].put_many(batch_of(columns)) for columns in batches]


def write_beside(making, undoing):
    """Have another process change the held store, until that is held again."""
    return change_beside(_held[2], making, undoing)


def get_beside(keys):
    """Have another process get keys of the held store."""
    return replay_beside(_held[2], [["get-many", "s", keys]])
