"""What runs in a process that was started for a stage. A spawned process imports this module first, so it imports next to nothing.

On the socket go frames: eight bytes of length, then the body, which is never empty. From here comes `READY` once, then one frame of
answers for each frame of items. An answer is `(tag, payload, text)`; items, results and exceptions are pickled one by one, so that one
that fails to harms no other.
"""

import os
import pickle
import struct
import sys

HEADER = struct.Struct("!Q")
READY = b"R"
PROTOCOL = pickle.HIGHEST_PROTOCOL
JOINED = 1 << 16  # a longer body is not worth copying to spare a system call

RESULT, RAISED, REFUSED = range(3)


def serve(sock, recipe):
    """Answer items until nobody is at the other end any more."""
    code = 1
    try:
        sock.set_inheritable(False)
        sock.setblocking(True)
        function = pickle.loads(recipe)
        _send(sock, READY)
        while (frame := _receive(sock)) is not None:
            answers = [_answer(function, payload) for payload in pickle.loads(frame)]
            frame = None
            _send(sock, pickle.dumps(answers, PROTOCOL))
            answers = None
        code = 0
    except OSError:
        code = 0  # the other end is gone in the middle of something
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _leave(code)


def describe(error):
    """An exception's class and message, whatever its `str()` does."""
    name = type(error).__name__
    try:
        return name + ": " + str.__str__(str(error))
    except BaseException:
        return name + " (it has no message: its str() fails)"


def _answer(function, payload):
    try:
        item = pickle.loads(payload)
    except BaseException as error:
        return REFUSED, None, "the item does not unpickle: " + describe(error)
    try:
        result = function(item)
    except BaseException as error:
        return RAISED, _packed(error), describe(error)
    try:
        return RESULT, pickle.dumps(result, PROTOCOL), None
    except BaseException as error:
        return REFUSED, None, "the result does not pickle: " + describe(error)


def _packed(error):
    """The exception beside its class, which tells the other side whether it came back as what it was; None if it cannot go."""
    try:
        return pickle.dumps((type(error), error), PROTOCOL)
    except BaseException:
        return None


def _send(sock, body):
    head = HEADER.pack(len(body))
    if len(body) <= JOINED:
        sock.sendall(head + body)
    else:
        sock.sendall(head)
        sock.sendall(body)


def _receive(sock):
    """The next frame's body, or None at the end."""
    head = _exactly(sock, HEADER.size)
    return None if head is None else _exactly(sock, HEADER.unpack(head)[0])


def _exactly(sock, size):
    buffer = bytearray(size)
    view, have = memoryview(buffer), 0
    while have < size:
        count = sock.recv_into(view[have:])
        if count == 0:
            return None
        have += count
    return buffer


def _leave(code):
    """End this process, also when an item has left a thread in it that would be waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    os._exit(code)
