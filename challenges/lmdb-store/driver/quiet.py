"""The garbage collector: off while something is timed, and just as often while nothing is, so that it tells nothing."""

import functools
import gc
import itertools


def quiet(function):
    """Keep the garbage collector out of every call."""

    @functools.wraps(function)
    def without(*args):
        gc.disable()
        try:
            return function(*args)
        finally:
            gc.enable()

    return without


def now_and_then_quiet(function):
    """Keep the garbage collector out of every second call."""
    both = itertools.cycle((quiet(function), function))

    @functools.wraps(function)
    def now_and_then(*args):
        return next(both)(*args)

    return now_and_then
