"""How many calls at once the planted backend takes: drawn from the same two ranges for checks and bars. Pure."""

from random import Random

NARROW = (5, 10)
"""Little room: lines form."""

ROOMY = (50, 64)
"""Up to the most that there is by the spec: no scenario asks for more than the least of these at once."""

AT_ONCE = ROOMY[0]
"""So many calls can be made at any roomy limit without a line; how long that is, if there is one, is free."""


def narrow(rng: Random) -> int:
    """Draw a limit at which lines form."""
    return rng.randint(*NARROW)


def roomy(rng: Random) -> int:
    """Draw a limit at which everything that is asked for at once is called at once."""
    return rng.randint(*ROOMY)
