"""Events, which are plain data and travel as such: a segment, a whole log, and one of each against the clock."""

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


def timed_encode_events(version):
    """Encode the held events as one segment."""
    return solution.encode_events(version, held["values"])


def timed_decode_events(version, data):
    """Decode a log; `unknown` is left out of the answer."""
    events = solution.decode_events(version, data)
    for event in events:
        event.pop("unknown", None)
    return packed(events)
