"""Grade one submission: take it in, run it beside the reference, judge the evidence, and leave nothing behind."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from grader.assembly import Circumstances, assemble, assemble_fault
from grader.catalogue import Entry
from grader.challenge import DeclaredLimits
from grader.evidence import Evidence
from grader.interruption import Shield
from grader.result import Result
from grader.scratch import scratch_folder
from grader.staging import stage
from grader.venue import Venue
from harness.control.host import serve
from harness.control.messages import Job, Progress
from harness.control.messages import Result as Reply
from harness.errors import ControlLost, HarnessError
from harness.sandbox.cores import split_cores
from harness.sandbox.roles import Limits, Sandbox, Staged
from harness.sandbox.siblings import siblings

SEED_BITS = 48
"""Beyond guessing, and exact in every reader of JSON."""

PATIENCE = 3.0
"""Grading timeouts: one for each side's calls, and one for what the grader does itself between them."""

START_SEC = 60.0
"""Starting containers on a busy machine, on top of that."""


@dataclass(frozen=True)
class GradingRequest:
    """What to grade and where; `selected` names the ids to run, empty for all; without a seed one is drawn."""

    root: Path
    entry: Entry
    submission: Path
    venue: Venue
    seed: int | None = None
    selected: tuple[str, ...] = ()


@dataclass(frozen=True)
class GradingOutcome:
    """The result, and pytest-benchmark's JSON, empty where nothing was measured."""

    result: Result
    benchmarks: str


def grade(request: GradingRequest, on_progress: Callable[[Progress], None] = lambda _: None) -> GradingOutcome:
    """Grade one submission; a fault of ours while it runs becomes a result whose verdict is `error`.

    Raises UsageError where the submission or the challenge cannot be taken as it is, and Interrupted when told to stop.
    """
    challenge = request.entry.challenge
    started_at = datetime.now(UTC)
    seed = secrets.randbits(SEED_BITS) if request.seed is None else request.seed
    with scratch_folder() as scratch:
        on_progress(Progress(phase="staging", id="", done=0, total=0, text="taking the submission in"))
        staged = stage(request.root, request.entry, request.submission, scratch)
        circumstances = Circumstances(
            slug=request.entry.slug,
            submission=request.submission.resolve().name,
            intake=staged.intake,
            isolation=request.venue.isolation,
            image_digest=request.venue.image_digest,
            seed=seed,
            started_at=started_at,
            selected=request.selected,
        )
        try:
            evidence, benchmarks = _run(request, staged.staged, seed, on_progress)
        except HarnessError as fault:
            return GradingOutcome(assemble_fault(circumstances, challenge, str(fault)), "")
    return GradingOutcome(assemble(circumstances, challenge, evidence), benchmarks)


def _run(
    request: GradingRequest, staged: Staged, seed: int, on_progress: Callable[[Progress], None]
) -> tuple[Evidence, str]:
    """Run the grader and its subjects until the evidence is here."""
    limits = request.entry.challenge.limits
    cores = split_cores(request.venue.cores, limits.cores, siblings())
    job = Job(
        slug=request.entry.slug,
        seed=seed,
        select=request.selected,
        bars=True,
        memory_mb=limits.memory_mb,
        call_timeout_sec=limits.call_timeout_sec,
        subject_cores=cores.subject,
        grader_cores=cores.grader,
        isolation=request.venue.isolation,
    )
    on_progress(Progress(phase="starting", id="", done=0, total=0, text="starting the grader"))
    with request.venue.sandbox(staged, _limits(limits), cores) as sandbox:
        reply = _serve_and_stop(sandbox, job, on_progress, limits.grading_timeout_sec * PATIENCE + START_SEC)
    try:
        return Evidence.model_validate(reply.evidence), reply.benchmarks
    except ValidationError as error:
        raise ControlLost(f"the grader's evidence is malformed: {error}") from error


def _serve_and_stop(sandbox: Sandbox, job: Job, on_progress: Callable[[Progress], None], timeout_sec: float) -> Reply:
    """Serve the grading and stop the sandbox whatever happens; what went wrong first is told, not what came of it."""
    with Shield() as shield:
        try:
            with shield.lifted():
                reply = serve(sandbox, job, on_progress, timeout_sec)
        except BaseException:
            with suppress(HarnessError):
                sandbox.stop()
            raise
        sandbox.stop()
    return reply


def _limits(declared: DeclaredLimits) -> Limits:
    return Limits(
        memory_mb=declared.memory_mb,
        pids=declared.pids,
        tmpfs_mb=declared.tmpfs_mb,
        cores=declared.cores,
        shm_mb=declared.shm_mb,
        open_files=declared.open_files,
        disk_mb=declared.disk_mb,
    )
