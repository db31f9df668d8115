"""What runs in a worker process. It imports little, so that a process is soon ready.

Both directions speak in frames: a tag of one byte, the length, the body. The worker says BEGUN when it has read a job and
before it touches it: a job without BEGUN is safe to run elsewhere.
"""

import pickle
import signal
import struct
import sys
import traceback

HEAD = struct.Struct("!cQ")
JOB, BEGUN, VALUE, ERROR, LOST = b"j", b"b", b"v", b"e", b"l"


def main(sock):
    """Serve jobs until the other side goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    try:
        while True:
            head = _read(sock, HEAD.size)
            if head is None:
                return
            body = _read(sock, HEAD.unpack(head)[1])
            if body is None:
                return
            sock.sendall(HEAD.pack(BEGUN, 0))
            tag, answer = _perform(body)
            del body
            _flush()
            sock.sendall(HEAD.pack(tag, len(answer)))
            sock.sendall(answer)
            del answer
    except OSError:
        return  # the parent is gone


def _read(sock, size):
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(size - len(data), 1 << 20))
        if not chunk:
            return None
        data += chunk
    return bytes(data)


def _perform(body):
    try:
        function, args = pickle.loads(body)
        value = function(*args)
    except BaseException as error:  # SystemExit is an exception like others here
        return ERROR, _describe(error)
    try:
        return VALUE, pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        text = f"a result of type {type(value).__qualname__} can't be pickled: {summary(error)}"
        return LOST, text.encode("utf-8", "backslashreplace")


def _describe(error):
    try:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException:
        text = "(the traceback can't be formatted)\n"
    try:
        pickled = pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
    except BaseException:
        pickled = None
    return pickle.dumps((pickled, type(error).__qualname__, summary(error), text), pickle.HIGHEST_PROTOCOL)


def summary(error):
    """Say the type and the message of an exception, whatever its `__str__` does."""
    try:
        message = str(error)
    except BaseException:
        message = "(no message: its __str__ raises)"
    return f"{type(error).__qualname__}: {message}"


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
