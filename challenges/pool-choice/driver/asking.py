"""Items that wait for the grader: each connects to the server that it planted, asks, and needs the answer."""

import os
import socket
import struct
import threading
import time

QUESTION = struct.Struct("<qq")
TOKEN = struct.Struct("<q")
GATE, LIFELINE = 0, 1
SECOND_STAGE = 1_000_000


def asked(item):
    """Ask the grader and wait for its answer: [name of its socket, key, salt]."""
    name, key, salt = item
    with connected(name, GATE, key) as connection:
        return token(connection) ^ salt


def asked_then_number(item):
    """Wait for the grader's answer and make of [name, key, n, rounds] what `squarings` takes."""
    name, key, n, rounds = item
    with connected(name, GATE, key) as connection:
        return [token(connection) % n, n, rounds]


def asked_then_asking(item):
    """Wait for the grader's answer and make of it another item for `asked`, with another key."""
    name, key, salt = item
    return [name, key + SECOND_STAGE, asked([name, key, salt])]


def asked_or_raise(item):
    """Do as `asked_then_asking`, but raise for odd keys."""
    _, key, salt = item
    if key % 2:
        raise LookupError(key, salt)
    return asked_then_asking(item)


_own = threading.local()


def on_a_lifeline(item):
    """Hold a connection to the grader for as long as this thread, or this process, lives; else as `asked`."""
    name, key, _ = item
    if not hasattr(_own, "lifeline"):
        _own.lifeline = connected(name, LIFELINE, key)
    return asked(item)


def leaves_a_thread(item):
    """Do as `on_a_lifeline`, and leave a thread behind that outlasts every deadline."""
    if not hasattr(_own, "thread"):
        _own.thread = threading.Thread(target=time.sleep, args=(60,))
        _own.thread.start()
    return on_a_lifeline(item)


def passed_on(item):
    """Wait for the grader's answer to [name, key, item], then pass the item on."""
    name, key, following = item
    asked([name, key, 0])
    return following


def connected(name, purpose, key):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name))  # noqa: PTH118, PTH120
    connection.sendall(QUESTION.pack(purpose, key))
    return connection


def token(connection):
    data = b""
    while len(data) < TOKEN.size:
        more = connection.recv(TOKEN.size - len(data))
        if not more:
            raise ConnectionError("the grader hung up")
        data += more
    return TOKEN.unpack(data)[0]
