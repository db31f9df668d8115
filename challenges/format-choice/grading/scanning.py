"""What a scan of an archive must answer, of small tables and of flights."""

from __future__ import annotations

from typing import Any, cast

import columns
import flights
from columns import Column, Condition
from exactness import difference, shown
from replies import Subject, gave

Scan = tuple[list[str], list[tuple[str, str, Any]]]


def flights_complaint(some: flights.Flights, scans: list[Scan], reply: object) -> str | None:
    """Say what is wrong with the answer to scans of flights."""
    if not isinstance(reply, list) or len(reply) != len(scans):
        return "there is no answer to read"
    for (chosen, where), told in zip(scans, reply, strict=True):
        rows = flights.where_mask(some, where) if where else slice(None)
        expected = [flights.answer(some[name], rows) for name in chosen]  # type: ignore[arg-type]
        if told != expected and not _is_empty(told, expected):
            return f"a scan of {', '.join(chosen)} where {shown(where)} gives other rows than were written"
    return None


def _is_empty(told: object, expected: list[list[Any]]) -> bool:
    """Where no rows are chosen, there need not be a batch, and so no types."""
    nothing = all(not each[1] for each in expected)
    return nothing and isinstance(told, list) and all(isinstance(each, list) and not each[1] for each in told)


def demand_scan(
    submission: Subject, name: str, table: list[Column], names: list[str], where: list[Condition], title: str = ""
) -> None:
    """Scan a small table's archive; its rows must be those that a plain loop over the table chooses."""
    kinds = {name: kind for name, kind, _ in table}
    told = [each.told(kinds[each.column]) for each in where]
    what = f"{title}scan_archive({shown(names)}, {shown(told)})"
    answer = cast("list[Any]", gave(submission.value("scan_small_archive", name, names, told), what))
    wrong = difference_of_scan(answer, columns.scanned(table, names, where))
    assert wrong is None, f"{what}: rows do not come back as they were: {wrong}"


def difference_of_scan(answer: Any, right: list[Column]) -> str | None:
    """Say where an answer differs; where there are no rows, there need not be a batch, and so no types."""
    if not right[0][2]:
        answer, right = [[each[0], each[2]] for each in answer], [[each[0], each[2]] for each in right]
    elif not any(each[2] for each in answer):
        return f"there are no rows instead of {len(right[0][2])}"
    return difference(answer, right)
