"""What items can go through, by the names that the grader gives stages: functions of modules copied at this start."""

import os

from .drawn import drawn

MODULES = {
    "forks": ("whereabouts", "runs_seen"),
    "computing": ("squarings", "compressed", "part_of_array", "mixed", "logged", "turned", "naps"),
    "asking": (
        "asked",
        "asked_then_number",
        "asked_or_raise",
        "asked_then_asking",
        "passed_on",
        "on_a_lifeline",
        "leaves_a_thread",
    ),
    "failures": ("raising", "handles", "asked_then", "named", "aloof", "approached", "opened", "dying"),
}

_copies, FUNCTIONS = drawn(os.path.dirname(os.path.abspath(__file__)), MODULES)  # noqa: PTH100, PTH120

note_caller = _copies["forks"].note_caller
Aloof, Awkward, Handle = (getattr(_copies["failures"], name) for name in ("Aloof", "Awkward", "Handle"))
