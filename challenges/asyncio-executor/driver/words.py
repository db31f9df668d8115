"""What jobs and maps say to the grader: lines of JSON, on a connection of their own."""

import json
import os
import threading

from .jobs import VAR


def address(place):
    """Name the socket at which the grader waits."""
    return os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), place)  # noqa: PTH118, PTH120


def line(**what):
    """Say something to the grader."""
    return json.dumps(what).encode() + b"\n"


def hello(name):
    """Say who this is and where it runs."""
    return line(name=name, pid=os.getpid(), thread=threading.get_ident(), var=VAR.get())
