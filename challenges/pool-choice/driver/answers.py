"""What `run` returned, as plain data."""

from array import array

import solution

from .functions import Aloof, Handle


def told(results):
    if type(results) is not list:
        return ["not a list", type(results).__name__]
    return ["list", [_entry(result) for result in results]]


def _entry(result):
    if isinstance(result, solution.Failed):
        return _failure(result.error)
    if isinstance(result, Handle):
        return ["handle", result.number]
    if isinstance(result, Aloof):
        return ["aloof", result.number]
    if isinstance(result, BaseException):
        return ["exception as a result", f"{type(result).__name__}: {result}"]
    return ["result", result]


def _failure(error):
    if isinstance(error, solution.WorkerDied):
        return ["died", str(error)]
    if not isinstance(error, BaseException):
        return ["failed without an exception", type(error).__name__]
    args = [arg if type(arg) in (int, str) else "?" for arg in getattr(error, "args", ())]
    return ["failed", type(error).__name__, args, str(error)]


def packed(results):
    if type(results) is list and all(type(result) is int for result in results):
        try:
            return array("Q", results).tobytes()
        except OverflowError:
            pass
    return told(results)
