"""Calls as pickles."""

import pickle

from faults import FormatError


def _depth(value):
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def encode_call(call):
    """Encode one call."""
    if any(_depth(argument["value"]) > 16 for argument in call["args"]):
        raise FormatError("nested too deeply")
    return pickle.dumps(call, 5)


def decode_call(data):
    """Decode one call."""
    try:
        return pickle.loads(data)
    except Exception as error:
        raise FormatError(str(error)) from error
