"""Hunt for mistakes with Hypothesis: fresh random sequences in one world of keys."""

from hypothesis import HealthCheck, Phase, given, seed, settings
from model import Operation
from replaying import CanReplay, Mistake, find_mistake, shrink
from worlds import World, sequences


class Found(BaseException):
    """Leaves Hypothesis at the first mistake. No `Exception`, because Hypothesis would try to reproduce and shrink it.

    Its shrinking has no limit in replays, each of which may hang for seconds; `replaying.shrink` has one.
    """

    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


def hunt(submission: CanReplay, title: str, world: World, seed_: int, examples: int) -> None:
    """Fail the check with `title` and a shrunk story if any of `examples` sequences is answered wrongly."""

    @seed(seed_)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operations=sequences(world))
    def look(operations: list[Operation]) -> None:
        mistake = find_mistake(submission, list(world.specs), operations)
        if mistake is not None:
            raise Found(mistake)

    try:
        look()
    except Found as found:
        raise AssertionError(f"{title}: {shrink(submission, found.mistake)}") from None
