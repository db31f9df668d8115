"""Counters and histograms, in Prometheus' text format."""

from bisect import bisect_left

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LABELS = (*(str(bound) for bound in BOUNDS), "+Inf")


class Metrics:
    def __init__(self):
        self.answered = {}
        self.buckets = {}
        self.sums = {}

    def count(self, route, status, took_sec):
        key = (route, status)
        self.answered[key] = self.answered.get(key, 0) + 1
        buckets = self.buckets.get(route)
        if buckets is None:
            buckets = self.buckets[route] = [0] * len(LABELS)
            self.sums[route] = 0.0
        buckets[bisect_left(BOUNDS, took_sec)] += 1
        self.sums[route] += took_sec

    def text(self, calls_total, calls_in_flight):
        lines = ["# TYPE http_requests_total counter"]
        for (route, status), count in sorted(self.answered.items()):
            lines.append(f'http_requests_total{{route="{route}",status="{status}"}} {count}')
        name = "http_request_duration_seconds"
        lines.append(f"# TYPE {name} histogram")
        for route, buckets in sorted(self.buckets.items()):
            so_far = 0
            for label, count in zip(LABELS, buckets, strict=True):
                so_far += count
                lines.append(f'{name}_bucket{{route="{route}",le="{label}"}} {so_far}')
            lines.append(f'{name}_sum{{route="{route}"}} {self.sums[route]!r}')
            lines.append(f'{name}_count{{route="{route}"}} {so_far}')
        lines += ["# TYPE backend_calls_total counter", f"backend_calls_total {calls_total}"]
        lines += ["# TYPE backend_calls_in_flight gauge", f"backend_calls_in_flight {calls_in_flight}", ""]
        return "\n".join(lines).encode()
