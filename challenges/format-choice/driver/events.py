"""Events, which are plain data and travel as such: a segment, a whole log, and one of each against the clock."""

import gc

import numpy as np
import solution

from .answers import again, answered, packed
from .held import held


def encode_events(version, events):
    """Encode one segment."""
    return answered(solution.encode_events, version, events)


def decode_events(version, data):
    """Decode a log."""
    return answered(solution.decode_events, version, data)


def decode_logs(version, logs):
    """Decode each log."""
    return [answered(solution.decode_events, version, log) for log in logs]


def decode_twice(version, log):
    """Decode a log, change what comes of it, and decode it once more."""
    return answered(again, solution.decode_events, version, log)


def hold_events(events):
    """Hold the events that are encoded later, with other numbers."""
    held["events"] = events
    gc.collect()


def timed_encode_events(version, raw_numbers):
    """Encode the held events as one segment, each with a fresh number."""
    events = held["events"]
    for event, number in zip(events, np.frombuffer(raw_numbers, np.int64).tolist(), strict=True):
        event["id"] = number
    return solution.encode_events(version, events)


def timed_decode_events(version, data):
    """Decode a log; `unknown` is left out of the answer."""
    events = solution.decode_events(version, data)
    for event in events:
        event.pop("unknown", None)
    return packed(events)
