"""How often items were started, by what the planted server saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NOBODY_DIED = "though no worker died"


def demand_started(
    starts: Mapping[int, int], keys: Iterable[int], title: str, most: int = 1, why: str = NOBODY_DIED
) -> None:
    """Hold how often each of `keys` was asked, at least once, against what is allowed."""
    for key in keys:
        times = starts.get(key, 0)
        assert times >= 1, f"{title}: an item has an entry, but its function was never run"
        assert times <= most, f"{title}: an item was run {times} times, {why}"
