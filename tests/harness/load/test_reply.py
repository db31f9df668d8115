"""The reply parser: every way of delimiting a body, in pieces of any size, and everything that is no HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load import reply as module
from harness.load.reply import BadReply, Reply, ReplyParser

REPLIES: list[tuple[bytes, int, bytes]] = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    (b"HTTP/1.1 503 \r\ncontent-LENGTH:0\r\nRetry-After: 1\r\n\r\n", 503, b""),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 200, b"abcde"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", 200, b"0123456789"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, b"no"),
]


@given(st.lists(st.sampled_from(REPLIES), min_size=1, max_size=6), st.data())
def test_replies_come_whole_however_they_are_cut(wanted: list[tuple[bytes, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(raw for raw, _, _ in wanted)
    parser, got, at = ReplyParser(), list[Reply](), 0
    while at < len(stream):
        size = data.draw(st.integers(1, 40))
        got += parser.feed(stream[at : at + size])
        at += size
    assert [(reply.status, reply.body) for reply in got] == [(status, body) for _, status, body in wanted]
    assert parser.idle
    assert parser.close() is None


def test_headers_are_lower_case_and_stripped() -> None:
    [reply] = ReplyParser().feed(b"HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nContent-Length: 0\r\n\r\n")
    assert reply.headers == {b"retry-after": b"7", b"content-length": b"0"}


@pytest.mark.parametrize(
    ("head", "alive"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_connection_is_kept_as_the_version_and_header_say(head: bytes, alive: bool) -> None:
    [reply] = ReplyParser().feed(head + b"Content-Length: 0\r\n\r\n")
    assert reply.keeps_alive is alive


def test_body_without_length_ends_with_the_connection() -> None:
    parser = ReplyParser()
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\nall ") == []
    assert parser.feed(b"of it") == []
    reply = parser.close()
    assert reply is not None
    assert (reply.body, reply.keeps_alive) == (b"all of it", False)


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff0\r\n",
    ],
)
def test_what_is_no_reply_is_refused(raw: bytes) -> None:
    with pytest.raises(BadReply):
        ReplyParser().feed(raw)


def test_endless_heads_and_bodies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_BYTES", 1000)
    with pytest.raises(BadReply):
        ReplyParser().feed(b"HTTP/1.1 200 OK\r\nA: " + b"a" * module.HEAD_BYTES)
    with pytest.raises(BadReply):
        ReplyParser().feed(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1001)


@pytest.mark.parametrize("raw", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"])
def test_ending_inside_of_a_reply_is_refused(raw: bytes) -> None:
    parser = ReplyParser()
    parser.feed(raw)
    with pytest.raises(BadReply, match="inside"):
        parser.close()
