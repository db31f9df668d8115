"""The grader role: receive a job, run pytest over the challenge's grading folder, and send the evidence up.

Started by the sandbox as `python -m grader.session`, with the control channel on its standard input and output. Nothing
that pytest or a library prints may reach that channel, so standard output is moved out of the way first.
"""

import os
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, settings

from grader.challenge import Challenge
from grader.evidence import Evidence, Finding, MachineEvidence, ResourceEvidence, Timing
from grader.plugin.checks import Checks
from grader.plugin.collection import BARS_FILE, BEHAVIOUR_FILE, Collection
from grader.plugin.core_watch import CoreWatch
from grader.plugin.fixtures import Fixtures
from grader.plugin.run import Run
from grader.plugin.settled import SettledBars
from grader.source_marks import speaks_of_judges
from harness.control.client import ControlClient
from harness.control.messages import Job, Progress, Result
from harness.machine import read_machine
from harness.roster import Allowance, Roster
from harness.sandbox.roles import Side

PYTEST_OPTIONS = (
    "-p", "pytest_benchmark.plugin",
    "-p", "_hypothesis_pytestplugin",
    "-p", "no:cacheprovider",
    "-p", "no:doctest",
    "--assert=plain",
    "--import-mode=importlib",
    "--benchmark-disable-gc",
    "--benchmark-warmup=off",
    "--benchmark-columns=min,median,iqr,rounds",
    "--benchmark-sort=name",
    "--color=no",
    "-q",
    "--tb=short",
    "--strict-markers",
)  # fmt: skip
"""Plain assertions, because rewritten ones would print the oracle's data into the message."""

UNDERSTOOD = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED})
"""Endings of pytest that the evidence explains; any other is a fault of ours."""


def main() -> None:
    """Serve one grading."""
    control = ControlClient(*_take_over_standard_streams())
    job = control.receive_job()
    _keep_to(job.grader_cores)
    grading = Path(os.environ["TAKEHOME_GRADING"])
    challenge = Challenge.model_validate(tomllib.loads((grading / "challenge.toml").read_text("utf-8")))
    disks = os.environ.get("TAKEHOME_DISKS")
    sockets = Path(os.environ["TAKEHOME_SOCKETS"])
    roster = Roster(control, sockets, _allowance(challenge), Path(disks) if disks else None)
    run = _run_of(job, challenge, roster, control)
    began, load_before = time.perf_counter(), _load()
    with tempfile.TemporaryDirectory() as scratch:
        benchmarks = Path(scratch) / "benchmarks.json"
        fault = _run_pytest(run, grading, benchmarks)
        roster.freeze_all()
        roster.close()
        evidence = _evidence(run, time.perf_counter() - began, load_before, fault)
        text = benchmarks.read_text("utf-8") if benchmarks.exists() else ""
    control.result(Result(evidence=evidence.model_dump(mode="json"), benchmarks=text))


def _keep_to(cores: tuple[int, ...]) -> None:
    """Leave the subjects' cores to them; this role may use them too, but only to see whether they are free."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _take_over_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for the control channel alone; what is printed goes to standard error."""
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


def _allowance(challenge: Challenge) -> Allowance:
    limits = challenge.limits
    return Allowance(limits.call_timeout_sec, limits.grading_timeout_sec, limits.memory_mb, limits.disk_mb)


def _run_of(job: Job, challenge: Challenge, roster: Roster, control: ControlClient) -> Run:
    def tell(phase: str, id_: str, done: int, total: int, text: str) -> None:
        control.progress(Progress(phase=phase, id=id_, done=done, total=total, text=text))

    source = Path(os.environ["TAKEHOME_SUBMISSION"])
    grader_alone = [core for core in job.grader_cores if core not in job.subject_cores]
    return Run(
        challenge,
        job.seed,
        frozenset(job.select),
        job.bars,
        roster,
        source,
        tell,
        subject_cores=len(job.subject_cores),
        watch=CoreWatch(job.subject_cores, grader_alone, roster.freeze_all),
    )


def _run_pytest(run: Run, grading: Path, benchmarks: Path) -> str | None:
    """Run the selected checks and bars; the return value says what is wrong with the run as a whole."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(grading))  # test files import their own workload and oracle by name
    settings.register_profile(
        "grading",
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("grading")
    files = [str(grading / name) for name in (BEHAVIOUR_FILE, BARS_FILE) if (grading / name).exists()]
    options = [
        *PYTEST_OPTIONS,
        f"--rootdir={grading}",
        f"--config-file={os.devnull}",
        f"--hypothesis-seed={run.rng('hypothesis').getrandbits(32)}",
        f"--benchmark-json={benchmarks}",
    ]
    plugins = [Collection(run), Fixtures(run), Checks(run), SettledBars(run)]
    ended = pytest.main([*options, *files], plugins=plugins)
    if ended not in UNDERSTOOD:
        run.faults.append(f"pytest ended with {pytest.ExitCode(ended).name}")
    return "; ".join(run.faults) or None


def _evidence(run: Run, total_sec: float, load_before: float | None, fault: str | None) -> Evidence:
    spent = run.roster.spent_sec
    machine = read_machine()
    return Evidence(
        checks=list(run.checks.values()),
        bars=list(run.bars.values()),
        control=run.control,
        resources=[_resources(run.roster, side) for side in Side],
        findings=[*run.findings, *_oddities(run), *speaks_of_judges(run.source)],
        timing=Timing(total_sec=total_sec, candidate_sec=spent[Side.CANDIDATE], reference_sec=spent[Side.REFERENCE]),
        machine=MachineEvidence(
            cpu_model=machine.cpu_model,
            cores=machine.cores,
            memory_mb=machine.memory_mb,
            kernel=machine.kernel,
            python=machine.python,
            governor=machine.governor,
            load_before=load_before,
            load_after=_load(),
        ),
        fault=fault,
    )


def _resources(roster: Roster, side: Side) -> ResourceEvidence:
    seen = [stats for subject, stats in roster.peaks.items() if subject.side is side]
    cpu = [stats.cpu_sec for stats in seen if stats.cpu_sec is not None]
    peaks = [stats.memory_peak_mb for stats in seen if stats.memory_peak_mb is not None]
    return ResourceEvidence(side=side.value, cpu_sec=sum(cpu) if cpu else None, memory_peak_mb=max(peaks, default=None))


def _oddities(run: Run) -> list[Finding]:
    killed = sum(stats.oom_killed for subject, stats in run.roster.peaks.items() if subject.side is Side.CANDIDATE)
    if not killed:
        return []
    text = "the kernel stopped the submission at its memory limit"
    return [Finding(kind="out_of_memory", text=text, advice="Look for what grows with the number of entries.")]


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # an interpreter takes 0.1 s to free, object by object, what the kernel frees at once
