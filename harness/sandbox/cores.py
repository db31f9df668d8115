"""Which CPU cores the subjects run on, and which everything else: they must not share one if there are two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

NO_CORES: frozenset[int] = frozenset()
ALL_WHOLE: Mapping[int, frozenset[int]] = MappingProxyType({})
"""No core is known to be half of another."""


@dataclass(frozen=True)
class Cores:
    """Both subjects run on the cores `subject`, in turn; the grader, its clock and its load generator on `grader`."""

    subject: tuple[int, ...]
    grader: tuple[int, ...]

    @property
    def both(self) -> tuple[int, ...]:
        """Every core of the grading. The grader may look whether they are free; its work keeps to its own."""
        return tuple(sorted({*self.subject, *self.grader}))

    @property
    def apart(self) -> bool:
        """Whether no core belongs to both; where one does, every measurement includes the grader's own work."""
        return not set(self.subject) & set(self.grader)


def split_cores(available: Sequence[int], wanted: int, siblings: Mapping[int, frozenset[int]] = ALL_WHOLE) -> Cores:
    """Give subjects the last `wanted` cores, for most systems keep interrupts and their own services on the first.

    The grader gets the rest; where nothing is left it shares the first core. Halves of one physical core slow each
    other down, so no two go to the subjects, and none whose other half is theirs to the grader, while there are others.
    """
    ordered = sorted(set(available))
    if not ordered:
        raise ValueError("no core is available")

    def is_apart(core: int, others: Sequence[int]) -> bool:
        return siblings.get(core, NO_CORES).isdisjoint(others)

    whole: list[int] = []
    for core in reversed(ordered):
        if is_apart(core, whole):
            whole.append(core)
    halves = [core for core in reversed(ordered) if core not in whole]
    subject = sorted((whole + halves)[:wanted])
    rest = [core for core in ordered if core not in subject]
    apart = [core for core in rest if is_apart(core, subject)]
    return Cores(tuple(subject), tuple(apart or rest or ordered[:1]))


def cpuset(cores: Sequence[int]) -> str:
    """Write cores as the kernel reads them: `0,2,3`."""
    return ",".join(str(core) for core in sorted(cores))
