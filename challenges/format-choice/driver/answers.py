"""How a call into the submission is answered: what it gave or raised, packed where that costs less than to send it."""

import msgpack
import solution


def answered(function, *arguments):
    """Call, and tell what it gave or which of the promised faults it raised."""
    try:
        return ["gave", function(*arguments)]
    except solution.FormatError as fault:
        return ["raised", "format", str(fault)[:200]]
    except KeyError as fault:
        return ["raised", "key", str(fault)[:200]]
    except FileNotFoundError as fault:
        return ["raised", "missing", str(fault)[:200]]
    except Exception as fault:  # noqa: BLE001  whatever it raises is its answer
        return ["raised", "other", f"{type(fault).__name__}: {fault}"[:200]]


def nothing_of(function):
    """Make a call that gives nothing, whatever `function` gives."""

    def call(*arguments):
        function(*arguments)

    return call


class OneInTwoPlaces(Exception):
    """What a function gives holds one list, or dict, in two places: who changes one of them changes both."""


def again(function, *arguments):
    """Call, change all that can be changed in what it gives, as whoever it was given to may, and call once more."""
    given = function(*arguments)
    _demand_apart(given, set())
    _spoil(given)
    return function(*arguments)


def _demand_apart(value, seen):
    if isinstance(value, (dict, list)):
        if id(value) in seen:
            raise OneInTwoPlaces(repr(value)[:100])
        seen.add(id(value))
        for each in value.values() if isinstance(value, dict) else value:
            _demand_apart(each, seen)


def _spoil(value):
    if isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            _spoil(each)
        value.clear()


def packed(value):
    """Pack an answer of plain values; others, subclasses too, are refused."""
    return msgpack.packb(value, strict_types=True)
