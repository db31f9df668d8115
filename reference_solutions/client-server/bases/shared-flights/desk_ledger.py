"""What was answered, for `/metrics`."""

from bisect import bisect_left

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LABELS = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")


class Ledger:
    """The answers of one route."""

    __slots__ = ("_buckets", "_route", "_seconds", "_statuses")

    def __init__(self, route: str) -> None:
        self._route = route
        self._statuses: dict[int, int] = {}
        self._buckets = [0] * len(_LABELS)  # each without the smaller ones
        self._seconds = 0.0

    def enter(self, status: int, seconds: float) -> None:
        """Enter an answer that was sent."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds += seconds

    def counters(self) -> list[str]:
        """Give the lines of the counter."""
        return [
            f'http_requests_total{{route="{self._route}",status="{status}"}} {count}'
            for status, count in sorted(self._statuses.items())
        ]

    def histogram(self) -> list[str]:
        """Give the lines of the histogram."""
        lines = []
        so_far = 0
        for label, count in zip(_LABELS, self._buckets, strict=True):
            so_far += count
            lines.append(f'http_request_duration_seconds_bucket{{route="{self._route}",le="{label}"}} {so_far}')
        lines.append(f'http_request_duration_seconds_sum{{route="{self._route}"}} {self._seconds!r}')
        lines.append(f'http_request_duration_seconds_count{{route="{self._route}"}} {so_far}')
        return lines


def exposition(ledgers: tuple[Ledger, ...], calls: int, under_way: int) -> bytes:
    """Give all metrics in the text format of Prometheus."""
    lines = ["# HELP http_requests_total Answered requests.", "# TYPE http_requests_total counter"]
    for ledger in ledgers:
        lines += ledger.counters()
    lines += [
        "# HELP http_request_duration_seconds From the end of a request to the end of its answer.",
        "# TYPE http_request_duration_seconds histogram",
    ]
    for ledger in ledgers:
        lines += ledger.histogram()
    lines += [
        "# HELP backend_calls_total Calls of the backend.",
        "# TYPE backend_calls_total counter",
        f"backend_calls_total {calls}",
        "# HELP backend_calls_in_flight Calls of the backend that are under way.",
        "# TYPE backend_calls_in_flight gauge",
        f"backend_calls_in_flight {under_way}",
        "",
    ]
    return "\n".join(lines).encode("ascii")
