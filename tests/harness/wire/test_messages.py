import pytest

from harness.wire.codec import Encoder, pack
from harness.wire.errors import EncodeError, WireError
from harness.wire.messages import (
    MAX_FDS,
    TEXT_CHARS,
    Answered,
    Failed,
    Reply,
    Request,
    pack_reply,
    pack_request,
    parse_reply,
    parse_request,
)

NONCE = b"n" * 16
LONG = "x" * (TEXT_CHARS + 1)


def test_a_request_comes_back() -> None:
    request = Request(NONCE, "lookup", [1, "two", [3]], MAX_FDS)
    assert parse_request(pack_request(request, Encoder())) == request


@pytest.mark.parametrize(
    "reply",
    [
        Answered(NONCE, None),
        Answered(NONCE, [1, {"a": b"b"}], "x" * TEXT_CHARS),
        Failed(NONCE, "out", "KeyError", "'k'", "Traceback"),
        Failed(NONCE, LONG[1:], LONG[1:], LONG[1:], LONG[1:]),
    ],
)
def test_a_reply_comes_back(reply: Reply) -> None:
    assert parse_reply(pack_reply(reply, Encoder())) == reply


def test_a_value_that_is_not_plain_makes_no_reply() -> None:
    with pytest.raises(EncodeError):
        pack_reply(Answered(NONCE, {1, 2}), Encoder())


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        {},
        [NONCE, "f", [], 0, 0],
        ["nonce", "f", [], 0],
        [NONCE, b"f", [], 0],
        [NONCE, "f", {}, 0],
        [NONCE, "f", [], -1],
        [NONCE, "f", [], MAX_FDS + 1],
        [NONCE, "f", [], True],
    ],
)
def test_what_is_not_a_request_is_refused(fields: object) -> None:
    with pytest.raises(WireError, match="not a request"):
        parse_request(pack(fields))


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        [0],
        {"nonce": NONCE},
        [0, NONCE, ""],
        [2, NONCE, "", None],
        [1, NONCE, "", None],
        [False, NONCE, "", None],
        [0, "nonce", "", None],
        [0, NONCE, b"", None],
        [0, NONCE, LONG, None],
        [0, NONCE, "", "E", "m", "t"],
        [1, NONCE, "", "E", "m"],
        [1, NONCE, "", "E", "m", None],
        [1, NONCE, LONG, "E", "m", "t"],
        [1, NONCE, "", LONG, "m", "t"],
        [1, NONCE, "", "E", LONG, "t"],
        [1, NONCE, "", "E", "m", LONG],
    ],
)
def test_what_is_not_a_reply_is_refused(fields: object) -> None:
    with pytest.raises(WireError, match="not a reply"):
        parse_reply(pack(fields))
