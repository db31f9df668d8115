"""What an honest worker makes of a call: the value, the exception, and what was printed."""

import re

import pytest

from harness.outcome import Finished, Outcome, Raised
from harness.wire.messages import TEXT_CHARS

VALUES = """
from solution import double
def twice(number): return double(number)
def echo(*args): return args
def nothing(): pass
"""


def raised(outcome: Outcome) -> Raised:
    """Take the outcome for a raised one."""
    assert isinstance(outcome, Raised), outcome
    return outcome


def test_the_driver_calls_the_submission(start_worker):
    channel = start_worker(VALUES, "def double(number): return 2 * number").channel
    assert channel.call("", timeout_sec=10) == Finished(None)
    assert channel.call("twice", 21, timeout_sec=10) == Finished(42)
    assert channel.call("nothing", timeout_sec=10) == Finished(None)


def test_every_plain_type_makes_the_round_trip(start_worker):
    channel = start_worker(VALUES, "double = None").channel
    plain = [None, True, 0, -(2**63), 2**64, 1.5, "tëxt", b"\x00\xff", [1, [2]], {"a": {"b": []}}, {1: 2, None: 3}]
    assert channel.call("echo", *plain, timeout_sec=10) == Finished(plain)
    content = bytes(range(256)) * 20_000
    for _ in range(3):
        assert channel.call("echo", content, timeout_sec=10) == Finished([content])


FAILURES = """
import sys
class Odd(Exception):
    class Inner(Exception): pass
def key(): raise KeyError("k")
def own(): raise Odd.Inner("mine")
def silent(): raise ValueError
def huge(): raise ValueError("x" * 10_000_000)
def surrogate(): raise ValueError("\\ud800")
def unprintable():
    class Unprintable(Exception):
        def __str__(self): raise RuntimeError("no")
    raise Unprintable
def exits_when_printed():
    class Exiting(Exception):
        def __str__(self): sys.exit(3)
    raise Exiting
def lying_name():
    class Meta(type):
        def __getattribute__(cls, name): raise MemoryError
    class Lying(Exception, metaclass=Meta): pass
    raise Lying
def lazy_message():
    class Lazy(str):
        def encode(self, *args): return b"lie"
    class Fault(Exception):
        def __str__(self): return Lazy("truth")
    raise Fault
def leaves(): sys.exit(0)
def interrupted(): raise KeyboardInterrupt
def stopped(): raise GeneratorExit
def deep(): return deep()
def nested(n=0):
    try: 1 / 0
    except ZeroDivisionError: raise LookupError("outer")
"""

FAILURE_TABLE = [
    ("key", "KeyError", "'k'"),
    ("own", "driver.Odd.Inner", "mine"),
    ("silent", "ValueError", ""),
    ("surrogate", "ValueError", "\\ud800"),
    ("unprintable", "driver.unprintable.<locals>.Unprintable", "<RuntimeError while it was printed>"),
    ("exits_when_printed", "driver.exits_when_printed.<locals>.Exiting", "<SystemExit while it was printed>"),
    ("lazy_message", "driver.lazy_message.<locals>.Fault", "truth"),
    ("leaves", "SystemExit", "0"),
    ("interrupted", "KeyboardInterrupt", ""),
    ("stopped", "GeneratorExit", ""),
    ("nested", "LookupError", "outer"),
]


def test_every_exception_is_an_answer_and_the_worker_works_on(start_worker):
    channel = start_worker(FAILURES).channel
    for function, type_name, message in FAILURE_TABLE:
        outcome = raised(channel.call(function, timeout_sec=10))
        assert (outcome.type_name, outcome.message) == (type_name, message)
    assert channel.call("", timeout_sec=10) == Finished(None)


def test_texts_are_capped(start_worker):
    channel = start_worker(FAILURES).channel
    huge = raised(channel.call("huge", timeout_sec=10))
    assert len(huge.message) == TEXT_CHARS
    assert huge.message.startswith("xxx")
    assert len(huge.traceback) == TEXT_CHARS
    assert raised(channel.call("lying_name", timeout_sec=10)).type_name == "<MemoryError while it was printed>"


def test_endless_recursion_is_an_answer(start_worker):
    outcome = raised(start_worker(FAILURES).channel.call("deep", timeout_sec=10))
    assert outcome.type_name == "RecursionError"
    assert outcome.traceback.rstrip().endswith("maximum recursion depth exceeded")


def test_the_traceback_shows_the_submission_and_not_the_worker(start_worker):
    channel = start_worker("from solution import f\ndef g(): f()", "def f():\n    return [][1]").channel
    outcome = raised(channel.call("g", timeout_sec=10))
    assert "return [][1]" in outcome.traceback
    assert "harness" not in outcome.traceback


NOT_PLAIN = """
import enum
class Text(str): pass
class Int(int): pass
class List(list): pass
class Dict(dict): pass
class Bytes(bytes): pass
class Float(float): pass
def text(): return Text("a")
def number(): return Int(1)
def items(): return List([1])
def mapping(): return Dict(a=1)
def content(): return Bytes(b"a")
def decimal(): return Float(1)
def inside(): return {"a": [1, (2, Text("b"))]}
def key(): return {Text("a"): 1}
def generator(): return (i for i in range(3))
def unicode(): return "\\ud800"
def endless():
    loop = []
    loop.append(loop)
    return loop
def large(): return bytes(65 * 1024 * 1024)
def lying(_):
    class Meta(type):
        def __getattribute__(cls, name): raise RuntimeError(name)
    class Lying(metaclass=Meta): pass
    return Lying()
"""


@pytest.mark.parametrize("function", re.findall(r"def (\w+)\(\):", NOT_PLAIN))
def test_a_value_that_is_not_plain_is_refused_where_it_is_made(start_worker, function):
    channel = start_worker(NOT_PLAIN).channel
    assert raised(channel.call(function, timeout_sec=10)).type_name == "EncodeError"
    assert not channel.broken


def test_a_value_that_fights_being_looked_at_is_only_an_exception(start_worker):
    channel = start_worker(NOT_PLAIN).channel
    assert raised(channel.call("lying", 0, timeout_sec=10)).type_name == "RuntimeError"
    assert not channel.broken


PRINTING = """
import os, sys
def both(): print("out"); print("err", file=sys.stderr); sys.stdout.buffer.write(b"raw")
def much():
    for number in range(100_000): print("line", number)
def wide(): print("ä" * 10_000)
def fails(): print("before"); raise ValueError
def unsendable(): print("before"); return object()
def closes(): sys.stdout.close()
def quiet(): pass
def odd(): print("\\ud800")
"""


def test_output_travels_with_the_reply_it_belongs_to(start_worker):
    channel = start_worker(PRINTING).channel
    assert channel.call("both", timeout_sec=10) == Finished(None, "out\nerr\nraw")
    assert channel.call("quiet", timeout_sec=10) == Finished(None, "")
    assert raised(channel.call("fails", timeout_sec=10)).output == "before\n"
    assert raised(channel.call("unsendable", timeout_sec=10)).output == "before\n"
    assert channel.call("odd", timeout_sec=10) == Finished(None, "\\ud800\n")
    assert channel.call("closes", timeout_sec=10) == Finished(None, "")
    assert raised(channel.call("both", timeout_sec=10)).type_name == "ValueError"
    assert channel.call("quiet", timeout_sec=10) == Finished(None, "")


def test_output_is_capped_to_its_end(start_worker):
    channel = start_worker(PRINTING).channel
    outcome = channel.call("much", timeout_sec=30)
    assert isinstance(outcome, Finished)
    assert len(outcome.output) == TEXT_CHARS
    assert outcome.output.endswith("line 99999\n")
    outcome = channel.call("wide", timeout_sec=10)
    assert isinstance(outcome, Finished)
    assert len(outcome.output) <= TEXT_CHARS
    assert outcome.output.endswith("ää\n")
