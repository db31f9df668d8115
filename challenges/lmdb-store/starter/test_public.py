"""The public tests: a beginning, run in process by `takehome test` or pytest. The grading checks far more."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from solution import Store, StoreError

HERE = str(Path(__file__).parent)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "store")


def number_of_rows(rows):
    """Be folded by a parallel scan: a function of a module, so that other processes find it."""
    return sum(1 for _ in rows)


def in_another_process(code, path):
    """Start a fresh interpreter that runs some lines on the store at `path`."""
    script = "import sys, time\nfrom solution import Store\npath = sys.argv[1]\n" + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", script, path], cwd=HERE, stdout=subprocess.PIPE, text=True)


def test_what_is_put_is_got(path):
    with Store.open(path) as store:
        assert store.put_many([(("a", 1, 0), b"one"), (("a", -1, 0), b""), (("", 0, 7), bytes(65536))]) == 3
        assert store.get(("a", 1, 0)) == b"one"
        assert store.get_many([("a", -1, 0), ("b", 0, 0), ("", 0, 7)]) == [b"", None, bytes(65536)]
    with Store.open(path) as store:
        assert store.get(("a", 1, 0)) == b"one"


def test_keys_sort_as_tuples(path):
    keys = [(t, ts, seq) for t in ("a", "a\0", "ab", "b") for ts in (-(2**63), -1, 0, 256) for seq in (0, 255, 256)]
    with Store.open(path) as store:
        store.put_many((key, b"x") for key in reversed(keys))
        assert [key for key, _ in store.scan()] == sorted(keys)
        assert [key for key, _ in store.scan(("a",), ("ab",), reverse=True, limit=2)] == [
            ("a\0", 256, 256),
            ("a\0", 256, 255),
        ]
        assert store.count(("a",)) == 12
        assert store.delete_range(("a", 0), ("b",)) == 6 + 12 + 12


def test_a_scan_gives_the_state_of_its_call(path):
    with Store.open(path) as store:
        store.put_many([(("a", number, 0), b"old") for number in range(500)])
        scan = store.scan()
        store.put_many([(("a", number, 0), b"new") for number in range(1000)])
        assert [value for _, value in scan] == [b"old"] * 500


def test_bad_input_changes_nothing(path):
    with Store.open(path) as store:
        for key in (("a" * 241, 0, 0), ("a", 2**63, 0), ("a", 0, -1), (b"a", 0, 0), ("a", 0.0, 0), "key"):
            with pytest.raises(StoreError):
                store.put_many([(("a", 1, 1), b"sound"), (key, b"value")])
        assert store.count() == 0


def test_the_store_outgrows_its_first_map(path):
    with Store.open(path, map_size=2**20) as store:
        for batch in range(8):
            store.put_many([(("a", batch, seq), bytes(4000)) for seq in range(250)])
        assert store.count() == 2000


def test_another_process_sees_what_was_acknowledged(path):
    with Store.open(path) as store:
        store.put_many([(("a", 1, 1), b"value")])
        with in_another_process("with Store.open(path) as store: print(store.count())", path) as other:
            assert other.communicate(timeout=10)[0] == "1\n"


def test_a_killed_writer_leaves_whole_batches(path):
    code = """
        with Store.open(path) as store:
            for batch in range(10**6):
                store.put_many([(("a", batch, seq), b"x") for seq in range(100)])
                print(batch, flush=True)
    """
    with in_another_process(code, path) as writer:
        for _ in range(20):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
    with Store.open(path) as store:
        rows = store.count()
        assert rows % 100 == 0
        assert rows >= 100 * (acknowledged + 1)
        store.put_many([(("b", 1, 1), b"after")])


def test_a_forked_child_can_not_use_the_store(path):
    with Store.open(path) as store:
        store.put_many([(("a", 1, 1), b"value")])
        child = os.fork()
        if child == 0:
            try:
                store.get(("a", 1, 1))
            except StoreError:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert store.get(("a", 1, 1)) == b"value"


def test_a_parallel_scan_covers_its_range(path):
    with Store.open(path) as store:
        store.put_many([(("a", number, 0), b"x") for number in range(5000)])
        assert sum(store.parallel_scan(("a", 10), None, 2, number_of_rows)) == 4990


def test_a_closed_store_says_so(path):
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.get(("a", 1, 1))
