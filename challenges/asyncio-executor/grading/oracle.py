"""What the driver's computing jobs should return. Pure."""

import hashlib

MULTIPLIER, INCREMENT, MASK = 6364136223846793005, 1442695040888963407, 2**64 - 1


def worked(seed: str, rounds: int) -> int:
    """Give the driver's `work` without its many steps: a linear congruential generator jumps by repeated squaring."""
    value = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    multiplier, increment = MULTIPLIER, INCREMENT
    while rounds:
        if rounds % 2:
            value = (value * multiplier + increment) & MASK
        increment = (multiplier + 1) * increment & MASK
        multiplier = multiplier * multiplier & MASK
        rounds //= 2
    return value
