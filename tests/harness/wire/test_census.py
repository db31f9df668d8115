import random

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.census import declared_elements
from harness.wire.codec import pack

PLENTY = 1_000_000
NUMBERS = st.integers(-(2**90), 2**90) | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=300) | st.binary(max_size=300)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=20)
)


def elements(value: object) -> int:
    match value:
        case list():
            return len(value) + sum(map(elements, value))
        case dict():
            return 2 * len(value) + sum(map(elements, value.values()))
        case _:
            return 0


@given(VALUES)
def test_counts_what_a_walk_over_the_value_counts(value: object) -> None:
    assert declared_elements(pack(value), PLENTY) == elements(value)


def test_every_form_of_header_is_known() -> None:
    value = [
        list(range(20)),
        [None] * 70_000,
        {str(i): i for i in range(20)},
        {str(i): b"" for i in range(40_000)},
        *("x" * length for length in (0, 1, 31, 32, 255, 256, 65_535, 65_536)),
        *(b"x" * length for length in (0, 1, 255, 256, 65_535, 65_536)),
        *(2**bits for bits in (6, 7, 8, 15, 16, 31, 32, 63, 64, 70, 120, 127, 600, 2_100, 600_000)),
        *(-(2**bits) for bits in (4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 120, 600)),
        1.5,
    ]
    assert declared_elements(pack(value), PLENTY) == elements(value)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 8, 16, 17, 300, 70_000])
def test_the_content_of_an_extension_counts_for_nothing(length: int) -> None:
    data: bytes = msgpack.packb([msgpack.ExtType(5, b"\x9f" * length), 1, [2, 3]])
    assert declared_elements(data, PLENTY) == 5


def test_a_few_bytes_that_declare_millions_count_as_too_many() -> None:
    assert declared_elements(b"\xdd\xff\xff\xff\xff", 1000) > 1000
    assert declared_elements(b"\xdf\x00\x00\x02\x00", 1000) > 1000


def test_headers_that_declare_nothing_still_come_to_an_end() -> None:
    assert declared_elements(b"\x90" * 5_000, 1000) > 1000
    assert declared_elements(b"\xc4\x00" * 5_000, 1000) > 1000


def test_garbage_gets_some_number() -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        data = rng.randbytes(rng.randrange(80))
        assert declared_elements(data, 1000) >= 0
        assert declared_elements(memoryview(data), 1000) == declared_elements(data, 1000)
