"""Say how well a submission did: 0 to 100, from the weights in `challenge.toml`.

A check that passed earns its whole weight. A bar earns BAR_SHARE of its weight at the pass threshold, all of it at the
distinction threshold and beyond, and in between in proportion to the logarithm of the ratio's estimate; one that is not
passed earns nothing. Required or not makes no difference. What an inconclusive bar would have earned nobody can tell,
so its weight is left out. A grading that is inconclusive as a whole, or an error, has no score.
"""

import math

from grader.bar_verdict import BarVerdict, JudgedBar
from grader.evidence import CheckStatus
from grader.verdict import Judgement, Verdict

BAR_SHARE = 0.6
"""Reaching the pass bar is most of the work; the rest is earned between it and distinction."""


def score(judgement: Judgement) -> float | None:
    """Score a judged grading, to one decimal; None where nothing is claimed."""
    if judgement.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}:
        return None
    shares = [(judged.check.weight, float(judged.status is CheckStatus.PASSED)) for judged in judgement.checks]
    for judged in judgement.bars:
        share = bar_share(judged, failed=judgement.verdict is Verdict.FAIL)
        if share is not None:
            shares.append((judged.bar.weight, share))
    heaviest = max((weight for weight, _ in shares), default=0.0)
    if heaviest == 0:
        return None
    whole = math.fsum(weight / heaviest for weight, _ in shares)
    return round(100 * math.fsum(weight / heaviest * share for weight, share in shares) / whole, 1)


def bar_share(judged: JudgedBar, *, failed: bool) -> float | None:
    """Say which share of its weight a bar earned, or None where that is not known.

    In a failed grading, bars that were not reached earned nothing.
    """
    match judged.verdict:
        case BarVerdict.PASS:
            return _passed_share(judged)
        case BarVerdict.FAIL:
            return 0.0
        case BarVerdict.NOT_MEASURED:
            return 0.0 if failed else None
        case BarVerdict.INCONCLUSIVE | BarVerdict.ERROR:
            return None


def _passed_share(judged: JudgedBar) -> float:
    assert judged.evidence is not None
    assert judged.evidence.ratio is not None
    whole = math.log(judged.bar.pass_ / judged.bar.distinction)
    reached = math.log(judged.bar.pass_ / judged.evidence.ratio.estimate)
    return BAR_SHARE + (1 - BAR_SHARE) * min(1.0, max(0.0, reached / whole))
