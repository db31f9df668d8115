"""The machine record, from the texts of several kinds of machine and from this one."""

import dataclasses
import os

import pytest

from grader.evidence import MachineEvidence
from harness import machine
from harness.machine import Machine, parse_cpu_model, parse_memory_mb, read_machine

X86 = "model\t\t: 85\nmodel name\t: Intel(R) Xeon(R)  Processor @ 2.60GHz\ncpu MHz : 2600\n\nmodel name\t: other\n"
BOARD = "BogoMIPS\t: 108.00\nCPU part\t: 0xd08\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B\n"
SERVER_ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"


@pytest.mark.parametrize(("cpuinfo", "model"), [
    (X86, "Intel(R) Xeon(R) Processor @ 2.60GHz"), (BOARD, "Raspberry Pi 4 Model B"), (SERVER_ARM, None), ("", None),
    ("model name\t:\n", None),
], ids=["x86", "board", "arm", "none", "empty"])  # fmt: skip
def test_the_cpu_is_named(cpuinfo, model):
    assert parse_cpu_model(cpuinfo) == model


def test_memory_is_in_mib():
    assert parse_memory_mb("MemTotal:       16384000 kB\nMemFree:         100 kB\n") == 16000
    assert parse_memory_mb("MemFree: 100 kB\n") is None


def test_this_machine_is_described():
    here = read_machine(load_before=0.25)
    assert here.cores == os.cpu_count()
    assert here.memory_mb > 100
    assert here.load_before == 0.25
    assert here.load_after >= 0
    assert here.python.split()[1].count(".") == 2
    assert here.kernel.split()[0] == os.uname().sysname


def test_a_machine_that_tells_nothing_is_described_all_the_same(monkeypatch, tmp_path):
    for name in ("CPUINFO", "MEMINFO", "GOVERNOR"):
        monkeypatch.setattr(machine, name, tmp_path / "nothing")
    monkeypatch.setattr(os, "getloadavg", _fail)
    monkeypatch.setattr(os, "sysconf", _fail)
    here = read_machine()
    assert here.cpu_model
    assert (here.memory_mb, here.governor, here.load_before, here.load_after) == (0, None, None, None)


def test_the_evidence_has_the_same_fields():
    assert {field.name for field in dataclasses.fields(Machine)} == set(MachineEvidence.model_fields)
    MachineEvidence(**dataclasses.asdict(read_machine()))


def _fail(*_):
    raise OSError
