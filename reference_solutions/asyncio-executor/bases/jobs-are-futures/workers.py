"""Worker processes, driven by the event loop: it reads their sockets and sees their ends.

What may block or run a stranger's code (starting, pickling, big sends, joining) is a chore, done by a thread:
`chore(function, *args)` is awaited and gives (value, error).
"""

import asyncio
import multiprocessing
import pickle
import socket

import job_process
from job_errors import RemoteError
from job_process import HEAD, summary

AT_ONCE = 1 << 18  # bytes read from one process before the loop does something else

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "asyncio"])  # once there, new processes have it for nothing


class RemoteTraceback(Exception):
    """The traceback of the other process, as text, to be the cause of what it raised."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return f'\n"""\n{self.text}"""'


class Worker:
    """A process. Made in a thread, by `Worker()`; everything else is called on the loop if nothing else is said."""

    def __init__(self):
        self._sock, theirs = socket.socketpair()
        try:
            self._process = _context.Process(target=job_process.main, args=(theirs,), daemon=True)
            self._process.start()
        except BaseException:
            self._sock.close()
            raise
        finally:
            theirs.close()
        self.dead = False

    def attach(self, loop, died):
        """Let the loop watch; `died(worker)` is called when the process ended while it had no job."""
        self._loop, self._told = loop, died
        self._buffer = bytearray()
        self._begun = False
        self._answer = None
        loop.add_reader(self._sock.fileno(), self._readable)
        loop.add_reader(self._process.sentinel, self._ended)

    def kill(self):
        self._process.kill()

    async def exchange(self, chore, payload):
        """Send a job; return whether it was begun, and the answer's (tag, body), None if the process died."""
        if self.dead:
            return False, None
        self._begun = False
        answer = self._answer = self._loop.create_future()
        frame = memoryview(HEAD.pack(job_process.JOB, len(payload)) + payload)
        try:
            sent = self._sock.send(frame[:65536], socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(frame)  # it is dead or dying: its end will be seen
        if sent < len(frame):
            await chore(self._sock.sendall, frame[sent:])
        result = await answer
        self._answer = None
        return self._begun, result

    async def end(self, chore):
        """Kill the process, wait until it is gone, and let go of its files."""
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_reader(self._process.sentinel)
        self._process.kill()
        await chore(self._process.join)
        self._process = None  # not close(): CPython's issue 104536
        self._sock.close()

    def _readable(self):
        if not self._receive():
            self._loop.remove_reader(self._sock.fileno())
            self._process.kill()  # it closed its socket: no answer will come from it

    def _receive(self):
        """Take in a piece; False at the end."""
        try:
            chunk = self._sock.recv(AT_ONCE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._buffer += chunk
        while len(self._buffer) >= HEAD.size:
            tag, size = HEAD.unpack_from(self._buffer)
            if len(self._buffer) < HEAD.size + size:
                break
            if tag == job_process.BEGUN:
                self._begun = True
                del self._buffer[: HEAD.size]
            else:
                body, self._buffer = memoryview(self._buffer)[HEAD.size :], bytearray()  # no copy of what may be big
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result((tag, body))
        return bool(chunk)

    def _ended(self):
        self._loop.remove_reader(self._process.sentinel)
        self._loop.remove_reader(self._sock.fileno())
        while True:  # what it said before it died
            before = len(self._buffer), self._begun, self._answer is not None and self._answer.done()
            if not self._receive():
                break
            if before == (len(self._buffer), self._begun, self._answer is not None and self._answer.done()):
                break
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that still sends
        except OSError:
            pass
        self.dead = True
        if self._answer is None:
            self._told(self)
        elif not self._answer.done():
            self._answer.set_result(None)


def pickled(function, args):
    """In a thread: pickle a job."""
    try:
        return pickle.dumps((function, tuple(args)), pickle.HIGHEST_PROTOCOL)
    except asyncio.CancelledError as error:
        raise RemoteError(f"the job can't be pickled: {summary(error)}") from None


def rebuilt(tag, body):
    """In a thread: rebuild an answer as (value, error)."""
    if tag == job_process.VALUE:
        try:
            return pickle.loads(body), None
        except BaseException as error:
            return None, RemoteError(f"the result can't be rebuilt: {summary(error)}")
    if tag == job_process.LOST:
        return None, RemoteError(bytes(body).decode("utf-8", "replace"))
    pickled_error, name, text, trace = pickle.loads(body)
    error = None
    if pickled_error is not None:
        try:
            error = pickle.loads(pickled_error)
        except BaseException:
            pass
    if not isinstance(error, BaseException) or type(error).__qualname__ != name:
        error = RemoteError(text)
    BaseException.__dict__["__cause__"].__set__(error, RemoteTraceback(trace))  # a class may forbid plain setting
    return None, error
