"""Findings that the judging itself makes: what a person should look at before believing a number."""

from collections.abc import Iterable

from grader.bar_verdict import JudgedBar
from grader.evidence import Finding

PLAUSIBLE_GAIN = 3.0
"""The reference is the fastest design its author could make; three times better is a cheat more often than an idea."""


def implausible(bars: Iterable[JudgedBar]) -> list[Finding]:
    """Flag every bar on which the submission is far better than the reference."""
    return [
        Finding(
            kind="faster_than_plausible",
            text=f"{judged.bar.id}: the submission measures {judged.evidence.ratio.estimate:.3g} of the reference",
            advice="Read how the submission does this before believing it: it may remember answers or skip the work. "
            "If it is a better idea, make it the reference.",
        )
        for judged in bars
        if judged.evidence and judged.evidence.ratio and judged.evidence.ratio.estimate * PLAUSIBLE_GAIN < 1
    ]
