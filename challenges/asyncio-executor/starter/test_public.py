"""The public tests: the demo, and a few signs of what is wrong. The grading checks far more."""

import asyncio
import threading
import time

import pytest
from solution import Executor, ExecutorClosed, Job, Limits

PATIENCE_SEC = 10


def run(main):
    """Run a test's coroutine, and give up on one that hangs."""
    return asyncio.run(asyncio.wait_for(main(), PATIENCE_SEC))


async def double(number):
    await asyncio.sleep(0.001)
    return 2 * number


def square(number):
    return number * number


def nap(seconds):
    time.sleep(seconds)
    return threading.current_thread() is not threading.main_thread()


async def raises(*args):
    raise LookupError(*args)


async def adds(executor, numbers):
    futures = [await executor.submit(Job("io", double, (number,))) for number in numbers]
    return sum([await future for future in futures])


def test_demo():
    async def main():
        async with Executor() as executor:
            futures = [
                await executor.submit(Job("io", double, (21,))),
                await executor.submit(Job("blocking", nap, (0.01,))),
                await executor.submit(Job("cpu", square, (7,))),
                await executor.submit(Job("nested", adds, ([1, 2, 3],))),
                await executor.submit(Job("crash", square, (8,))),
            ]
            return [await future for future in futures]

    assert run(main) == [42, True, 49, 12, 64]


def test_map_keeps_order():
    async def main():
        async with Executor() as executor:
            return [value async for value in executor.map("io", double, range(20))]

    assert run(main) == [2 * number for number in range(20)]


def test_refuses_jobs_after_shutdown():
    async def main():
        executor = Executor()
        await executor.shutdown()
        with pytest.raises(ExecutorClosed):
            await executor.submit(Job("io", double, (1,)))

    run(main)


def test_exceptions_reach_the_caller():
    async def main():
        async with Executor() as executor:
            future = await executor.submit(Job("io", raises, ("missing", 7)))
            with pytest.raises(LookupError) as raised:
                await future
            assert raised.value.args == ("missing", 7)

    run(main)


def test_limit_and_queue():
    async def main():
        release = asyncio.Event()

        async def hold():
            await release.wait()

        async with Executor(Limits(io=1, queue=1)) as executor:
            for _ in range(2):
                await asyncio.wait_for(executor.submit(Job("io", hold)), 1)
            third = asyncio.create_task(executor.submit(Job("io", hold)))
            await asyncio.sleep(0.05)
            assert not third.done()
            assert executor.stats()["io"]["running"] == 1
            release.set()
            await (await third)

    run(main)


def test_loop_is_free_while_processes_compute():
    async def main():
        async with Executor() as executor:
            future = await executor.submit(Job("cpu", nap, (0.5,)))
            longest, last = 0.0, time.perf_counter()
            while not future.done():
                await asyncio.sleep(0.005)
                longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
            assert longest < 0.25

    run(main)


def test_cancelled_job_gives_its_slot_back():
    async def main():
        async with Executor(Limits(io=1)) as executor:
            future = await executor.submit(Job("io", asyncio.sleep, (60,)))
            await asyncio.sleep(0.01)
            future.cancel()
            assert await (await executor.submit(Job("io", double, (1,)))) == 2

    run(main)
