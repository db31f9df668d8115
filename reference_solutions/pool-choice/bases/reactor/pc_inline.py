"""Calling functions here: one item at a time, and many in the thread that called `run`.

An exception leads to the frames it came through, and these to their callers, which are ours. An item may return or raise one, so no
frame that a function is called from keeps a result in a local variable after it is through: such a result could never be dropped
without the garbage collector.
"""

import sys
from operator import length_hint

from pc_types import Failed

_cause = BaseException.__cause__.__get__
_context = BaseException.__context__.__get__
_parts = BaseExceptionGroup.exceptions.__get__


def detached(error, ambient=None):
    """The same exception, without the frames that it came through, and so are those that it came from.

    `ambient` is one that the caller of `run` is handling at the moment: it is his, and left as it is.
    """
    pending, seen = [error], set()
    while pending:
        link = pending.pop()
        if link is None or link is ambient or id(link) in seen:
            continue
        seen.add(id(link))
        BaseException.with_traceback(link, None)
        pending += (_cause(link), _context(link))
        if issubclass(type(link), BaseExceptionGroup):
            pending += _parts(link)
    return error


def attempt(function, item):
    """What the function answers, or a `Failed`."""
    try:
        return function(item)
    except BaseException as error:
        return Failed(detached(error))


def sweep(function, source, entries, ambient):
    """Append what the function answers for each item of an iterator of a list.

    The loop costs nothing for items that do not fail; after one that does, it goes on where it was.
    """
    total = length_hint(source)
    item = None
    while True:
        try:
            for item in source:
                entries.append(function(item))
            break
        except BaseException as error:
            if len(entries) == total - length_hint(source):
                raise  # not an item's: a signal's, between two of them
            entries.append(Failed(detached(error, ambient)))
    source = entries = item = None


class Sheet:
    """The entries of a batch all of whose stages run inline."""

    def __init__(self, items):
        self._items = items
        self._entries = None

    def fill(self, function, ambient):
        """Put everything that has not failed through one more stage."""
        if self._entries is None:
            self._entries = []
            sweep(function, iter(self._items), self._entries, ambient)
            return
        places = [place for place, entry in enumerate(self._entries) if type(entry) is not Failed]
        answers = []
        sweep(function, iter([self._entries[place] for place in places]), answers, ambient)
        for place in reversed(places):
            self._entries[place] = answers.pop()

    def take(self):
        """Hand the entries over, and keep none."""
        entries, self._entries = self._entries, None
        return entries


def run_inline(functions, items):
    """Run a batch in this thread, stage by stage."""
    ambient = sys.exc_info()[1]
    sheet = Sheet(items)
    for function in functions:
        sheet.fill(function, ambient)
    return sheet.take()
