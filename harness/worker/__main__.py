"""Run as `python -m harness.worker`; TAKEHOME_SOCKET is a path, TAKEHOME_SUBMISSION and TAKEHOME_DRIVER are folders."""

import os
import socket
import sys

from harness.worker.capture import Tail, capture
from harness.worker.driver import Driver
from harness.worker.service import Service


def main() -> None:
    """Connect to the grader and serve it until it hangs up."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(os.environ["TAKEHOME_SOCKET"])
    sys.path.insert(0, os.environ["TAKEHOME_SUBMISSION"])
    driver, output = Driver(os.environ["TAKEHOME_DRIVER"]), capture()
    Service(driver, output).serve(connection)
    if driver.is_async:
        _serve_on_a_loop(driver, output, connection)
    os._exit(0)  # threads of the submission must not keep the process alive when nobody listens


def _serve_on_a_loop(driver: Driver, output: Tail, connection: socket.socket) -> None:
    import asyncio  # noqa: PLC0415  40 ms of start-up that most drivers have no need of

    from harness.worker.loop_service import LoopService  # noqa: PLC0415

    asyncio.run(LoopService(driver, output, connection).serve())


if __name__ == "__main__":
    main()
