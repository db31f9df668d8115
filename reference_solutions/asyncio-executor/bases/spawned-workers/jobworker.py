"""The far side of a `cpu` or `crash` job: what a worker process runs. Small, so that a process starts fast.

One stream socket to the executor. A request is a length and the pickled (function, args). The answer is one byte as
soon as the request is here whole (from then on the job counts as begun), and later a length and the reply.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import struct
import sys
import traceback

LENGTH = struct.Struct("!Q")
BEGUN = b"\x01"
VALUE, RAISED, STUCK = b"V", b"X", b"S"  # what a reply starts with: a value, an exception, a value that can't be pickled
NICENESS = 5  # the event loop goes first when jobs want every core


def serve(sock: socket.socket) -> None:
    """Run one job after another until the executor hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the executor's process, which then ends this one
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        while (request := _receive(sock)) is not None:
            sock.sendall(BEGUN)
            reply = _perform(request)
            del request
            for stream in (sys.stdout, sys.stderr):  # this process may be killed as soon as the reply is out
                with contextlib.suppress(Exception):
                    stream.flush()
            sock.sendall(LENGTH.pack(len(reply)))
            sock.sendall(reply)
            del reply
    except ConnectionError:
        pass


def _receive(sock: socket.socket) -> bytearray | None:
    head = _exactly(sock, LENGTH.size)
    return None if head is None else _exactly(sock, LENGTH.unpack(head)[0])


def _exactly(sock: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view, have = memoryview(data), 0
    while have < size:
        count = sock.recv_into(view[have:])
        if not count:
            return None
        have += count
    return data


def _perform(request: bytearray) -> bytes:
    try:
        function, args = pickle.loads(request)
        value = function(*args)
    except BaseException as exc:  # SystemExit too ends only its job
        return RAISED + _describe(exc)
    try:
        return VALUE + pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except BaseException as exc:
        return STUCK + pickle.dumps((_name(value), f"{_name(exc)}: {_message(exc)}", _trace(exc)))


def _describe(exc: BaseException) -> bytes:
    try:
        # The args go along: classes with an __init__ of their own are often rebuilt with others.
        packed = pickle.dumps((exc, exc.args), pickle.HIGHEST_PROTOCOL)
    except BaseException:
        packed = None
    return pickle.dumps((packed, _name(exc), _message(exc), _trace(exc)))


def _name(value: object) -> str:
    return type(value).__qualname__


def _message(exc: BaseException) -> str:
    try:
        return "".join(("", str(exc)))
    except BaseException:
        return "<its message can't be made>"


def _trace(exc: BaseException) -> str:
    try:
        trace = exc.__traceback__
        if trace is not None and trace.tb_next is not None:
            trace = trace.tb_next  # without the frame of this module
        return "".join(traceback.format_exception(type(exc), exc, trace))
    except BaseException:
        return _name(exc)
