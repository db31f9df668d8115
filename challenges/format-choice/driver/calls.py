"""Calls, which are plain data and travel as such: each by itself, or many of them against the clock."""

import gc

import numpy as np
import solution

from .answers import again, answered, packed
from .held import held


def encode_calls(calls):
    """Encode each call."""
    return [answered(solution.encode_call, call) for call in calls]


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


def hold_calls(calls):
    """Hold the calls that are encoded later, with other numbers."""
    held["calls"] = calls
    gc.collect()


def timed_encode_calls(raw_numbers):
    """Encode the held calls, each with a fresh number."""
    encode, calls = solution.encode_call, held["calls"]
    blobs = []
    for call, number in zip(calls, np.frombuffer(raw_numbers, np.uint64).tolist(), strict=True):
        call["id"] = number
        blobs.append(encode(call))
    return blobs


def timed_decode_calls(blobs):
    """Decode calls; the answer is packed, which costs less than to send it."""
    return packed(list(map(solution.decode_call, blobs)))


def timed_encode_few(first, raw_numbers):
    """Encode a few of the held calls, each with a fresh number."""
    encode = solution.encode_call
    numbers = np.frombuffer(raw_numbers, np.uint64).tolist()
    calls = held["calls"][first : first + len(numbers)]
    for call, number in zip(calls, numbers, strict=True):
        call["id"] = number
    return list(map(encode, calls))
