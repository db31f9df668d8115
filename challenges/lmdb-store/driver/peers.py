"""Other processes that use stores too, by name.

Theory of operation: a peer is a fresh interpreter that imports this package and replays what comes in.

    peer_replay, peer_send  ── pickled operations ──>  its standard input   ──>  replaying.be_a_peer
    peer_replay, peer_receive  <── pickled answers ──  its standard output  <──
"""

import pickle
import select
import signal
import subprocess
import sys

from .submission import FOLDER

running_peers = {}

_BE_A_PEER = f"import sys; sys.path.insert(0, {FOLDER!r}); from driver.replaying import be_a_peer; be_a_peer()"
"""Imported, not run: what it folds with must be a module's that other processes can import."""


class _Peer:
    """Another process that replays operations, spoken to by pipes: a fresh interpreter."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BE_A_PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self.process.pid

    def send(self, operations):
        pickle.dump(operations, self.process.stdin)
        self.process.stdin.flush()

    def receive(self):
        return pickle.load(self.process.stdout)  # noqa: S301  our own process

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def peer_start(name):
    """Start another process."""
    running_peers[name] = _Peer()


def peer_replay(name, operations):
    """Replay operations in another process."""
    running_peers[name].send(operations)
    return running_peers[name].receive()


def peer_send(name, operations):
    """Begin to replay operations in another process, without waiting."""
    running_peers[name].send(operations)


def peer_receive(name):
    """Wait for what `peer_send` began."""
    return running_peers[name].receive()


def peer_has_answered(name):
    """Tell whether what `peer_send` began has come to an end."""
    return bool(select.select([running_peers[name].process.stdout], [], [], 0)[0])


def peer_kill(name):
    """End another process by SIGKILL."""
    running_peers.pop(name).end(signal.SIGKILL)
