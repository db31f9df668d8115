"""Put an exception into words, capped, whatever its class does to prevent it."""

import os
from collections.abc import Callable
from typing import Final

from harness.wire.messages import TEXT_CHARS, Failed

CUT: Final = "[…]"

OWN_FILES: Final = (os.path.dirname(__file__), "<frozen importlib")  # noqa: PTH120  pathlib costs 5 ms of start-up
"""Where the frames come from that lead to a driver and say nothing to who wrote the submission."""


def describe_failure(nonce: bytes, fault: BaseException, output: str) -> Failed:
    """Make the reply to a call that raised; names a class as Python's own tracebacks do."""
    return Failed(
        nonce,
        output,
        _said(lambda: _name(type(fault)), _head),
        _said(lambda: str(fault), _head),
        _said(lambda: _traceback(fault), _tail),
    )


def _name(class_: type[BaseException]) -> str:
    if class_.__module__ == "builtins" or class_.__module__.startswith("harness."):
        return class_.__qualname__
    return f"{class_.__module__}.{class_.__qualname__}"


def _traceback(fault: BaseException) -> str:
    import traceback  # noqa: PLC0415  a worker in which nothing goes wrong starts faster without it

    frame = fault.__traceback__
    while frame and frame.tb_frame.f_code.co_filename.startswith(OWN_FILES):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(fault), fault, frame))


def _said(say: Callable[[], str], cut: Callable[[str], str]) -> str:
    try:
        return cut("".join([say()]).encode("utf-8", "backslashreplace").decode())
    except BaseException as fault:  # noqa: BLE001  an exception that can't even be printed must still be reported
        return f"<{type(fault).__name__} while it was printed>"


def _head(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - len(CUT)] + CUT


def _tail(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else CUT + text[len(CUT) - TEXT_CHARS :]
