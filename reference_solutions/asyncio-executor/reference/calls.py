"""Calls between processes: how a worker answers them, and how what became of one is carried back."""

# ruff: noqa: BLE001, S301  (what jobs raise is data here, and the pickles are our own)

from __future__ import annotations

import pickle
import signal
import socket
import struct
import traceback
from typing import Any

from jobs import RemoteError

SIZE = struct.Struct("!Q")


def serve(connection: socket.socket) -> None:
    """Answer requests until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program decides what an interrupt means
    with connection, connection.makefile("rb") as requests:
        while size := requests.read(SIZE.size):
            request = requests.read(*SIZE.unpack(size))
            connection.sendall(b"!")
            reply = packed(request)
            connection.sendall(SIZE.pack(len(reply)) + reply)


def packed(request: bytes) -> bytes:
    """Make a call and pack what became of it so that it can be carried."""
    try:
        function, args = pickle.loads(request)
        value = function(*args)
    except BaseException as fault:
        return _packed_fault(fault)
    try:
        return pickle.dumps((value, None, ""))
    except BaseException as fault:
        text = f"a result of type {type(value).__qualname__} can't be pickled: {fault}"
        return pickle.dumps((None, None, text))


def _packed_fault(fault: BaseException) -> bytes:
    text = "".join(traceback.format_exception(fault))
    try:
        blob = pickle.dumps(fault)
        pickle.loads(blob)  # an exception may pickle and not come back, for want of arguments
    except BaseException:
        return pickle.dumps((None, None, f"{type(fault).__qualname__}: {fault}\n{text}"))
    return pickle.dumps((None, blob, text))


def unpacked(reply: bytes) -> tuple[Any, BaseException | None]:
    """Read what `packed` made; the traceback's text becomes the exception's cause, as the standard library does it."""
    text = ""
    try:
        value, blob, text = pickle.loads(reply)
        fault = None if blob is None else pickle.loads(blob)
    except Exception as broken:  # the text of a traceback says what was raised
        return None, RemoteError(f"what the job gave can't be rebuilt here: {broken!r}\n{text}")
    if fault is not None:
        fault.__cause__ = RemoteTraceback(text)
    elif text:
        fault = RemoteError(text)
    return value, fault


class RemoteTraceback(Exception):
    """The text of a traceback of another process, to be shown as the cause."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
