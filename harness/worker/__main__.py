"""Run as `python -m harness.worker`, with TAKEHOME_SOCKET, TAKEHOME_SUBMISSION and TAKEHOME_DRIVER naming paths."""

import os
import socket
import sys

from harness.worker.capture import capture
from harness.worker.driver import Driver
from harness.worker.service import Service


def main() -> None:
    """Connect to the grader and serve it until it hangs up."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(os.environ["TAKEHOME_SOCKET"])
    sys.path.insert(0, os.environ["TAKEHOME_SUBMISSION"])
    Service(Driver(os.environ["TAKEHOME_DRIVER"]), capture()).serve(connection)
    os._exit(0)  # threads of the submission must not keep the process alive when nobody listens


if __name__ == "__main__":
    main()
