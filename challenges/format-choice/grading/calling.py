"""Checks on calls: exact round trips into a fresh process, and hostile input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from random import Random
from typing import Any

import bombs
import call_records
from call_records import Record
from exactness import difference, shown
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from replies import (
    AT_ONCE_BYTES,
    Subject,
    demand_nothing_beside,
    demand_raised,
    gave,
    items,
    portions,
    raised,
    survived,
)

from harness.outcome import Finished

EXAMPLES = 250
SPOILT_CALLS = 30
SEALED_CALLS = 3
FAR_TOO_DEEP = (300, 2_000, 100_000)
"""Lists in lists: more than a packer allows, more than Python can nest calls, and many times that."""

MEMORY_MOST_MB = 48.0
"""What decoding hostile input may add to the peak: the input itself is a few MiB."""

CALL_MOST_BYTES = 2**20
"""Nobody gives `decode_call` more."""

USUAL_MOST_BYTES = 4096
"""Some thirty times what is in a usual call."""

LARGE_POWERS = (8, 18)
"""Powers of two of the bytes that larger calls have."""

LONGER_POWERS = (8, 11, 12, 13, 15)
"""Powers of two of the bytes that are added to calls which are extreme in another way."""

LULLED_BY, LULLED = 25_000, 80
"""Good calls before each of so many hostile ones: who checks less when all went well for long is found out.

More calls than a bar has one process decode. Each hostile one takes seconds in all, so those are drawn that are likely
to be taken for good: refused changes of a byte of which another change gives a valid call.
"""

LULL_SEC = 120.0

FEW_BYTES = 2 * 2**20
"""What waits to be decoded needs memory too."""

LONG_NAMES = 160
"""Calls of which each has three other names of a third of a MiB: to keep one of them each is more than is allowed."""


def drawn(strategy: SearchStrategy[Any], count: int, seed_: int, visit: Callable[[object], None]) -> None:
    """Let Hypothesis draw examples and shrink the first that `visit` complains of, by an AssertionError."""

    @seed(seed_)
    @settings(
        max_examples=count,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(example=strategy)
    def look(example: object) -> None:
        visit(example)

    look()


def demand_round_trip(submission: Subject, rng: Random) -> None:
    """Encode in one process, decode in that one and in another."""
    kept: list[tuple[Record, bytes]] = []

    def visit(call: object) -> None:
        blob = _encoded(submission, [call])[0]
        answer = items(submission.value("decode_calls", [blob]), 1, "decode_call")[0]
        _demand_same(answer, call)
        kept.append((call, blob))  # type: ignore[arg-type]

    extremes = call_records.extremes()
    kept += zip(extremes, _encoded(submission, extremes), strict=True)
    longer = [call_records.longer(rng, call, 2 ** (rng.choice(LONGER_POWERS) + rng.random())) for call in extremes]
    kept += zip(longer, _encoded(submission, longer), strict=True)
    sharing = call_records.with_equal_lists()
    answers = items(submission.value("encode_shared_calls", sharing), len(sharing), "encode_call")
    for call, answer in zip(sharing, answers, strict=True):
        kept.append((call, _bytes(gave(answer, f"encode_call of {shown(call)}, in which equal lists are one list"))))
    drawn(call_records.calls, EXAMPLES, rng.getrandbits(32), visit)
    too_deep = call_records.too_deep()
    too_deep += [call_records.longer(rng, call, 2 ** rng.choice(LONGER_POWERS)) for call in too_deep]
    usual = extremes[0]
    in_turn = [call for each in too_deep for call in (each, usual)]
    answers = items(submission.value("encode_calls", in_turn), len(in_turn), "encode_call")
    for call, answer, after in zip(too_deep, answers[::2], answers[1::2], strict=True):
        what = (
            f"encode_call of a value in more than {call_records.DEPTH_MOST} lists, {shown(call['args'][-1]['value'])}"
        )
        demand_raised(answer, "format", what)
        kept.append((usual, _bytes(gave(after, f"encode_call just after {what}, which was refused"))))
    for depth, answer in zip(FAR_TOO_DEEP, _encoded_deep(submission), strict=True):
        demand_raised(answer, "format", f"encode_call of a value in {depth} lists")
    kept += zip(extremes, _encoded(submission, extremes), strict=True)  # what was refused changes nothing
    submission.restart()
    for portion in portions(kept):
        blobs = [blob for _, blob in portion]
        answers = items(submission.value("decode_calls", blobs), len(portion), "decode_call")
        again = items(submission.value("decode_calls_twice", blobs), len(portion), "decode_call")
        for (call, _), answer, another in zip(portion, answers, again, strict=True):
            _demand_same(answer, call, "in a fresh process, ")
            _demand_same(another, call, "when what decode_call gave the first time was changed by its owner, ")
    demand_nothing_beside(submission, set())


def demand_hostile_input_is_refused(submission: Subject, rng: Random) -> None:
    """Feed what was cut, lengthened, changed or is something else; every answer is a FormatError or a valid call."""
    calls = [call_records.plain(rng) for _ in range(SPOILT_CALLS)]
    blobs = _encoded(submission, calls)
    longest = max(map(len, blobs))
    assert longest <= USUAL_MOST_BYTES, f"a usual call takes {longest} bytes; {USUAL_MOST_BYTES} are allowed"
    limits = _encoded(submission, call_records.at_limits())
    small = _encoded(submission, [call_records.small(rng) for _ in range(SPOILT_CALLS)])
    large = _encoded(submission, [call_records.large(rng, 2 ** (n + rng.random())) for n in range(*LARGE_POWERS)])
    empty = [call_records.nested(call_records.DEPTH_MOST - 1, each) for each in (*call_records.EMPTY, [])]
    marks = bombs.told_apart(_encoded(submission, empty))
    names = call_records.long_names(rng)
    [named] = _encoded(submission, [call_records.named(rng, names)])
    nearly_calls = _encoded_though_no_calls(submission, rng)
    submission.restart()
    before = submission.stats().memory_mb
    _feed(submission, bombs.cut(blobs, rng), "input that is cut short", must_raise=True)
    _feed(submission, bombs.lengthened(blobs, rng), "input with something behind it", must_raise=True)
    _feed(submission, bombs.clipped(large, rng), "a large call, cut or with something behind it", must_raise=True)
    renamed = bombs.renamed(named, names, LONG_NAMES, rng)
    _feed(submission, renamed, "a call with something behind it", must_raise=True, most_bytes=FEW_BYTES)
    _feed(submission, nearly_calls, "what encode_call made of what is no call", must_raise=False)
    _feed(submission, bombs.foreign(), "input of another format", must_raise=False)
    _feed(submission, bombs.changed(blobs, rng), "input with changed bytes", must_raise=False)
    nearly_good = _feed_by_place(submission, list(bombs.changed_by_place(limits, marks)))
    _feed(submission, bombs.resealed([*blobs[:SEALED_CALLS], *limits]), "a call that was changed", must_raise=False)
    _feed_after_good_ones(submission, small, nearly_good, rng)
    peak = submission.stats().memory_peak_mb
    if before is not None and peak is not None:
        assert peak - before <= MEMORY_MOST_MB, (
            f"hostile calls of at most 1 MiB made memory grow by {peak - before:.0f} MiB; "
            f"{MEMORY_MOST_MB:.0f} are allowed"
        )
    demand_nothing_beside(submission, set())


def _encoded_though_no_calls(submission: Subject, rng: Random) -> list[tuple[str, bytes]]:
    """Have encoded what is no call, where that gives anything: only the submission itself knows how to seal it.

    `encode_call` need not notice, and may do with it what it likes.
    """
    found = []
    for call in call_records.no_calls(rng):
        outcome = submission.call("encode_calls", [call])
        if not isinstance(outcome, Finished):
            submission.restart()
        elif raised(answer := items(outcome.value, 1, "encode_call")[0]) is None:
            blob = gave(answer, "encode_call")
            found += [(f"of {shown(call)}", blob)] if isinstance(blob, bytes) else []
    return found


def _feed_by_place(submission: Subject, places: list[list[tuple[str, bytes]]]) -> list[tuple[str, bytes]]:
    """Feed all changes of each byte; give those that were refused at bytes where another was not, or else all."""
    refused = iter(_feed(submission, chain(*places), "a call at the limits with a changed byte", must_raise=False))
    told = [[(each, next(refused)) for each in place] for place in places]
    mixed = (place for place in told if not all(was_refused for _, was_refused in place))
    nearly_good = [each for place in mixed for each, was_refused in place if was_refused]
    return nearly_good if len(nearly_good) >= LULLED else [each for place in places for each in place]


def _feed(
    submission: Subject,
    spoilt: Iterable[tuple[str, bytes]],
    what: str,
    must_raise: bool,
    most_bytes: int = AT_ONCE_BYTES,
) -> list[bool]:
    """Feed hostile input, so much at once; tells of each whether it was refused."""
    refused = []
    for part in portions(spoilt, most_bytes):
        outcome = submission.call("decode_calls", [data for _, data in part])
        answers = items(survived(outcome, f"decode_call, {what}"), len(part), what)
        for (how, data), answer in zip(part, answers, strict=True):
            _demand_refused(answer, f"decode_call, {what} ({how}, {len(data)} bytes)", must_raise)
            refused.append(raised(answer) is not None)
    return refused


def _feed_after_good_ones(submission: Subject, good: list[bytes], spoilt: list[tuple[str, bytes]], rng: Random) -> None:
    chosen = rng.sample(spoilt, min(LULLED, len(spoilt)))
    what = f"after {LULLED_BY} good calls, a call at the limits with a changed byte"
    outcome = submission.call("decode_calls_after", good, LULLED_BY, [data for _, data in chosen], timeout_sec=LULL_SEC)
    answers = items(survived(outcome, f"decode_call, {what}"), len(chosen), what)
    for (how, data), answer in zip(chosen, answers, strict=True):
        _demand_refused(answer, f"decode_call, {what} ({how}, {len(data)} bytes)", must_raise=False)


def _demand_refused(answer: object, what: str, must_raise: bool) -> None:
    if must_raise or raised(answer) is not None:
        demand_raised(answer, "format", what)
        return
    complaint = call_records.complaint(gave(answer, what))
    assert complaint is None, (
        f"{what}: it must give a valid call or raise FormatError, and gave no valid one: {complaint}"
    )


def _encoded(submission: Subject, calls: list[object] | list[Record]) -> list[bytes]:
    answers = items(submission.value("encode_calls", calls), len(calls), "encode_call")
    blobs = []
    for call, answer in zip(calls, answers, strict=True):
        blobs.append(_bytes(gave(answer, f"encode_call of {shown(call)}")))
    return blobs


def _bytes(blob: object) -> bytes:
    assert isinstance(blob, bytes), f"encode_call must return bytes, and returned {shown(blob)}"
    assert len(blob) <= CALL_MOST_BYTES, f"a call takes {len(blob)} bytes, and decode_call is given 1 MiB at most"
    return blob


def _encoded_deep(submission: Subject) -> list[object]:
    what = f"encode_call of values in up to {FAR_TOO_DEEP[-1]} lists"
    outcome = submission.call("encode_deep_calls", call_records.plain(Random(7)), list(FAR_TOO_DEEP))
    return items(survived(outcome, what), len(FAR_TOO_DEEP), what)


def _demand_same(answer: object, call: object, where: str = "") -> None:
    found = difference(gave(answer, f"{where}decode_call of {shown(call)}"), call)
    assert found is None, f"{where}a call does not come back as it was: {found}"
