"""Put an exception into words, capped, whatever its class does to prevent it."""

from collections.abc import Callable
from typing import Final

from harness.wire.messages import TEXT_CHARS, Failed

CUT: Final = "[…]"


def describe_failure(nonce: bytes, fault: BaseException, output: str) -> Failed:
    """Make the reply to a call that raised; names a class as Python's own tracebacks do."""
    return Failed(
        nonce,
        _said(lambda: _name(type(fault)), _head),
        _said(lambda: str(fault), _head),
        _said(lambda: _traceback(fault), _tail),
        output,
    )


def _name(class_: type[BaseException]) -> str:
    return class_.__qualname__ if class_.__module__ == "builtins" else f"{class_.__module__}.{class_.__qualname__}"


def _traceback(fault: BaseException) -> str:
    import traceback  # noqa: PLC0415  a worker that nothing goes wrong in starts faster without it

    own_frames = fault.__traceback__
    return "".join(traceback.format_exception(type(fault), fault, own_frames and own_frames.tb_next))


def _said(say: Callable[[], str], cut: Callable[[str], str]) -> str:
    try:
        return cut("".join([say()]).encode("utf-8", "backslashreplace").decode())
    except BaseException as fault:  # noqa: BLE001  an exception that can't even be printed must still be reported
        return f"<{type(fault).__name__} while it was printed>"


def _head(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - len(CUT)] + CUT


def _tail(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else CUT + text[len(CUT) - TEXT_CHARS :]
