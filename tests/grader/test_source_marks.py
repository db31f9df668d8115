"""Sources that speak of their judges, and those that do not: every sound solution is one of these."""

from pathlib import Path

import pytest

from grader.source_marks import FILE_BYTES, demand_nothing_of_ours, marks_of, speaks_of_judges

ROOT = Path(__file__).parents[2]
SOUND = [
    folder
    for pattern in ("*/reference", "*/accepted/*", "*/bases/*")
    for folder in sorted((ROOT / "reference_solutions").glob(pattern))
    if folder.is_dir()
]


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: "/".join(folder.parts[-3:]))
def test_no_sound_solution_speaks_of_its_judges(folder: Path) -> None:
    assert speaks_of_judges(folder) == []


OURS = {
    "import driver": "imports driver",
    "import driver.jobs as x": "imports driver.jobs",
    "from harness.worker import driver": "imports harness.worker",
    "import importlib\nimportlib.import_module('driver')": "names 'driver'",
    "def f(g): return g.__module__.startswith('driver.')": "names 'driver.'",
    "import os\nos.environ['TAKEHOME_SOCKET']": "names 'TAKEHOME_SOCKET'",
}

TELLING = {
    "import sys\nsys._getframe(1)": "uses sys._getframe",
    "from sys import _getframe": "imports sys._getframe",
    "import inspect as i\ni.currentframe().f_back": "uses f_back",
    "import gc\ngc.callbacks.append(print)": "uses gc.callbacks",
    "import gc\ngc.get_objects()": "uses gc.get_objects",
    "import sys\nsys.modules['x']": "uses sys.modules",
    "import time\ntime.perf_counter = lambda: 0": "replaces time.perf_counter",
    "import mmap\nmmap.PROT_EXEC": "uses mmap.PROT_EXEC",
    "open('/proc/self/mem', 'r+b')": "names '/proc/self/mem'",
}

HONEST = (
    "import sys\nsys.path.insert(0, 'x')",
    "import gc\ngc.collect()\ngc.freeze()",
    "import os\nos.environ['PATH']",
    "'the driver of this design is memory'",
    "drivers = harnesses = 1",
    "from .driver import x",
    "class A:\n    def __init__(self): self.time = 1",
    "import ctypes\nctypes.CDLL(None).prctl(1, 9)",
    "def broken(:",
    "x = 'nul \\0 '",
)


@pytest.mark.parametrize("source", OURS)
def test_what_is_ours_is_named_with_its_place(source: str, tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(source, "utf-8")
    with pytest.raises(AssertionError, match=f"solution.py:{source.count(chr(10)) + 1} {OURS[source]}, which belongs"):
        demand_nothing_of_ours(tmp_path)
    assert OURS[source] in speaks_of_judges(tmp_path)[0].text


@pytest.mark.parametrize("source", TELLING)
def test_what_may_tell_is_a_finding_and_no_more(source: str, tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(source, "utf-8")
    demand_nothing_of_ours(tmp_path)
    assert TELLING[source] in speaks_of_judges(tmp_path)[0].text


@pytest.mark.parametrize("source", HONEST)
def test_honest_source_has_no_marks(source: str) -> None:
    assert list(marks_of(source, "solution.py")) == []


def test_all_files_are_read_and_places_are_counted(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.py").write_text("import driver\n" * 9, "utf-8")
    (tmp_path / "fast.bin").write_bytes(b"\x7fELF" + bytes(60))
    (tmp_path / "notes.txt").write_text("import driver", "utf-8")
    [finding] = speaks_of_judges(tmp_path)
    assert "fast.bin:0 is machine code" in finding.text
    assert "parts/a.py:5 imports driver, and 4 more" in finding.text


def test_a_source_that_breaks_the_parser_has_no_marks() -> None:
    for source in ("(" * 5_000, "x = " + "-" * 100_000 + "1", "\0"):
        assert list(marks_of(source, "solution.py")) == []


def test_a_source_is_read_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    source = b"# -*- coding: utf-7 -*-\n# in UTF-8 this is a comment+AAo-import driver\n"
    (tmp_path / "solution.py").write_bytes(source)
    with pytest.raises(AssertionError, match="imports driver"):
        demand_nothing_of_ours(tmp_path)


def test_a_source_that_is_too_long_to_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.py").write_bytes(b"TABLE = [\n" + b"    0,\n" * (FILE_BYTES // 7) + b"]\nimport driver\n")
    with pytest.raises(AssertionError, match=r"table\.py is a source of more than 1024 KiB"):
        demand_nothing_of_ours(tmp_path)


def test_what_runs_without_a_source_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "fast.pyc").write_bytes(b"")
    demand_nothing_of_ours(tmp_path)
    assert "fast.pyc:0 is compiled" in speaks_of_judges(tmp_path)[0].text
