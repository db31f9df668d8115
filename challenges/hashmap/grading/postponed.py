"""Done is done: after many changes of a map, the first look at it takes no more work than the looks after it.

Work is counted in steps of the interpreter, which no machine's load changes.
"""

from itertools import product
from random import Random
from typing import Any

from keys import Ints, distinct, raw
from subject import Subject, ask

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

LOOKS = {
    **dict.fromkeys(("key in m", "m[key]", "m.get(key)", "len(m)"), 1),
    **dict.fromkeys(("next(iter(m))", "next(iter(m.items()))", "next(iter(m.values()))"), 1),
    **dict.fromkeys(("m[key] = value", "del m[key]", "m.pop(key)"), 2),
}
"""How to look, and at how many sizes of maps there must be work left. Where the look is a change itself, a rebuild may
fall due at that very one; but not at two sizes.
"""

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
        for _ in range(LOOKS[look]):
            said = _postponed(submission, distinct(rng, rng.randint(*ENTRIES)), change, look)
            if said is None:
                break
        else:
            raise AssertionError(said)


def _postponed(submission: Subject, keys: Ints, change: str, look: str) -> str | None:
    """Change one map and look at it; say so where the first look takes too long."""
    doing = f"looking at a map by `{look}` after {len(keys)} {CHANGES[change]}"
    answer: Any = ask(submission, doing, "postponed", raw(keys), change, look)
    first, *others = answer
    if first <= SHARE * max(others) + STEPS_ALLOWED * len(keys):
        return None
    return (
        f"{doing}: the first look takes {first} steps of the interpreter, those after it at most {max(others)}; "
        "so changes leave work to be done by whoever looks"
    )
