"""What the socket of a subject that is started is called, at both ends. Pure.

A subject reads its socket's name, so that must not say which launch it is: checks are made in the first, and a
submission that knew itself to be in a later one would have to be right no more. Nor need it: those that are started
together have names of their own, and whoever came before has his connection.
"""

from collections import Counter
from collections.abc import Sequence

from harness.sandbox.roles import Side, Subject


def doors(subjects: Sequence[Subject]) -> dict[Subject, str]:
    """Name the sockets of those that are started together, each in its side's folder: `0.sock` for each side's first.

    >>> doors([Subject(Side.CANDIDATE, 7), Subject(Side.REFERENCE, 7)])[Subject(Side.CANDIDATE, 7)]
    '0.sock'
    """
    begun: Counter[Side] = Counter()
    named: dict[Subject, str] = {}
    for subject in subjects:
        named[subject] = f"{begun[subject.side]}.sock"
        begun[subject.side] += 1
    return named
