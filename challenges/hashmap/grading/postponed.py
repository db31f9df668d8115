"""Done is done: after many changes of a map, the first look at it takes no more work than the looks after it.

Work is counted in steps of the interpreter, which no machine's load changes.
"""

from itertools import product
from random import Random
from typing import Any

from keys import distinct, raw
from large import Subject, ask

CHANGES = {
    "set": "changes by m[key] = value",
    "setdefault": "changes by setdefault",
    "update": "changes by update",
    "del": "changes by del m[key]",
    "pop": "changes by pop",
    "copy": "entries came by copy()",
    "HashMap(pairs)": "entries came by HashMap(pairs)",
    "HashMap(m)": "entries came by HashMap(m)",
}
"""Ways to change a map or make another, by the driver's names for them, as a candidate writes them."""

LOOKS = ("key in m", "m[key]", "m.get(key)", "len(m)")

ENTRIES = (1_500, 2_500)
"""How many: a secret number in between."""

SHARE = 4
"""The first look may take this many times the steps of the others: chains differ in length."""

STEPS_ALLOWED = 2
"""And this many steps beyond, for each change: work that was put off takes more than ten, a rest of a rebuild that
each operation carries on with takes far less."""


def demand_nothing_postponed(submission: Subject, rng: Random) -> None:
    """Change maps in every way, and look in every way."""
    for change, look in product(CHANGES, LOOKS):
        keys = distinct(rng, rng.randint(*ENTRIES))
        doing = f"looking at a map by `{look}` after {len(keys)} {CHANGES[change]}"
        answer: Any = ask(submission, doing, "postponed", raw(keys), change, look)
        first, *others = answer
        allowed = SHARE * max(others) + STEPS_ALLOWED * len(keys)
        assert first <= allowed, (
            f"{doing}: the first look takes {first} steps of the interpreter, those after it at most {max(others)}; "
            "so changes leave work to be done by whoever looks"
        )
