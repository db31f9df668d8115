"""Logs that were cut or changed, of all sizes and of both versions: each raises `FormatError`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import event_records
from damage import flipped, somewhere
from event_records import Record
from eventing import POWERS, about, demand_reads, encoded
from replies import Subject, demand_raised, items, portions, survived

FLIPS, CUTS = 250, 150

SOME_FLIPS, SOME_CUTS = 20, 10
"""Of each of the logs of so many sizes."""

LONG_EVENTS, LONG_BYTES = 40, (25_000, 40_000)
"""Events with a long text: so many random bytes, as hexadecimal digits, so that no format packs it into less."""


def demand_damage_is_seen(submission: Subject, rng: Random) -> None:
    """Cut logs of all sizes, flip their bits, leave out or double parts of them, and read them in another process."""
    logs = [_log(submission, [(2, 25), (2, 15)], rng)]
    for power in range(POWERS):
        parts = [(rng.randint(1, 2), about(power, rng)), (rng.randint(1, 2), rng.randrange(2**power + 1))]
        logs.append(_log(submission, rng.sample(parts, 2), rng))
    logs.append(_long_log(submission, rng))
    submission.restart()
    for number, log in enumerate(logs):
        _demand_spoilt_logs_are_refused(submission, log, (FLIPS, CUTS) if number == 0 else (SOME_FLIPS, SOME_CUTS), rng)


@dataclass(frozen=True)
class Log:
    """Two segments, and the events of each with the version that wrote them."""

    segments: list[bytes]
    events: list[tuple[int, list[Record]]]

    def seen_by(self, reader: int) -> list[Record]:
        """Say what a version reads."""
        several = [(version, event) for version, events in self.events for event in events]
        return [e if version == reader else event_records.read_by_other(version, e) for version, e in several]


def _log(submission: Subject, parts: list[tuple[int, int]], rng: Random) -> Log:
    """Have a log of two segments written, each of a version and so many events."""
    return _written(submission, [(version, event_records.stream(rng, version, count)) for version, count in parts])


def _long_log(submission: Subject, rng: Random) -> Log:
    """Have a log of two segments written, one of which has millions of bytes in few events."""
    several = [(version, event_records.stream(rng, version, LONG_EVENTS)) for version in rng.sample((1, 2), 2)]
    version, events = several[rng.randrange(2)]
    texts = [rng.randbytes(rng.randint(*LONG_BYTES)).hex() for _ in events]
    for event, text in zip(events, texts, strict=True):
        event["user" if version == 1 else "account"] = text
    return _written(submission, several, sum(map(len, texts)))


def _written(submission: Subject, several: list[tuple[int, list[Record]]], long_texts: int = 0) -> Log:
    return Log([encoded(submission, version, events, long_texts) for version, events in several], several)


def _demand_spoilt_logs_are_refused(submission: Subject, log: Log, counts: tuple[int, int], rng: Random) -> None:
    whole = b"".join(log.segments)
    spoilt = list(_spoilt(whole, len(log.segments[0]), *counts, rng))
    for version in (1, 2):
        for portion in portions(spoilt):
            outcome = submission.call("decode_logs", version, [data for _, data in portion])
            answers = items(survived(outcome, "decode_events of a damaged log"), len(portion), "decode_events")
            for (how, _), answer in zip(portion, answers, strict=True):
                demand_raised(answer, "format", f"decode_events({version}, a log {how})")
        demand_reads(submission, version, whole, log.seen_by(version), "the same log undamaged")


def _spoilt(log: bytes, between: int, flips: int, cuts: int, rng: Random) -> Iterator[tuple[str, bytes]]:
    for length in _sampled(rng, len(log), cuts):
        if length not in {0, between}:
            yield f"cut to {length} of {len(log)} bytes", log[:length]
    for _ in range(flips):
        offset, bit = somewhere(rng, len(log)), rng.randrange(8)
        yield f"of {len(log)} bytes with bit {bit} of byte {offset} flipped", flipped(log, offset, 1 << bit)
    for _ in range(flips // 10):
        offset, length = rng.randrange(len(log)), rng.randrange(4, 9)
        swapped = log[:offset] + rng.randbytes(length) + log[offset + length :]
        if swapped != log:
            yield f"of {len(log)} bytes with {length} other bytes at {offset}", swapped
    yield "followed by noise", log + rng.randbytes(12)
    yield "followed by zeros", log + b"\0" * 64
    yield "that is noise", rng.randbytes(300)
    yield "that is text", b"id,at,kind\n1,2,view\n"


def _sampled(rng: Random, length: int, count: int) -> list[int]:
    return sorted({1, length - 1, *(rng.randrange(1, length) for _ in range(count))})
