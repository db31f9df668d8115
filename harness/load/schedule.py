"""When each request of an open-loop run is due, in seconds from the start. Pure: no clock, no sleep."""

import numpy as np
import numpy.typing as npt

Schedule = npt.NDArray[np.float64]
"""Ascending times in seconds from the start of the run."""


def constant(rate_per_sec: float, duration_sec: float) -> Schedule:
    """Space requests evenly: request `k` is due at `k / rate`, the last one before `duration_sec`."""
    _refuse_nonsense(rate_per_sec, duration_sec)
    count = int(np.ceil(rate_per_sec * duration_sec - 1e-9))
    return np.arange(count, dtype=np.float64) / rate_per_sec


def poisson(rate_per_sec: float, duration_sec: float, seed: int) -> Schedule:
    """Let requests arrive as from many independent users: exponential gaps, the same for the same seed."""
    _refuse_nonsense(rate_per_sec, duration_sec)
    rng = np.random.default_rng(seed)
    expected = rate_per_sec * duration_sec
    batch = int(expected + 10 * np.sqrt(expected)) + 16
    times = np.cumsum(rng.exponential(1 / rate_per_sec, batch))
    while times[-1] < duration_sec:
        times = np.concatenate([times, times[-1] + np.cumsum(rng.exponential(1 / rate_per_sec, batch))])
    return times[times < duration_sec]


def _refuse_nonsense(rate_per_sec: float, duration_sec: float) -> None:
    if not (0 < rate_per_sec < np.inf and 0 < duration_sec < np.inf):
        raise ValueError(f"a rate of {rate_per_sec} a second for {duration_sec} seconds is no load")
