import enum
import math
import time
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.codec import NUMBER_KEYS, Caps, EncodeError, Encoder, WireError, pack, unpack

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**200), max_value=2**200)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=300)
)
KEYS = st.text() | st.binary() | st.booleans()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner))


@given(VALUES)
def test_a_value_comes_back_equal_and_in_the_same_types(value: object) -> None:
    assert repr(unpack(pack(value))) == repr(value)


@pytest.mark.parametrize(
    "number", [0, -1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**127, -(2**127), 7**5000]
)
def test_ints_of_any_size_come_back(number: int) -> None:
    assert unpack(pack(number)) == number
    assert unpack(pack(-number)) == -number


def test_nan_and_infinity_are_floats_like_others() -> None:
    nan, infinity = unpack(pack([math.nan, -math.inf]))  # type: ignore[misc]
    assert math.isnan(nan)
    assert infinity == -math.inf


def test_tuples_arrive_as_lists() -> None:
    assert unpack(pack(((), (1, (2,))))) == [[], [1, [2]]]


class LazyText(str):
    __slots__ = ()


class LazyInt(int):
    __slots__ = ()


class LazyList(list[int]):
    pass


class Colour(enum.IntEnum):
    RED = 1


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def endless() -> object:
    loop: list[object] = []
    loop.append(loop)
    return loop


def endless_tuple() -> object:
    loop: list[object] = []
    loop.append((loop,))
    return loop


REFUSED_VALUES = {
    "str subclass": LazyText("a"),
    "int subclass": LazyInt(1),
    "list subclass": [LazyList()],
    "enum": Colour.RED,
    "set": {1},
    "object": object(),
    "generator": (i for i in range(3)),
    "bytearray": bytearray(b"a"),
    "timestamp": [msgpack.Timestamp(1)],
    "extension": [msgpack.ExtType(5, b"")],
    "subclass as a key": {LazyText("a"): 1},
    "tuple as a key": {(1, 2): 3},
    "subclass inside": [{"a": [LazyInt(1)]}],
    "lone surrogate": "\ud800",
    "too deep": deep(33),
    "endless": endless(),
    "endless through tuples": endless_tuple(),
    "many number keys": dict.fromkeys(range(NUMBER_KEYS + 1)),
}


@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_refuses_to_send(value: object) -> None:
    with pytest.raises(EncodeError):
        pack(value)


def test_an_encoder_works_on_after_a_refusal() -> None:
    encoder = Encoder()
    with pytest.raises(EncodeError):
        encoder.pack([1, 2, object()])
    assert unpack(encoder.pack([3])) == [3]


@pytest.mark.parametrize(
    ("value", "caps"),
    [
        (b"x" * 98, Caps(frame_bytes=100)),
        (deep(5), Caps(depth=5)),
        ([1] * 10, Caps(elements=10)),
        ({"a": 1, "b": [2]}, Caps(elements=5)),
        (dict.fromkeys(range(NUMBER_KEYS)), Caps()),
    ],
)
def test_what_just_fits_passes_both_ways(value: object, caps: Caps) -> None:
    assert unpack(pack(value, caps), caps) == value


def test_a_text_is_only_so_long_and_bytes_may_be_longer() -> None:
    caps = Caps(text_bytes=100)
    assert unpack(pack(["x" * 100, b"x" * 101]), caps) == ["x" * 100, b"x" * 101]
    for text in ("x" * 101, "\N{SNOWMAN}" * 34):
        with pytest.raises(WireError, match=r"1048576|max_str_len|malformed"):
            unpack(pack([text]), caps)


@pytest.mark.parametrize(
    ("value", "caps"),
    [
        (b"x" * 99, Caps(frame_bytes=100)),
        (deep(6), Caps(depth=5)),
        ({"a": {"b": {}}}, Caps(depth=2)),
        ([1] * 11, Caps(elements=10)),
        ([[1, 2, 3], [4, 5, 6], [7]], Caps(elements=9)),
        ({"a": 1, "b": [2]}, Caps(elements=4)),
    ],
)
def test_what_is_beyond_a_cap_is_refused_both_ways(value: object, caps: Caps) -> None:
    with pytest.raises(EncodeError):
        pack(value, caps)
    with pytest.raises(WireError):
        unpack(pack(value), caps)


MALFORMED = {
    "nothing": b"",
    "never used byte": b"\xc1",
    "two values": b"\x01\x02",
    "string cut short": b"\xa3ab",
    "list cut short": b"\x92\x01",
    "not UTF-8": b"\xa1\xff",
    "surrogate in UTF-8": b"\xa3\xed\xa0\x80",
    "unknown extension": pack(2**70).replace(b"\xc7\x09\x01", b"\xc7\x09\x05"),
    "timestamp": b"\xd6\xff\x00\x00\x00\x00",
    "timestamp in a list": b"\x92\x90\xd6\xff\x00\x00\x00\x00",
    "timestamp as a key": b"\x81\xd6\xff\x00\x00\x00\x00\x01",
    "extension as a key": b"\x81\xd4\x05\x00\x01",
    "small int as a big one": b"\xd4\x01\x07",
    "padded big int": b"\xc7\x0b\x01\x00" + (2**72 - 1).to_bytes(10, "big"),
    "empty big int": b"\xc7\x00\x01",
    "key twice": b"\x82\x01\x02\x01\x03",
    "equal keys": b"\x82\x01\x02\xc3\x03",
    "list as a key": b"\x81\x90\x01",
    "map as a key": b"\x81\x80\x01",
    "four thousand million elements": b"\xdd\xff\xff\xff\xff",
    "a map of as many": b"\xdf\xff\xff\xff\xff\x01",
    "deep": b"\x91" * 40 + b"\x01",
    "deeper than msgpack itself allows": b"\x91" * 5000 + b"\x01",
    "deep through maps": b"\x81\xa0" * 40 + b"\x01",
    "number keys": msgpack.packb(dict.fromkeys(range(NUMBER_KEYS + 1))),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_refuses_to_read(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack(data)


def test_elements_are_refused_before_memory_is_taken_for_them() -> None:
    row = b"\xdc\x27\x10" + b"\x90" * 10_000  # a list of 10,000 empty lists: 56 bytes of memory for each of its bytes
    data = b"\xdc\x00\x64" + row * 100
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="elements"):
            unpack(data, Caps(elements=100_000))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_colliding_keys_are_refused_before_a_map_is_built_of_them() -> None:
    multiples = [(2**61 - 1) * n for n in range(1, 60_000)]  # all of hash 0: inserting them takes a minute
    pairs = b"".join(pack(key) + b"\xc0" for key in multiples)
    start = time.process_time()
    with pytest.raises(WireError, match="number keys"):
        unpack(b"\xdf" + len(multiples).to_bytes(4, "big") + pairs)
    assert time.process_time() - start < 5
