"""Calls, which are plain data and travel as such: each by itself, or many of them against the clock."""

import solution

from .answers import again, answered, packed
from .held import held


def encode_calls(calls):
    """Encode each call."""
    return [answered(solution.encode_call, call) for call in calls]


def encode_shared_calls(calls):
    """Encode each call, in which equal lists are one list in several places."""
    return [answered(solution.encode_call, _shared(call, {})) for call in calls]


def _shared(value, seen):
    if isinstance(value, dict):
        return {key: _shared(each, seen) for key, each in value.items()}
    return seen.setdefault(repr(value), [_shared(each, seen) for each in value]) if isinstance(value, list) else value


def encode_deep_calls(call, depths):
    """Encode a call with a value in so many lists, which are too many to send, for each number."""
    answers = []
    for depth in depths:
        value = "innermost"
        for _ in range(depth):
            value = [value]
        answers.append(answered(solution.encode_call, {**call, "args": [{"name": "deep", "value": value}]}))
    return answers


def decode_calls(blobs):
    """Decode each call."""
    return [answered(solution.decode_call, blob) for blob in blobs]


def decode_calls_twice(blobs):
    """Decode each call, change what comes of it, and decode it once more."""
    return [answered(again, solution.decode_call, blob) for blob in blobs]


def decode_calls_after(good, times, blobs):
    """Decode each call, each after so many good ones."""
    answers = []
    for blob in blobs:
        for number in range(times):
            solution.decode_call(good[number % len(good)])
        answers.append(answered(solution.decode_call, blob))
    return answers


def timed_encode_calls(first, count):
    """Encode so many of the held calls."""
    return list(map(solution.encode_call, held["values"][first : first + count]))


def timed_decode_calls(blobs):
    """Decode calls; the answer is packed, which costs less than to send it."""
    return packed(list(map(solution.decode_call, blobs)))
