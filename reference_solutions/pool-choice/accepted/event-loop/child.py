"""What runs in the spawned processes: its own module, so that they need not import asyncio."""

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PLAIN = {int, float, str, bytes}
"""Types of results that surely unpickle."""


@dataclass(frozen=True)
class Failed:
    """The entry of an item that has no result."""

    error: BaseException


class WorkerDied(Exception):
    """The process that an item ran in ended before the item did."""


def attempt(function: Callable[[Any], Any], item: Any) -> Any:
    """Run one item."""
    try:
        return function(item)
    except BaseException as fault:  # noqa: BLE001  whatever an item raises is its entry
        return Failed(fault)


def serve(pipe: Any, function: Callable[[Any], Any]) -> None:
    """Run chunks in the process, until its pipe closes; there is nothing to tidy up then."""
    while True:
        try:
            items = pickle.loads(pipe.recv_bytes())  # noqa: S301  from our own parent
        except EOFError:
            os._exit(0)
        entries = [attempt(function, item) for item in items]
        try:
            reply = pickle.dumps(entries)
            if any(type(entry) not in PLAIN for entry in entries):
                reply = pickle.dumps([_sendable(entry) for entry in entries])
        except BaseException:  # noqa: BLE001  find the one that fails
            reply = pickle.dumps([_sendable(entry) for entry in entries])
        pipe.send_bytes(reply)


def _sendable(entry: Any) -> Any:
    """Give the entry if it arrives as what it is, else a failure that says what was lost."""
    lost: BaseException | None = entry.error if isinstance(entry, Failed) else None
    try:
        twin = pickle.loads(pickle.dumps(entry))  # noqa: S301  what was just pickled: some exceptions can't be unpickled
        if lost is None or type(twin.error) is type(lost):
            return entry
    except BaseException as reason:  # noqa: BLE001  pickling runs code of the result, which may raise SystemExit
        lost = lost or reason
    return Failed(RuntimeError(f"{type(lost).__name__}: {lost}"))
