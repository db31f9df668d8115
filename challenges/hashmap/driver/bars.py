"""The bars' timed calls: input in, whole answer out, garbage collector off.

Each loop is written out, with the map in a local variable: whatever it does besides calling the map is measured too.
"""

import sys
from array import array

from solution import HashMap

from .held import held, hold, ints
from .natives import quiet


@quiet
def bulk_insert(raw_keys, raw_sample):
    """Insert into a fresh map; answer all its values in order and those of a sample of keys."""
    m = HashMap()
    for position, key in enumerate(ints(raw_keys)):
        m[key] = position
    hold(m)
    return [array("q", m.values()).tobytes(), array("q", [m[key] for key in ints(raw_sample)]).tobytes()]


@quiet
def hit_lookups(raw_keys):
    """Look up keys that are there."""
    m = held()
    return array("q", [m[key] for key in ints(raw_keys)]).tobytes()


@quiet
def miss_lookups(raw_keys):
    """Ask for keys that mostly are not there."""
    m = held()
    return bytes([key in m for key in ints(raw_keys)])


@quiet
def churn(raw_old, raw_new, first_value):
    """Delete a key and insert another, over and over; answer all values in order."""
    m = held()
    for value, (old, new) in enumerate(zip(ints(raw_old), ints(raw_new), strict=True), first_value):
        del m[old]
        m[new] = value
    return array("q", m.values()).tobytes()


@quiet
def churn_by(out, into, raw_old, raw_new, first_value):
    """Do the same, but take keys out and put them in by other methods: "pop", say, and "setdefault"."""
    m = held()
    take = {"del": m.__delitem__, "pop": m.pop}[out]
    put = {"set": m.__setitem__, "setdefault": m.setdefault, "update": lambda *pair: m.update((pair,))}[into]
    for value, (old, new) in enumerate(zip(ints(raw_old), ints(raw_new), strict=True), first_value):
        take(old)
        put(new, value)
    return array("q", m.values()).tobytes()


@quiet
def lengths(times):
    """Ask the held map for its length so many times; answer their sum."""
    m = held()
    return sum([len(m) for _ in range(times)])


@quiet
def count_words(text):
    """Count words; answer them in order of appearance, with their counts."""
    m = HashMap()
    for word in text.split(" "):
        m[word] = m.get(word, 0) + 1
    hold(m)
    return [" ".join(m), array("q", m.values()).tobytes()]


@quiet
def iterate(raw_old, raw_new, passes):
    """Change a few entries and iterate over all in three ways, `passes` times; answer digests and the last order."""
    m = held()
    old, new = ints(raw_old), ints(raw_new)
    share = len(old) // passes
    digests = []
    for start in range(0, share * passes, share):
        for value, key in enumerate(old[start : start + share], start):
            del m[key]
            m[new[value]] = -value
        digests.append(hash(tuple(m)))
        digests.append(hash(tuple(m.values())))
        digests.append(hash(tuple([key ^ value for key, value in m.items()])))
    return [digests, array("q", m).tobytes()]


@quiet
def collide(patterns):
    """For each (raw keys, raw factors, raw lookups, raw factors): build a map, look keys up, and delete every second.

    A key is a base plus a factor times the hash's modulus: keys of one base have equal hashes, and each is made anew.
    """
    modulus = sys.hash_info.modulus
    answers = []
    for raw_bases, raw_factors, raw_wanted, raw_wanted_factors in patterns:
        m = HashMap()
        bases, factors = ints(raw_bases), ints(raw_factors)
        for position, (base, factor) in enumerate(zip(bases, factors, strict=True)):
            m[base + factor * modulus] = position
        wanted = zip(ints(raw_wanted), ints(raw_wanted_factors), strict=True)
        found = array("q", [m.get(base + factor * modulus, -1) for base, factor in wanted])
        for base, factor in zip(bases[::2], factors[::2], strict=True):
            del m[base + factor * modulus]
        answers.append([found.tobytes(), array("q", m.values()).tobytes()])
        hold(m)
    return answers


@quiet
def build_many(raw_keys, size):
    """Build one map after another of `size` keys each; answer all values in order."""
    keys = ints(raw_keys)
    answer = array("q")
    for start in range(0, len(keys), size):
        m = HashMap()
        for position, key in enumerate(keys[start : start + size]):
            m[key] = position
        answer.extend(m.values())
    hold(m)
    return answer.tobytes()
