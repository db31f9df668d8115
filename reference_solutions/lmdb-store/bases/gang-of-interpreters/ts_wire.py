"""Messages between a store and its helpers: pickles with their length before them, over a socket."""

import pickle
from struct import Struct

_length = Struct(">Q")


def send(sock, message):
    """Send a message."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    sock.sendall(_length.pack(len(data)))
    sock.sendall(data)


def _exactly(sock, size):
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        got = sock.recv_into(view[done:])
        if got == 0:
            raise EOFError("the other side is gone")
        done += got
    return data


def receive(sock):
    """Receive a message; EOFError where the other side is gone."""
    size = _length.unpack(_exactly(sock, _length.size))[0]
    return pickle.loads(_exactly(sock, size))
