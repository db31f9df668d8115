"""Say what makes evidence unbelievable: numbers that are none, intervals that miss their estimate, ids nobody declared.

Unsound evidence is our failure (the grader role writes it), so what rests on it is an error, never a pass or a fail.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator

from pydantic import BaseModel

from grader.challenge import Challenge
from grader.evidence import BarEvidence, BarStatus, Evidence, Interval


def interval_fault(interval: Interval) -> str | None:
    """Say what is wrong with an interval of ratios, or None."""
    numbers = (interval.estimate, interval.low, interval.high, interval.confidence)
    if not all(math.isfinite(number) for number in numbers):
        return "its interval is not finite"
    if interval.low <= 0:
        return "its interval reaches zero or below, which no ratio can"
    if not interval.low <= interval.estimate <= interval.high:
        return "its interval does not contain its estimate"
    if not 0 < interval.confidence < 1:
        return "its interval has no confidence between 0 and 1"
    return None


def bar_fault(evidence: BarEvidence) -> str | None:
    """Say what is wrong with a bar that claims to be measured, or None."""
    if evidence.status is not BarStatus.MEASURED:
        return None
    if evidence.ratio is None or evidence.noise is None:
        return "it is called measured but has no ratio or no noise"
    if not (math.isfinite(evidence.noise) and evidence.noise >= 0):
        return "its noise is no finite number from 0 up"
    return interval_fault(evidence.ratio) or samples_fault(evidence)


def samples_fault(evidence: BarEvidence) -> str | None:
    """Say what is wrong with a bar's raw samples, or None."""
    if not evidence.launches or not all(evidence.launches):
        return "it is called measured but has no samples, or a launch without any"
    shapes = {tuple(map(len, samples)) for samples in (evidence.launches, evidence.candidate, evidence.reference)}
    if len(shapes) != 1:
        return "its ratios and samples are not of one shape"
    if not all(math.isfinite(ratio) and ratio > 0 for launch in evidence.launches for ratio in launch):
        return "a ratio among its samples is no finite number above 0"
    both = [*evidence.candidate, *evidence.reference]
    if not all(math.isfinite(sample) and sample >= 0 for launch in both for sample in launch):
        return "a sample is no finite number from 0 up"
    return None


def id_faults(challenge: Challenge, evidence: Evidence) -> list[str]:
    """Say which ids of the evidence the challenge does not have, and which are there twice.

    A missing id is no fault of the whole: it is the missing check's or bar's.
    """
    checks = {check.id for check in challenge.checks}
    bars = {bar.id for bar in challenge.bars}
    return [
        *_strays("check", checks, [check.id for check in evidence.checks]),
        *_strays("bar", bars, [bar.id for bar in evidence.bars]),
    ]


def _strays(noun: str, declared: Collection[str], reported: list[str]) -> Iterator[str]:
    for id_, times in Counter(reported).items():
        if id_ not in declared:
            yield f"the grader reported a {noun} {id_!r} that the challenge does not have"
        elif times > 1:
            yield f"the grader reported the {noun} {id_!r} {times} times"


def control_fault(challenge: Challenge, evidence: Evidence) -> str | None:
    """Say what is wrong with the control, or None; a control that was not run is not wrong."""
    if evidence.control is None:
        return None
    if evidence.control.bar not in {bar.id for bar in challenge.bars}:
        return f"the control was run on {evidence.control.bar!r}, which the challenge does not have"
    fault = interval_fault(evidence.control.ratio)
    return None if fault is None else f"the control cannot be believed: {fault}"


def number_faults(evidence: Evidence) -> list[str]:
    """List every number outside bars and control that is not finite; those are judged on their own."""
    rest = evidence.model_copy(update={"bars": [], "control": None})
    durations = {f"bars.{bar.id}.duration_sec": bar.duration_sec for bar in evidence.bars}
    return [
        f"{place} is not a finite number" for place in (*_infinite(rest.model_dump(), ""), *_infinite(durations, ""))
    ]


def _infinite(value: object, place: str) -> Iterator[str]:
    match value:
        case float() if not math.isfinite(value):
            yield place
        case dict():
            for key, item in value.items():
                yield from _infinite(item, f"{place}.{key}".removeprefix("."))
        case list():
            for index, item in enumerate(value):
                yield from _infinite(item, f"{place}[{index}]")
        case _:
            pass


def believable(evidence: BarEvidence) -> BarEvidence:
    """Keep of a bar without a sound measurement what can be told all the same: no ratio, and samples only if sound."""
    samples = ("unit", "launches", "candidate", "reference", "voided_rounds")
    kept = {"id", "status", "message", *(samples if samples_fault(evidence) is None else ())}
    duration_sec = evidence.duration_sec if math.isfinite(evidence.duration_sec) else 0.0
    return BarEvidence(duration_sec=duration_sec, **evidence.model_dump(include=kept))


def finite(model: BaseModel) -> dict[str, object]:
    """Give a model's values with 0 for every number that is not finite, so that the rest can still be told."""
    cleaned = _cleaned(model.model_dump())
    assert isinstance(cleaned, dict)
    return cleaned


def _cleaned(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else 0.0
        case dict():
            return {key: _cleaned(item) for key, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value
