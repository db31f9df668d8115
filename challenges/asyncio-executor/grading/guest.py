"""A job that has connected to the grader: what it has said, and whether it runs. What it says is not to be trusted."""

import json
import socket
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass(eq=False)
class Guest:
    """One job that has connected."""

    connection: socket.socket
    name: str = ""
    pid: int = 0
    thread: int = 0
    var: str = ""
    arrived_at: float = 0.0
    left_at: float | None = None
    closed_at: float | None = None
    said_bye: bool = False
    said: list[dict[str, Any]] = field(default_factory=list)
    rest: bytes = b""

    @property
    def here(self) -> bool:
        """Whether its job runs."""
        return self.left_at is None

    def tell(self, *command: object) -> None:
        """Have it do something; a guest that is gone hears nothing."""
        try:
            self.connection.send(json.dumps(command).encode() + b"\n")
        except OSError:
            self.left_at = self.left_at or perf_counter()

    def heard(self, word: str) -> list[Any]:
        """List what it has said under a word."""
        return [line[word] for line in self.said if word in line]


def parsed(line: bytes) -> dict[str, Any]:
    """Read what a job said; anything else than the driver's lines is the submission's doing."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    assert isinstance(said, dict), "a job said something that the driver does not say"
    return said
