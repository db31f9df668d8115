"""The messages of the control channel.

  host ──► grader   job, once and first; then a reply to each request
  grader ──► host   requests and progress in any order; then the result, once and last

Both ends are ours, so what does not fit these shapes is a fault of the platform.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError

from harness.errors import ControlLost
from harness.sandbox.roles import Isolation, Stats, Subject

Plain: TypeAlias = dict[str, Any]

SubjectText: TypeAlias = Annotated[
    Subject, BeforeValidator(lambda value: Subject.parse(value) if isinstance(value, str) else value)
]


class Do(StrEnum):
    """What the grader may ask of the host: three things, and nothing else."""

    HAND_OVER = "hand_over"
    RESTART = "restart"
    STATS = "stats"


@dataclass(frozen=True)
class Job:
    """What to grade; an empty `select` means every check and bar."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    slug: StrictStr
    seed: StrictInt
    select: tuple[StrictStr, ...]
    bars: StrictBool
    memory_mb: StrictInt
    call_timeout_sec: float
    subject_cores: tuple[StrictInt, ...]
    grader_cores: tuple[StrictInt, ...]
    isolation: Isolation
    kind: Literal["job"] = field(default="job", repr=False)


@dataclass(frozen=True)
class Request:
    """Do something to subjects; `hash_seed` belongs to a restart.

    A hand-over freezes `subjects`, thaws those to `resume`, and reads the accounting of those to `watch`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: StrictInt
    do: Do
    subjects: tuple[SubjectText, ...]
    hash_seed: StrictInt | None = None
    resume: tuple[SubjectText, ...] = ()
    watch: tuple[SubjectText, ...] = ()
    kind: Literal["request"] = field(default="request", repr=False)


@dataclass(frozen=True)
class Reply:
    """The answer to the request of the same `id`; `error` is `None` where it was done."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: StrictInt
    error: StrictStr | None = None
    stats: tuple[Stats, ...] = ()
    kind: Literal["reply"] = field(default="reply", repr=False)


@dataclass(frozen=True)
class Progress:
    """How far the grading is; `text` may carry hostile text."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    phase: StrictStr
    id: StrictStr
    done: StrictInt
    total: StrictInt
    text: StrictStr
    kind: Literal["progress"] = field(default="progress", repr=False)


@dataclass(frozen=True)
class Result:
    """What the grading learned: evidence as plain data, and pytest-benchmark's JSON."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    evidence: Plain
    benchmarks: StrictStr
    kind: Literal["result"] = field(default="result", repr=False)


FromHost: TypeAlias = Job | Reply
FromGrader: TypeAlias = Request | Progress | Result
Message: TypeAlias = FromHost | FromGrader

FROM_HOST: Final[TypeAdapter[FromHost]] = TypeAdapter(Annotated[FromHost, Field(discriminator="kind")])
FROM_GRADER: Final[TypeAdapter[FromGrader]] = TypeAdapter(Annotated[FromGrader, Field(discriminator="kind")])


def to_plain(message: Message) -> Plain:
    """Write a message as plain data."""
    if isinstance(message, Result):
        return {"kind": message.kind, "evidence": message.evidence, "benchmarks": message.benchmarks}
    plain = asdict(message)
    match message:
        case Request(do=do, subjects=subjects, resume=resume, watch=watch):
            named = {"subjects": subjects, "resume": resume, "watch": watch}
            plain |= {"do": do.value, **{name: [str(one) for one in who] for name, who in named.items()}}
        case Reply(stats=stats):
            plain["stats"] = [{**asdict(each), "state": each.state.value} for each in stats]
        case Job(isolation=isolation):
            plain["isolation"] = isolation.value
        case Progress():
            pass
    return plain


def parse_from_host(plain: object) -> FromHost:
    """Read what the host sent; raises ControlLost."""
    return _parse(FROM_HOST, plain)


def parse_from_grader(plain: object) -> FromGrader:
    """Read what the grader sent; raises ControlLost."""
    return _parse(FROM_GRADER, plain)


M = TypeVar("M")


def _parse(shape: TypeAdapter[M], plain: object) -> M:
    try:
        return shape.validate_python(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ControlLost(f"a malformed message on the control channel: {place}: {first['msg']}") from None
