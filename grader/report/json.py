"""Show a result as JSON: the same text as in `result.json`, in ASCII, so that it is harmless on a terminal too."""

import json

from grader.result import Result


def render(result: Result) -> str:
    """Give the result as JSON text."""
    return json.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
