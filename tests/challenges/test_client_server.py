"""The client-server challenge's own parts: planted behaviours, the truth about a run, and what /metrics says."""

import ast
import asyncio
import math
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.unforeseen import Unforeseen
from tests.challenges.loading import CHALLENGES, importing_from


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """Import the modules of the grading folder."""
    names = ("answers", "behaviours", "planted_server", "truth", "metrics_text", "items", "planted_backend")
    names += ("http_client", "limits", "network", "planted_plans", "test_bars")
    with importing_from(CHALLENGES / "client-server" / "grading") as import_:
        yield {name: import_(name) for name in names}


Modules = dict[str, ModuleType]


def test_every_kind_of_failure_that_the_driver_knows_is_tried(modules: Modules) -> None:
    tree = ast.parse((CHALLENGES / "client-server" / "driver.py").read_text("utf-8"))
    [kinds] = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["FAILURES"]]
    assert isinstance(kinds, ast.Tuple)
    assert len(kinds.elts) == modules["answers"].FAILURES


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


# ---- behaviours


def arrivals(rate: float, count: int) -> list[float]:
    return [10.0 + number / rate for number in range(count)]


def served(behaviour: Any, rate: float, count: int) -> list[Any]:
    return [behaviour.fate(number, now) for number, now in enumerate(arrivals(rate, count))]


def test_workers_below_capacity_serve_at_once_and_above_queue(modules: Modules) -> None:
    below = served(modules["behaviours"].Workers(4, 0.02), 190, 400)
    assert all(fate.at - now == pytest.approx(0.02) for fate, now in zip(below, arrivals(190, 400), strict=True))
    workers = modules["behaviours"].Workers(4, 0.02)
    assert workers.capacity_per_sec == pytest.approx(200)
    above = served(workers, 400, 400)
    assert (above[-1].at - above[0].at) * 200 == pytest.approx(400, rel=0.03)


@pytest.mark.parametrize(("share", "refused"), [(0.95, 0.0), (1.25, 0.1), (2.0, 0.25)])
def test_a_limited_server_refuses_half_of_what_exceeds_its_rate(modules: Modules, share: float, refused: float) -> None:
    fates = served(modules["behaviours"].Limited(200, 0.01, burst=4), 200 * share, 2000)
    errors = sum(fate.word == "error" for fate in fates)
    assert errors / 2000 == pytest.approx(refused, abs=0.01)


@pytest.mark.parametrize(("share", "slow"), [(0.95, 0.0), (1.25, 0.2), (2.0, 0.5)])
def test_who_would_wait_for_too_long_is_served_elsewhere(modules: Modules, share: float, slow: float) -> None:
    spilling = modules["behaviours"].SpillingOver(4, 0.02, longest_sec=0.04, elsewhere_sec=0.3)
    fates = served(spilling, 200 * share, 4000)
    took = [fate.at - now for fate, now in zip(fates, arrivals(200 * share, 4000), strict=True)]
    assert sum(each > 0.25 for each in took) / 4000 == pytest.approx(slow, abs=0.01)
    assert all(each <= 0.061 or each == pytest.approx(0.3) for each in took)


def test_nothing_comes_out_of_a_stall(modules: Modules) -> None:
    stalling = modules["behaviours"].Stalling(0.02, 1.0, 2.0)
    for fate, now in zip(served(stalling, 100, 300), arrivals(100, 300), strict=True):
        since = fate.at - 10.0
        assert not 1.0 + 1e-9 < since < 2.0 - 1e-9
        assert fate.at >= now + 0.02 - 1e-9
    assert stalling.welcome_at(11.5) == pytest.approx(12.0)
    assert stalling.welcome_at(12.5) == 12.5


# ---- truth


def log(modules: Modules, rate: float, rows: list[tuple[float, str, float | None]]) -> list[Any]:
    """Make a log from (lateness of arrival, word, latency) of each request; it began at 50."""
    entry, word = modules["planted_server"].Entry, modules["behaviours"].Word
    return [
        entry(
            number,
            50 + number / rate + late,
            word(what),
            None if latency is None else 50 + number / rate + latency,
        )
        for number, (late, what, latency) in enumerate(rows)
    ]


def test_the_truth_counts_from_when_requests_were_due(modules: Modules) -> None:
    asked = modules["truth"].Asked(100, 1.0)
    rows = [(0.0, "ok", 0.05)] * 90 + [(0.3, "ok", 0.4)] * 10
    found = modules["truth"].truth(asked, log(modules, 100, rows))
    assert (found.sent, found.succeeded, found.errors, found.timeouts) == (100, 100, 0, 0)
    assert (found.p50_ms, found.p90_ms) == (pytest.approx(50), pytest.approx(50))
    assert (found.p99_ms, found.max_ms) == (pytest.approx(400), pytest.approx(400))
    assert found.throughput_per_sec == pytest.approx(100 / 1.39)


def test_losses_count_as_the_timeout_and_errors_apart(modules: Modules) -> None:
    asked = modules["truth"].Asked(100, 0.1)
    rows = [(0.0, "ok", 0.05)] * 5 + [(0.0, "never", None)] * 2 + [(0.0, "error", 0.01), (0.0, "close", 0.01)]
    rows += [(0.0, "ok", 2.5)]
    found = modules["truth"].truth(asked, log(modules, 100, rows))
    assert (found.sent, found.succeeded, found.errors, found.timeouts) == (10, 5, 2, 3)
    assert found.max_ms == 2000
    assert found.p50_ms == pytest.approx(50)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=50), st.floats(0, 100))
def test_nearest_rank_is_the_smallest_that_enough_do_not_exceed(latencies: list[float], percent: float) -> None:
    with importing_from(CHALLENGES / "client-server" / "grading") as import_:
        found = import_("truth").nearest_rank_ms(latencies, percent) / 1000
    enough = percent / 100 * len(latencies) - 1e-9
    assert any(found == pytest.approx(latency) for latency in latencies)
    assert sum(latency <= found + 1e-12 for latency in latencies) >= enough
    assert sum(latency < found - 1e-12 for latency in latencies) < max(enough, 1)


def report_of(found: Any) -> dict[str, float]:
    return {name: float(getattr(found, name)) for name in found.__dataclass_fields__}


@pytest.mark.parametrize(
    ("name", "factor", "off"),
    [
        ("p99_ms", 1.04, False),
        ("p99_ms", 0.9, True),
        ("p50_ms", 1.2, True),
        ("succeeded", 0.99, True),
        ("throughput_per_sec", 0.985, False),
        ("throughput_per_sec", 0.97, True),
    ],
)
def test_departures_are_told_from_rounding(modules: Modules, name: str, factor: float, off: bool) -> None:
    asked = modules["truth"].Asked(100, 1.0)
    true = modules["truth"].truth(asked, log(modules, 100, [(0.0, "ok", 0.1)] * 100))
    report = report_of(true)
    assert modules["truth"].departures(report, true) == []
    report[name] *= factor
    assert bool(modules["truth"].departures(report, true)) is off


def test_a_closed_loop_is_seen_in_the_arrivals(modules: Modules) -> None:
    """While nothing is answered nothing is sent, and everything after is late."""
    asked = modules["truth"].Asked(100, 2.0)
    rows = [(0.0 if number < 50 else 1.0 - min(number - 50, 95) / 100, "ok", 1.2) for number in range(200)]
    fault = modules["truth"].pacing_fault(asked, log(modules, 100, rows))
    assert fault is not None
    assert "due" in fault
    assert modules["truth"].pacing_fault(asked, log(modules, 100, [(0.001, "ok", 1.2)] * 200)) is None
    assert "190" in str(modules["truth"].pacing_fault(asked, log(modules, 100, [(0.0, "ok", 0.1)] * 190)))


# ---- metrics


TEXT = b"""# HELP and # TYPE lines are comments
http_requests_total{route="item",status="200"} 12
http_requests_total{status="404",route="item",} 3 1700000000
http_request_duration_seconds_bucket{le="0.5",route="item"} 14
http_request_duration_seconds_bucket{le="+Inf",route="item"} 1.5e1
backend_calls_total 7.0
"""


def test_metrics_are_read_whatever_the_order_of_labels(modules: Modules) -> None:
    metrics = modules["metrics_text"].parse_metrics(TEXT)
    assert metrics.value("http_requests_total", route="item", status="200") == 12
    assert metrics.value("http_requests_total", route="item", status="404") == 3
    assert metrics.value("http_requests_total", route="item", status="500") == 0
    assert metrics.value("backend_calls_total") == 7
    assert metrics.buckets("http_request_duration_seconds", route="item") == {0.5: 14, math.inf: 15}


@pytest.mark.parametrize("raw", [b"no number here", b"<html>", b"a{b=c} 1 2 3", b"\xff\xfe 1"])
def test_what_is_no_metric_is_refused(modules: Modules, raw: bytes) -> None:
    with pytest.raises(AssertionError, match="Prometheus"):
        modules["metrics_text"].parse_metrics(raw)


def took(modules: Modules, *bounds: tuple[float, float]) -> list[Any]:
    return [modules["metrics_text"].Took(low, high) for low, high in bounds]


def test_a_histogram_is_believed_within_what_can_be_true(modules: Modules) -> None:
    requests = took(modules, (0.0, 0.01), (0.0, 0.2), (0.7, 0.8), (0.9, 1.1))
    fault = modules["metrics_text"].histogram_fault
    assert fault({0.1: 1, 1.0: 3, math.inf: 4}, (0.1, 1.0), requests) is None
    assert fault({0.1: 2, 1.0: 4, math.inf: 4}, (0.1, 1.0), requests) is None
    assert "le=0.1" in fault({0.1: 3, 1.0: 3, math.inf: 4}, (0.1, 1.0), requests)
    assert "le=1" in fault({0.1: 1, 1.0: 2, math.inf: 4}, (0.1, 1.0), requests)
    assert "no bucket" in fault({0.1: 1, math.inf: 4}, (0.1, 1.0), requests)


def test_a_histogram_without_its_slow_requests_is_caught(modules: Modules) -> None:
    requests = took(modules, (0.0, 0.01), (0.7, 0.8))
    fault = modules["metrics_text"].histogram_fault
    assert "+Inf" in fault({0.1: 1, 1.0: 1, math.inf: 1}, (0.1,), requests)
    assert modules["metrics_text"].sum_fault(0.01, requests) is not None
    assert modules["metrics_text"].sum_fault(0.75, requests) is None


# ---- items and the backend


def test_items_replay_from_their_seed_and_change_when_told(modules: Modules) -> None:
    items = modules["items"].Items(Random(1), 100)
    again = modules["items"].Items(Random(1), 100)
    assert items.fresh(5) == again.fresh(5)
    first = items.value("a")
    assert (len(first), first) == (100, again.value("a"))
    items.change("a")
    assert items.value("a") != first
    items.lose("a")
    assert items.answer("a") == ("missing", b"")
    items.mend("a")
    assert items.answer("a")[0] == "ok"


def test_items_can_be_kept_in_no_fewer_bytes(modules: Modules) -> None:
    items = modules["items"].Items(Random(1), 16 * 1024)
    assert len(zlib.compress(items.value("a"), 9)) > 16 * 1024


@pytest.mark.parametrize("seed", range(5))
def test_ids_are_ids_of_many_shapes_and_none_comes_twice(modules: Modules, seed: int) -> None:
    ids = modules["items"].Items(Unforeseen(seed)).fresh(2_000)
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", item) for item in ids)
    assert len({len(item) for item in ids}) > 30


def test_a_call_with_the_number_of_another_is_a_fault_and_hides_nothing(modules: Modules, tmp_path: Path) -> None:
    async def main() -> None:
        async with holding_backend(modules, tmp_path / "backend") as (_, backend, _, writer):
            writer.write(b"get 0 a\nget 0 b\ncancel 0\nget 0 c\n")
            assert await backend.until(lambda backend: backend.fault is not None and not backend.open, 5)
            assert [call.item for call in backend.calls] == ["a"]

    asyncio.run(main())


def test_a_call_that_was_cancelled_is_never_answered(modules: Modules, tmp_path: Path) -> None:
    async def main() -> None:
        async with holding_backend(modules, tmp_path / "backend") as (_, backend, reader, writer):
            backend.release()
            backend.delay(["a"], 0.05)
            writer.write(b"get 0 a\ncancel 0\nget 1 b\n")
            assert (await reader.readline()).split()[0] == b"1"
            await reader.readexactly(10)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), 0.1)

    asyncio.run(main())


# ---- who connects


def test_connections_asked_for_are_read_off_the_kernels_counters(modules: Modules) -> None:
    text = "Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 17 4\nUdp: InDatagrams\nUdp: 0\n"
    assert modules["network"].asked_for(text) == 17
    assert modules["network"].asked_for("Udp: InDatagrams\nUdp: 0\n") is None


def test_whoever_else_connects_is_noticed(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    network, asked = modules["network"], iter([5, 7, 7, 10])
    monkeypatch.setattr(network, "OURS_ALONE", True)
    monkeypatch.setattr(network, "_now", lambda: next(asked))
    with network.to_ourselves():
        network.connecting()
        network.connecting()
    with pytest.raises(AssertionError, match="not by the grader: 2;"), network.to_ourselves():
        network.connecting()


@asynccontextmanager
async def holding_backend(modules: Modules, path: Path) -> AsyncIterator[tuple[Any, Any, Any, Any]]:
    """Plant a backend that holds everything; gives its items, itself, and the other end of its wire."""
    items = modules["items"].Items(Random(1), 10)
    backend = modules["planted_backend"].PlantedBackend(items)
    await backend.start(path)
    reader, writer = await asyncio.open_unix_connection(path)
    backend.hold_all()
    yield items, backend, reader, writer
    writer.close()
    backend.close()
    await asyncio.sleep(0.01)


def test_the_backend_sees_what_is_under_way_and_answers_when_released(modules: Modules, tmp_path: Path) -> None:
    async def main() -> None:
        async with holding_backend(modules, tmp_path / "backend") as (items, backend, reader, writer):
            writer.write(b"get 0 a\nget 1 b\nget 2 a\ncancel 1\nnonsense here\n")
            assert await backend.until(lambda backend: backend.called("a") == 2 and 1 not in backend.open, 5)
            assert (backend.most_open, len(backend.open), backend.called("b")) == (3, 2, 1)
            backend.release()
            head = await reader.readline()
            assert head.split() == [b"0", b"ok", b"10"]
            assert await reader.readexactly(10) == items.value("a")
            assert not backend.open

    asyncio.run(main())


def test_the_backend_lets_one_item_go_and_holds_the_others(modules: Modules, tmp_path: Path) -> None:
    async def main() -> None:
        async with holding_backend(modules, tmp_path / "backend") as (_, backend, reader, writer):
            writer.write(b"get 0 a\nget 1 b\n")
            assert await backend.until(lambda backend: len(backend.open) == 2, 5)
            backend.release_one("a")
            writer.write(b"get 2 a\n")
            for number in (b"0", b"2"):
                assert (await reader.readline()).split()[:2] == [number, b"ok"]
                await reader.readexactly(10)
            assert list(backend.open) == [1]

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_for_again_must_still_be_kept(modules: Modules, seed: int) -> None:
    bars, kept = modules["test_bars"], modules["answers"].KEPT_ITEMS
    limit = modules["limits"].roomy(Random(seed))
    batches = bars.MEMORY_ITEMS // limit
    order = bars._with_some_again(Random(seed), batches)
    assert sorted(set(order)) == list(range(batches))
    assert len(order) == batches + bars.MEMORY_AGAIN
    for at, number in enumerate(order):
        since = {other for other in order[:at] if other > number}
        assert number not in order[:at] or (len(since) + 1) * limit <= kept


def test_a_body_in_chunks_is_what_it_was(modules: Modules) -> None:
    body = bytes(range(53))
    head, _, rest = modules["http_client"].chunked("/batch", body).partition(b"\r\n\r\n")
    assert b"Content-Length" not in head
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        pieces.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    assert b"".join(pieces) == body
    assert pieces[-1] == b""


@pytest.mark.parametrize("seed", range(20))
def test_some_counts_can_be_told_from_rounded_ones(modules: Modules, seed: int) -> None:
    plans = modules["planted_plans"].plans(Random(seed))
    products = [plan.asked.rate_per_sec * plan.asked.duration_sec for plan in plans.values()]
    due = [plan.asked.requests for plan in plans.values()]
    assert any(requests != round(product) for requests, product in zip(due, products, strict=True))
    assert any(requests != int(product) for requests, product in zip(due, products, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_tells_nothing_of_the_server_and_is_not_too_much(modules: Modules, seed: int) -> None:
    drawn = modules["planted_plans"].plans(Unforeseen(seed))
    asked = {name: plan.asked for name, plan in drawn.items() if name != "steady, under load"}
    assert sum(each.rate_per_sec for each in asked.values()) < 1000
    assert all(1 <= each.duration_sec < 3 for each in asked.values())
    stall = asked["stall"]
    assert stall.requests / 10 > 32, "or the p90 of 32 users who wait is as it should be"


def test_a_planted_server_logs_truly_and_blames_pipelining(modules: Modules, tmp_path: Path) -> None:
    async def main() -> None:
        server = modules["planted_server"].PlantedServer(modules["behaviours"].Constant(0.02))
        await server.start(tmp_path / "planted")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "planted")
        assert await reader.readline() == b"welcome\n"
        writer.write(b"7\n")
        assert await reader.readline() == b"7 ok\n"
        [entry] = server.log
        assert entry.number == 7
        assert entry.answered_at - entry.arrived_at >= 0.02
        assert server.faults == []
        writer.write(b"8\n9\n")
        assert await reader.read() == b""
        assert server.faults
        writer.close()
        server.close()
        await asyncio.sleep(0.01)

    asyncio.run(main())
