"""Random sequences of operations, by Hypothesis: few tenants and numbers, all at the edges, so that they meet."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from model import Operation
from replaying import Mistake, Subject, find_mistake, shrink

FOLDERS = ("model-a", "model-b")
TENANTS = (
    "",
    "a",
    "a\0",
    "a\0\0",
    "a\0\1",
    "a\0b",
    "ab",
    "b",
    "\0",
    "\0\0",
    "\1",
    "\x7f",
    "\x80",
    "\xff",
    "a\xff",
    "é",
    "\u20ac",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0001f600",
    "a" * 240,
    "\0" * 240,
    "\u20ac" * 80,
    "A",
    "a ",
    "e\u0301",
    "\u212b",
    "\u00c5",
    "\ufb01",
    "fi",
    "\ufeffa",
    "a\r\n",
    "a\n",
)
"""Also such as are equal to somebody who tidies text up: its case, its spaces, its forms of one letter."""

TIMES = (-(2**63), -(2**63) + 1, -(2**32), -257, -256, -255, -2, -1, 0, 1, 255, 256, 2**32, 2**63 - 1)
SEQS = (0, 1, 2, 255, 256, 65_535, 65_536, 2**31, 2**32 - 1)
VALUES = (b"", b"\0", b"x", b"value", b"v" * 2000, b"w" * 5000, bytes(range(256)) * 256)

LIMITS = (None, None, 0, 1, 3, 17, 1000)
LENGTHS = {"min_size": 10, "max_size": 40}


@st.composite
def sequences(draw: st.DrawFn) -> list[Operation]:
    """Draw operations on keys of a few tenants, times and numbers, so that most of them meet."""
    tenants = st.sampled_from(draw(st.lists(st.sampled_from(TENANTS), min_size=2, max_size=4, unique=True)))
    times = st.sampled_from(draw(st.lists(st.sampled_from(TIMES), min_size=1, max_size=4, unique=True)))
    seqs = st.sampled_from(draw(st.lists(st.sampled_from(SEQS), min_size=1, max_size=2, unique=True)))
    keys = st.tuples(tenants, times, seqs).map(list)
    shorter = st.one_of(st.just([]), st.tuples(tenants).map(list), st.tuples(tenants, times).map(list), keys)
    bounds = st.one_of(st.none(), shorter, keys)
    rows = st.lists(st.tuples(tenants, times, seqs, st.sampled_from(VALUES)).map(list), max_size=12)
    stores = st.sampled_from(("a", "a", "b"))
    ranges = (stores, bounds, bounds, st.sampled_from(LIMITS), st.booleans())
    operation = st.one_of(
        st.tuples(st.just("put"), stores, rows),
        st.tuples(st.just("put-generator"), stores, rows),
        st.tuples(st.just("get"), stores, keys),
        st.tuples(st.just("get-many"), stores, st.lists(keys, max_size=8)),
        st.tuples(st.just("delete"), stores, keys, bounds),
        st.tuples(st.just("count"), stores, shorter),
        st.tuples(st.just("scan"), *ranges),
        st.tuples(st.just("scan"), *ranges),
    )
    drawn = draw(st.lists(operation, **LENGTHS))
    return [list(one) for one in drawn]


class Found(BaseException):
    """Leaves Hypothesis at the first mistake; no `Exception`, because its own shrinking has no limit in replays."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


def hunt(subject: Subject, title: str, seed_: int, examples: int, folders: Sequence[str] = FOLDERS) -> None:
    """Fail the check with `title` and a shrunk story if a random sequence is answered wrongly."""
    opening: list[Operation] = [["open", "a", FOLDERS[0]], ["open", "b", FOLDERS[1]]]
    whole: list[Operation] = [["scan", name, None, None, None, reverse] for name in "ab" for reverse in (False, True)]
    closing: list[Operation] = [
        ["forget", "a"],
        ["open", "a", FOLDERS[0]],
        *whole,
    ]

    @seed(seed_)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=sequences())
    def look(drawn: list[Any]) -> None:
        mistake = find_mistake(subject, [*opening, *drawn, *closing], folders)
        if mistake is not None:
            raise Found(mistake)

    try:
        look()
    except Found as found:
        raise AssertionError(f"{title}: {shrink(subject, found.mistake, folders)}") from None
