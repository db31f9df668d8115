"""What `/metrics` tells."""

import bisect
from collections import Counter

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts of answered requests, and a histogram of how long they took, for each route."""

    def __init__(self, items):
        self._items = items
        self._answers = Counter()
        self._buckets = {route: [0] * (len(BOUNDS) + 1) for route in ("item", "batch")}
        self._sums = dict.fromkeys(self._buckets, 0.0)

    def count(self, route, status, seconds):
        """Count one answer."""
        self._answers[route, status] += 1
        self._buckets[route][bisect.bisect_left(BOUNDS, seconds)] += 1
        self._sums[route] += seconds

    def text(self):
        """Write everything as Prometheus reads it."""
        lines = [
            f'http_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._answers.items())
        ]
        for route, buckets in self._buckets.items():
            total = 0
            for bound, count in zip((*BOUNDS, "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'http_request_duration_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'http_request_duration_seconds_sum{{route="{route}"}} {self._sums[route]:.6f}')
            lines.append(f'http_request_duration_seconds_count{{route="{route}"}} {total}')
        lines.append(f"backend_calls_total {self._items.calls}")
        lines.append(f"backend_calls_in_flight {self._items.in_flight}")
        return "\n".join(lines) + "\n"
