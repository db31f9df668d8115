"""Read what the driver says a batch came to, as a hostile text, and hold it against what it should be."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from harness.outcome import Finished, Outcome, describe

SHOWN_CHARS = 200

EXCEPTION = "exception as a result"
"""The driver's word for it."""


@dataclass(frozen=True)
class Result:
    """The entry of an item that has a result."""

    value: object

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry; `None` when nothing is."""
        if entry[0] != "result":
            return f"it has a result, and the entry is {_shown(entry)}"
        if len(entry) != 2 or type(entry[1]) is not type(self.value) or entry[1] != self.value:
            return "its result is wrong"
        return None


@dataclass(frozen=True)
class Raises:
    """The entry of an item whose function raised; `exact` where the exception must be the original."""

    name: str
    args: tuple[object, ...]
    text: str
    exact: bool = True

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        wanted = f"it raised {self.name}"
        if len(entry) != 4 or entry[0] != "failed" or not isinstance(entry[3], str):
            return f"{wanted}, and the entry is {_shown(entry)} instead of a Failed with it"
        if entry[1] == self.name and (entry[3] == self.text or not self.exact):
            args = entry[2]
            if not self.exact or (isinstance(args, list) and tuple(args) == self.args):
                return None
            return f"{wanted}, whose args were lost: {_shown(args)}"
        if not self.exact and self.name in entry[3] and self.text in entry[3]:
            return None
        if self.exact:
            return f"{wanted}, and error is {_shown(entry[1:])}"
        return f"{wanted}, which does not survive pickling: str(error) must hold its class's name and message"


@dataclass(frozen=True)
class Died:
    """The entry of an item whose process ended."""

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        if entry[0] == "died":
            return None
        return f"its process ended, and the entry is {_shown(entry)} instead of Failed(WorkerDied(...))"


@dataclass(frozen=True)
class ResultOrDeath:
    """The entry of an item whose process ended soon after it."""

    value: object

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        return None if Died().complaint(entry) is None else Result(self.value).complaint(entry)


@dataclass(frozen=True)
class FailsSomehow:
    """The entry of an item that could not be pickled, or whose result could not."""

    what: str

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        if entry[0] == "failed":
            return None
        return f"its {self.what} does not pickle, and the entry is {_shown(entry)} instead of a Failed"


@dataclass(frozen=True)
class EitherWay:
    """The entry of an item whose result pickles and does not unpickle: a failure, or, had it not to, the result."""

    result: str

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        if entry[0] == "failed" or entry == [EXCEPTION, self.result]:
            return None
        return f"its result is an exception that does not unpickle, and the entry is {_shown(entry)}"


@dataclass(frozen=True)
class SpecialResult:
    """A result that the driver tells of by a word of its own."""

    word: str
    value: object

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        if entry == [self.word, self.value]:
            return None
        return f"it has a result ({self.word}), and the entry is {_shown(entry)}"


@dataclass(frozen=True)
class RunsIn:
    """The entry of an item that tells where it ran, for a plan of the first of `kinds`; the others are allowed."""

    kinds: tuple[str, ...]

    def complaint(self, entry: list[object]) -> str | None:
        """Say what is wrong with an entry."""
        if entry in [["result", kind] for kind in self.kinds]:
            return None
        places = {
            "inline": "in the thread that called run()",
            "threads": "on another thread of the process that called run()",
            "processes": "in another process",
        }
        ran = places.get(str(entry[1])) if entry[0] == "result" and len(entry) == 2 else None
        return f"its stage is planned as {self.kinds[0]}; " + (f"it ran {ran}" if ran else f"entry: {_shown(entry)}")


Expected = Result | Raises | Died | ResultOrDeath | FailsSomehow | EitherWay | SpecialResult | RunsIn


def finished(outcome: Outcome, title: str) -> object:
    """Give a call's answer; anything else is the submission's failure."""
    assert isinstance(outcome, Finished), f"{title}: run() {describe(outcome)}"
    return outcome.value


def first_failure(outcome: Outcome) -> str:
    """Say which entry is the first that is no result, as the end of a sentence; empty where none is."""
    match outcome:
        case Finished(["list", [*entries]]):
            failures = (
                f"; item {place} of {len(entries)} came to {_shown(entry)}"
                for place, entry in enumerate(entries)
                if isinstance(entry, list) and entry[:1] in (["died"], ["failed"])
            )
            return next(failures, "")
    return ""


def demand_entries(reply: object, expected: Sequence[Expected], title: str) -> None:
    """Hold every entry of a reply against what it should be."""
    entries = _entries(reply, title)
    assert len(entries) == len(expected), f"{title}: run() gave {len(entries)} entries for {len(expected)} items"
    for place, (entry, wanted) in enumerate(zip(entries, expected, strict=True)):
        complaint = wanted.complaint(entry)
        assert complaint is None, f"{title}: item {place} of {len(expected)}: {complaint}"


def demand_numbers(reply: object, expected: Sequence[int], title: str) -> None:
    """Hold a reply of packed numbers against what they should be; one told entry by entry says what it is instead."""
    if not isinstance(reply, bytes):
        demand_entries(reply, [Result(number) for number in expected], title)
    assert isinstance(reply, bytes), f"{title}: results are not plain ints"
    assert len(reply) == 8 * len(expected), f"{title}: run() gave {len(reply) // 8} entries for {len(expected)} items"
    if reply != array("Q", expected).tobytes():
        given = array("Q", reply)
        place = next(place for place, (mine, right) in enumerate(zip(given, expected, strict=True)) if mine != right)
        raise AssertionError(f"{title}: item {place} of {len(expected)}: its result is wrong")


def _entries(reply: object, title: str) -> list[list[object]]:
    assert isinstance(reply, list), f"{title}: there is no answer to read"
    assert len(reply) == 2, f"{title}: there is no answer to read"
    assert reply[0] != "not new", f"{title}: run() must return a new list, and returned {_shown(reply[1])}"
    assert reply[0] != "changed", f"{title}: run() must leave the batch as it is, and changed {_shown(reply[1])}"
    assert reply[0] == "list", f"{title}: run() must return a list, and returned {_shown(reply[1])}"
    entries = reply[1]
    assert isinstance(entries, list), f"{title}: there is no answer to read"
    assert all(isinstance(entry, list) and entry for entry in entries), f"{title}: there is no answer to read"
    return entries


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
